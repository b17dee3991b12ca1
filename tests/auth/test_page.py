"""The chat page at a server that asks for a token, in a real browser."""

import asyncio
from pathlib import Path

import pytest
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sessionful.auth.bearer import bearer_owner
from sessionful.surfaces.http.app import create_app
from tests.auth.issuer import LocalIssuer
from tests.surfaces.house import a_service, serving
from tests.surfaces.http.test_page import CHROMIUM, FLAGS


class Remembers:
    """Beside the application a page of the same origin, which leaves the tab a token and goes to the chat."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/enter":
            script = f"sessionStorage.setItem('token', '{self._token}'); location.replace('/#assistant/s')"
            await HTMLResponse(f"<script>{script}</script>")(scope, receive, send)
        else:
            await self.app(scope, receive, send)


async def shown(url: str, folder: Path) -> str:
    browser = await asyncio.create_subprocess_exec(
        str(CHROMIUM),
        *FLAGS,
        f"--user-data-dir={folder}",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        out, _ = await asyncio.wait_for(browser.communicate(), 60)
    finally:
        if browser.returncode is None:
            browser.kill()
            await browser.wait()
    return out.decode()


@pytest.mark.skipif(CHROMIUM is None, reason="no browser here")
async def test_it_asks_for_a_token_and_then_shows_what_is_the_tokens_owners(
    issuer: LocalIssuer, tmp_path: Path
) -> None:
    app = create_app(a_service("So you say: Hi"), owner=bearer_owner(issuer.verifier()))
    app.add_middleware(Remembers, token=issuer.token(sub="ann"))
    async with serving(app) as client:
        ann = {"authorization": f"Bearer {issuer.token(sub='ann')}"}
        await client.post("/agents/assistant/sessions", json={"id": "s"}, headers=ann)
        await client.post("/agents/assistant/sessions/s/messages", json={"message": "Hi"}, headers=ann)
        stranger = await shown(f"{client.base_url}#assistant/s", tmp_path / "stranger")
        assert '<dialog id="enter" open="">' in stranger
        assert "This server wants to know who you are" in stranger
        assert "So you say" not in stranger
        known = await shown(f"{client.base_url}/enter", tmp_path / "known")
    assert '<dialog id="enter">' in known
    assert '<p class="assistant">So you say: Hi</p>' in known
