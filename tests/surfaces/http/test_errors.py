"""One body for every error, one table from code to status."""

import asyncio
import json
import logging

import httpx
import pytest
from starlette.requests import HTTPConnection

from sessionful.core.service import Service
from sessionful.domain.error import AgentError, RateLimited, StoreUnavailable, Unauthenticated, every_error
from sessionful.domain.session import SessionKey
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app
from sessionful.surfaces.http.errors import STATUS
from tests.surfaces.house import a_service, an_agent, an_app, client_of, serving


def refusing(error: Exception) -> httpx.ASGITransport:
    """A surface whose every caller is refused with this error."""

    async def owner(connection: HTTPConnection) -> str:
        raise error

    return httpx.ASGITransport(create_app(a_service(), owner=owner))


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
async def test_every_error_has_a_status_and_the_one_body(kind: type[AgentError]) -> None:
    assert kind.code in STATUS, "no status for this code"
    async with httpx.AsyncClient(transport=refusing(kind("no", field="x")), base_url="http://server") as client:
        response = await client.get("/sessions", headers={"x-request-id": "r1"})
    assert response.status_code == STATUS[kind.code]
    expected = {"code": kind.code, "message": "no", "details": {"field": "x"}, "request_id": "r1"}
    assert response.json() == {"error": expected}


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (RateLimited("slowly", retry_after=2.1), "retry-after", "3"),
        (RateLimited("slowly"), "retry-after", "1"),
        (StoreUnavailable("gone"), "retry-after", "1"),
        (Unauthenticated("who are you?"), "www-authenticate", "Bearer"),
    ],
)
async def test_an_error_tells_what_to_do_next(error: AgentError, header: str, value: str) -> None:
    async with httpx.AsyncClient(transport=refusing(error), base_url="http://server") as client:
        assert (await client.get("/sessions")).headers[header] == value


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "not_found"),
        ("POST", "/sessions/", 404, "not_found"),
        ("DELETE", "/sessions", 405, "method_not_allowed"),
        ("GET", "/sessions?limit=0", 400, "invalid_request"),
        ("GET", "/sessions?limit=many", 400, "invalid_request"),
        ("GET", "/sessions?cursor=forged", 400, "invalid_request"),
        ("GET", "/agents/nobody", 404, "agent_not_found"),
        ("GET", "/sessions/s1", 404, "session_not_found"),
        ("GET", "/sessions/s1/messages/stream", 404, "session_not_found"),
        ("GET", "/sessions/s1/messages/stream?after=yesterday", 400, "invalid_request"),
        ("GET", "/sessions/s1/messages/stream?events=some", 400, "invalid_request"),
        ("GET", "/agents/assistant/messages/stream", 400, "invalid_request"),
    ],
)
async def test_what_the_framework_refuses_has_the_same_body(method: str, path: str, status: int, code: str) -> None:
    async with client_of(an_app()) as client:
        response = await client.request(method, path)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, code)
    assert error.keys() == {"code", "message", "details", "request_id"}
    assert error["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b'{"metadata": {"n": 1e999}}',
        b'{"metadata": {"n": -Infinity}}',
        b"\xff\xfe\xfa",
        b'{"title": "\xff"}',
        b'{"title": "\\ud83d"}',
        b"[" * 100_000,
        b'{"metadata": ' * 50_000 + b"1" + b"}" * 50_000,
        b"agentId=assistant",
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    async with client_of(an_app()) as client:
        for method, path in (("POST", "/sessions"), ("POST", "/sessions/import"), ("PUT", "/sessions/s1")):
            response = await client.request(method, path, content=body)
            assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")


async def test_an_escaped_pair_of_surrogates_is_a_character() -> None:
    async with client_of(an_app()) as client:
        response = await client.post("/sessions", content=b'{"title": "\\ud83d\\ude42"}')
        assert response.json()["title"] == "🙂"


async def test_a_body_that_is_too_large_is_refused_while_it_is_read() -> None:
    async def endless() -> None:
        """Sends without end; only a server that measures while it reads can answer."""
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(b"POST /sessions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        answer = asyncio.create_task(reader.readuntil(b"\r\n"))
        while not answer.done():
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await asyncio.sleep(0)
        assert b"413" in await answer
        writer.close()

    async with serving(create_app(a_service(), body_limit=10_000)) as client:
        small = await client.post("/sessions", json={"metadata": {"x": "y" * 9_000}})
        assert small.status_code == 201
        large = await client.post("/sessions", json={"metadata": {"x": "y" * 10_000}})
        assert (large.status_code, large.json()["error"]["code"]) == (413, "payload_too_large")
        assert large.json()["error"]["details"] == {"limit": 10_000}
        async with asyncio.timeout(5):
            await endless()


async def test_six_megabytes_pass_and_more_do_not() -> None:
    async with client_of(an_app("Long indeed.")) as client:
        empty = len(json.dumps({"message": ""}))
        for size, status in ((6 * 1024 * 1024, 200), (6 * 1024 * 1024 + 1, 413)):
            response = await client.post(
                "/agents/assistant/messages", content=json.dumps({"message": "x" * (size - empty)})
            )
            assert response.status_code == status


async def test_the_callers_request_id_comes_back_where_it_can() -> None:
    async with client_of(an_app()) as client:
        assert (await client.get("/health", headers={"x-request-id": "abc-1"})).headers["x-request-id"] == "abc-1"
        for unfit in (b"x" * 129, b"tab\tbed", b"caf\xc3\xa9"):
            given = (await client.get("/health", headers={b"x-request-id": unfit})).headers["x-request-id"]
            assert given.startswith("req_")
        assert (await client.get("/health")).headers["x-request-id"].startswith("req_")


class BrokenLog(InMemoryLog):
    """A store with a fault in its own code."""

    async def get(self, key: SessionKey):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError("a secret of the store")


async def test_what_nobody_foresaw_is_logged_and_told_without_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Service([an_agent(BrokenLog())]))
    async with client_of(app) as client:
        with caplog.at_level(logging.ERROR, "sessionful"):
            response = await client.get("/sessions/s1", headers={"x-request-id": "r9"})
            followed = await client.get("/sessions/s1/messages/stream")
    for answer in (response, followed):
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
        assert "secret" not in answer.text and "ZeroDivisionError" not in answer.text
    assert "r9" in caplog.text and "a secret of the store" in caplog.text
