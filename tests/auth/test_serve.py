"""`serve` with an `auth` block: a real process, an issuer beside it, and those who ask."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.auth.issuer import AUDIENCE, LocalIssuer
from tests.cli.command import CONFIG, Command


def command_for(issuer: LocalIssuer, folder: Path) -> Command:
    command = Command(folder)
    auth = f"auth:\n  issuer: {issuer.url}\n  audience: {AUDIENCE}\n"
    (folder / "config.yaml").write_text(CONFIG + auth, encoding="utf-8")
    return command


@asynccontextmanager
async def served(command: Command, *arguments: str) -> AsyncIterator[httpx.AsyncClient]:
    with command.serving("--config", "config.yaml", *arguments) as (url, _):
        url = url.replace("0.0.0.0", "127.0.0.1")
        async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
            yield client


def bearer(issuer: LocalIssuer, owner: str) -> dict[str, str]:
    return {"authorization": f"Bearer {issuer.token(sub=owner)}"}


async def test_each_finds_what_is_theirs_and_nothing_else(issuer: LocalIssuer, tmp_path: Path) -> None:
    ann, eve = bearer(issuer, "ann"), bearer(issuer, "eve")
    async with served(command_for(issuer, tmp_path)) as client:
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/agents")).status_code == 401
        stream = "/agents/assistant/sessions/s/messages/stream"
        await client.post("/agents/assistant/sessions", json={"id": "s"}, headers=ann)
        assert (await client.post(stream, json={"message": "Hi"})).status_code == 401
        told = await client.post(stream, json={"message": "Hi"}, headers=ann)
        assert told.text.endswith("data: [DONE]\n\n")
        for response in (
            await client.post(stream, json={"message": "Hi"}, headers=eve),
            await client.get(f"{stream}?after=1.1.0", headers=eve),
            await client.delete("/sessions/s", headers=eve),
        ):
            assert (response.status_code, response.json()["error"]["code"]) == (404, "session_not_found")
        assert (await client.get("/sessions", headers=eve)).json()["sessions"] == []
        assert (await client.post("/sessions", json={"id": "s"}, headers=eve)).status_code == 201
        assert len((await client.get("/sessions/s/messages?agent_id=assistant", headers=ann)).json()["messages"]) == 2


async def test_two_tokens_are_one_too_many_also_on_the_wire(issuer: LocalIssuer, tmp_path: Path) -> None:
    ann, eve = issuer.token(sub="ann"), issuer.token(sub="eve")
    async with served(command_for(issuer, tmp_path)) as client:
        response = await client.get("/agents", headers=[("authorization", f"Bearer {token}") for token in (ann, eve)])
    assert (response.status_code, response.json()["error"]["code"]) == (401, "unauthenticated")


async def test_the_command_talks_in_the_name_of_its_token(issuer: LocalIssuer, tmp_path: Path) -> None:
    command = command_for(issuer, tmp_path)
    async with served(command) as client:
        url = str(client.base_url)
        call = ("call", "one", "--session", "s", "--agent", "assistant", "--url", url)
        code, said = await asyncio.to_thread(command.fails, *call)
        assert (code, said.endswith("(unauthenticated)\n")) == (1, True)
        token = issuer.token(sub="ann")
        await asyncio.to_thread(command.out, *call, "--token", token)
        command.environment["SESSIONFUL_TOKEN"] = token
        assert "(3 messages in view)" in await asyncio.to_thread(command.out, *call)
        listed = await asyncio.to_thread(command.out, "sessions", "list", "--json", "--url", url)
        assert token not in listed
        assert [session["id"] for session in json.loads(listed)] == ["s"]
        command.environment["SESSIONFUL_TOKEN"] = issuer.token(sub="eve")
        assert json.loads(await asyncio.to_thread(command.out, "sessions", "list", "--json", "--url", url)) == []


async def test_an_issuer_that_is_down_is_no_wrong_token(issuer: LocalIssuer, tmp_path: Path) -> None:
    issuer.status = 503
    async with served(command_for(issuer, tmp_path)) as client:
        response = await client.get("/agents", headers=bearer(issuer, "ann"))
    assert (response.status_code, response.json()["error"]["code"]) == (503, "store_unavailable")
    assert "retry-after" in response.headers


async def test_with_it_every_host_may_be_served_and_tokens_in_the_clear_are_warned_of(
    issuer: LocalIssuer, tmp_path: Path
) -> None:
    command = command_for(issuer, tmp_path)
    async with served(command, "--host", "0.0.0.0") as client:
        assert (await client.get("/agents")).status_code == 401
        assert (await client.get("/agents", headers=bearer(issuer, "ann"))).status_code == 200
    with command.start("serve", "--port", "0", "--host", "0.0.0.0", "--config", "config.yaml") as process:
        assert process.stderr is not None
        assert "plain HTTP" in await asyncio.to_thread(process.stderr.readline)


async def test_to_ask_for_a_token_and_to_let_everybody_in_is_a_contradiction(
    issuer: LocalIssuer, tmp_path: Path
) -> None:
    arguments = ("serve", "--port", "0", "--config", "config.yaml", "--allow-unauthenticated")
    code, said = await asyncio.to_thread(command_for(issuer, tmp_path).fails, *arguments)
    assert (code, len(said.splitlines())) == (2, 1)
    assert "auth" in said


@pytest.mark.parametrize("left", ["issuer: https://i.example", "audience: a", ""])
def test_a_block_that_would_let_nobody_or_anybody_in_is_refused(tmp_path: Path, left: str) -> None:
    command = Command(tmp_path)
    (tmp_path / "config.yaml").write_text(f"{CONFIG}auth:\n  {left}\n", encoding="utf-8")
    code, said = command.fails("serve", "--port", "0", "--config", "config.yaml")
    assert code == 2
    assert "is missing" in said
