"""Which web pages may use the server."""

import pytest

from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import a_service, client_of

HERE = ["http://localhost:3000", "http://127.0.0.1:5173", "http://localhost", "https://[::1]:8443"]
ELSEWHERE = ["https://evil.example", "http://localhost.evil.example", "http://127.0.0.1.evil:80", "null", "file://"]


@pytest.mark.parametrize("origin", HERE)
async def test_a_page_of_this_machine_may_read_and_post(origin: str) -> None:
    async with client_of(create_app(a_service())) as client:
        for response in (
            await client.get("/agents", headers={"origin": origin}),
            await client.post("/sessions", headers={"origin": origin}),
            await client.get("/nothing", headers={"origin": origin}),
        ):
            assert response.headers["access-control-allow-origin"] == origin
            assert response.headers["vary"] == "Origin"
        asked = {"access-control-request-method": "PUT", "access-control-request-headers": "content-type,if-match"}
        preflight = await client.options("/sessions/s1", headers={"origin": origin, **asked})
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == origin
        assert "PUT" in preflight.headers["access-control-allow-methods"]
        assert preflight.headers["access-control-allow-headers"] == "content-type,if-match"


@pytest.mark.parametrize("origin", ELSEWHERE)
async def test_a_foreign_page_may_neither_read_nor_change_anything(origin: str) -> None:
    async with client_of(create_app(a_service())) as client:
        read = await client.get("/sessions", headers={"origin": origin})
        assert "access-control-allow-origin" not in read.headers
        # What a browser sends without asking first: a form's content type, and no header of its own.
        form = {"origin": origin, "content-type": "text/plain"}
        written = await client.post("/sessions", content='{"id": "s1"}', headers=form)
        assert (written.status_code, written.json()["error"]["code"]) == (403, "forbidden")
        preflight = await client.options(
            "/sessions/s1", headers={"origin": origin, "access-control-request-method": "PUT"}
        )
        assert "access-control-allow-origin" not in preflight.headers
        assert (await client.get("/sessions/s1")).status_code == 404


async def test_the_servers_own_page_may_post_wherever_the_server_is() -> None:
    async with client_of(create_app(a_service(), origins=())) as client:
        own = await client.post("/sessions", headers={"origin": "https://agents.example", "host": "agents.example"})
        assert own.status_code == 201
        behind_a_proxy = {"origin": "https://agents.example", "host": "internal", "sec-fetch-site": "same-origin"}
        assert (await client.post("/sessions", headers=behind_a_proxy)).status_code == 201
        forged = {**behind_a_proxy, "sec-fetch-site": "cross-site", "host": "agents.example"}
        assert (await client.post("/sessions", headers=forged)).status_code == 403


async def test_configured_origins_replace_the_default() -> None:
    async with client_of(create_app(a_service(), origins=["https://app.example"])) as client:
        assert (await client.post("/sessions", headers={"origin": "https://app.example"})).status_code == 201
        assert (await client.post("/sessions", headers={"origin": "http://localhost:3000"})).status_code == 403
    async with client_of(create_app(a_service(), origins=["*"])) as client:
        assert (await client.post("/sessions", headers={"origin": "https://any.example"})).status_code == 201
