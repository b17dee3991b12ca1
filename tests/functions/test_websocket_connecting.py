"""Who gets a connection: each way of proving who one is, and what is refused before there is one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from functions.connections.connecting import endpoint
from tests.auth.issuer import AUDIENCE, LocalIssuer
from tests.functions.cloud import Cloud
from tests.functions.cold_start import Context, cold_start
from tests.functions.events import ALICE, Event
from tests.functions.websocket_events import HOST, connect_event, disconnect_event

AGENTS = """
llms: {words: {type: scripted}}
agents:
  assistant: {llm: words}
  coder: {llm: words}
"""


class Door:
    def __init__(self, cloud: Cloud, module: ModuleType) -> None:
        self._cloud, self._module = cloud, module

    def __call__(self, event: Event) -> Event:
        answer: Event = self._module.handler(event, Context())
        return answer

    async def asked(self, **wish: Any) -> Event:
        """Beside the loop that the issuer answers in."""
        return await asyncio.to_thread(self, connect_event(query={"agent": "assistant"}, **wish))

    def connections(self) -> list[dict[str, str]]:
        return [{name: item[name]["S"] for name in ("pk", "o", "g", "u")} for item in self._cloud.items()]


@contextmanager
def opened(folder: Path, agents: str = AGENTS, **environment: str) -> Iterator[Door]:
    cloud = Cloud(folder, agents)
    with cold_start("websocket", **{**cloud.environment, **environment}) as module:
        yield Door(cloud, module)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with opened(tmp_path, SESSIONFUL_ORIGINS="https://app.example.com") as door:
        yield door


@pytest.fixture
async def issuer() -> AsyncIterator[LocalIssuer]:
    async with LocalIssuer() as issuer:
        yield issuer


def code(answer: Event) -> tuple[int, str]:
    import json

    return answer["statusCode"], json.loads(answer["body"])["error"]["code"]


def test_without_authentication_a_connection_is_everybodys(door: Door) -> None:
    answer = door(connect_event(query={"agent": "coder"}))
    assert answer == {"statusCode": 200, "headers": {}}
    (kept,) = door.connections()
    assert kept == {"pk": "W#conn=", "o": "local", "g": "coder", "u": f"https://{HOST}/v1"}
    assert door(disconnect_event("conn="))["statusCode"] == 200
    assert door.connections() == []


def test_of_what_is_offered_only_our_subprotocol_is_chosen(door: Door) -> None:
    offers = [("Sec-WebSocket-Protocol", "graphql-ws, sessionful.v1, bearer.abc")]
    chosen = door(connect_event(query={"agent": "coder"}, headers=offers))["headers"]
    assert chosen == {"Sec-WebSocket-Protocol": "sessionful.v1"}
    others = [("Sec-WebSocket-Protocol", "graphql-ws")]
    assert door(connect_event(query={"agent": "coder"}, headers=others))["headers"] == {}


@pytest.mark.parametrize("query", [{"agent": "codr"}, {"agent": ""}, None])
def test_an_agent_that_there_is_not_refuses_the_connection(door: Door, query: dict[str, str] | None) -> None:
    assert code(door(connect_event(query=query))) == (404, "agent_not_found")
    assert door.connections() == []


def test_where_there_is_one_agent_it_need_not_be_named(tmp_path: Path) -> None:
    with opened(tmp_path, "{llms: {words: {type: scripted}}, agents: {only: {llm: words}}}") as door:
        assert door(connect_event())["statusCode"] == 200
        assert door.connections()[0]["g"] == "only"


def test_only_pages_of_the_origins_that_were_named_get_a_connection(door: Door) -> None:
    foreign = [("Origin", "https://evil.example")]
    assert code(door(connect_event(query={"agent": "coder"}, headers=foreign))) == (403, "forbidden")
    assert door.connections() == []
    ours = [("Origin", "https://app.example.com")]
    assert door(connect_event(query={"agent": "coder"}, headers=ours))["statusCode"] == 200


@pytest.mark.parametrize(("setting", "owner"), [("caller", ALICE), ("role", ALICE.partition(":")[0])])
def test_under_iam_the_owner_is_the_principal_that_signed(tmp_path: Path, setting: str, owner: str) -> None:
    with opened(tmp_path, SESSIONFUL_AUTH="iam", SESSIONFUL_IAM_OWNER=setting) as door:
        assert door(connect_event(query={"agent": "coder"}, user=ALICE))["statusCode"] == 200
        assert [one["o"] for one in door.connections()] == [owner]


def test_under_iam_nothing_that_a_client_says_names_the_owner(tmp_path: Path) -> None:
    forged = [("x-amzn-request-context", '{"authorizer": {"iam": {"userId": "AIDAFORGED"}}}'), ("user", "AIDAFORGED")]
    query = {"agent": "coder", "user": "AIDAFORGED", "owner": "AIDAFORGED"}
    with opened(tmp_path, SESSIONFUL_AUTH="iam") as door:
        assert code(door(connect_event(query=query, headers=forged))) == (401, "unauthenticated")
        assert door.connections() == []
        assert door(connect_event(query=query, headers=forged, user=ALICE))["statusCode"] == 200
        assert [one["o"] for one in door.connections()] == [ALICE]


async def test_with_tokens_the_owner_is_the_tokens_subject(tmp_path: Path, issuer: LocalIssuer) -> None:
    auth = f"auth: {{issuer: '{issuer.url}', audience: '{AUDIENCE}', jwks_url: '{issuer.jwks_url}'}}\n"
    with opened(tmp_path, AGENTS + auth, SESSIONFUL_AUTH="jwt") as door:
        in_header = [("Authorization", f"Bearer {issuer.token()}")]
        assert (await door.asked(connection="a=", headers=in_header))["statusCode"] == 200
        in_protocol = [("Sec-WebSocket-Protocol", f"sessionful.v1, bearer.{issuer.token(sub='bob')}")]
        answer = await door.asked(connection="b=", headers=in_protocol)
        assert answer["headers"] == {"Sec-WebSocket-Protocol": "sessionful.v1"}, "the token is not said back"
        assert {(one["pk"], one["o"]) for one in door.connections()} == {("W#a=", "ann"), ("W#b=", "bob")}


async def test_with_tokens_whoever_has_no_good_one_is_refused(tmp_path: Path, issuer: LocalIssuer) -> None:
    auth = f"auth: {{issuer: '{issuer.url}', audience: '{AUDIENCE}', jwks_url: '{issuer.jwks_url}'}}\n"
    old, good = issuer.token(exp=1), issuer.token()
    wrong = [
        [],
        [("Authorization", f"Bearer {old}")],
        [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")],
        [("Sec-WebSocket-Protocol", "sessionful.v1, bearer.nonsense")],
    ]
    with opened(tmp_path, AGENTS + auth, SESSIONFUL_AUTH="jwt") as door:
        for headers in wrong:
            answer = await door.asked(headers=headers, user=ALICE)
            assert code(answer) == (401, "unauthenticated")
            assert old not in answer["body"]
        assert door.connections() == []


def test_frames_are_posted_to_the_apis_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    context = connect_event()["requestContext"]
    assert endpoint(context) == f"https://{HOST}/v1"
    own_domain = {**context, "domainName": "ws.example.com"}
    assert endpoint(own_domain) == "https://abcdefghij.execute-api.eu-west-1.amazonaws.com/v1"
    assert endpoint({**context, "domainName": "127.0.0.1:4711"}) == "http://127.0.0.1:4711/v1"
