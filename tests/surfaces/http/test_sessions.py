"""Sessions: made, listed, read, changed, ended, nobody else's; the same in both trees."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sessionful.core.service import Service
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import a_service, an_agent, an_app, by_header, client_of

TREES = ["/sessions", "/agents/assistant/sessions"]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(an_app("Hello there.")) as client:
        yield client


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_session_carries_every_spelling_and_the_times_are_rfc_3339(
    client: httpx.AsyncClient, tree: str
) -> None:
    response = await client.post(tree, json={"metadata": {"user": "john"}, "title": "Trip", "timeout": "30m"})
    session = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"{tree}/{session['id']}"
    assert session["id"] == session["session_id"] == session["sessionId"]
    assert session["id"].startswith("sess_")
    assert session["agent_id"] == session["agentId"] == "assistant"
    assert session["created_at"] == session["createdAt"]
    assert session["updated_at"] == session["last_activity_at"] == session["lastActivityAt"]
    assert session["created_at"].endswith("Z") and len(session["created_at"]) == len("2025-10-05T20:00:00.000Z")
    assert (session["state"], session["metadata"], session["title"]) == ({}, {"user": "john"}, "Trip")
    assert (session["status"], session["turn_id"], session["message_count"]) == ("idle", None, 0)
    assert session["timeout"] == 1800 and session["expires_at"] > session["created_at"]


@pytest.mark.parametrize(
    "request_of",
    [
        {},
        {"headers": {"content-type": "application/json"}},
        {"headers": {"content-type": "application/json"}, "content": b""},
        {"content": b"{}"},
        {"content": b" \n"},
        {"content": b'{"agentId": "assistant"}', "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b'{"agent_id": "assistant"}', "headers": {"content-type": "text/plain"}},
    ],
)
async def test_any_body_or_none_opens_a_session(
    client: httpx.AsyncClient, tree: str, request_of: dict[str, Any]
) -> None:
    assert (await client.post(tree, **request_of)).status_code == 201


@pytest.mark.parametrize("name", ["id", "session_id", "sessionId"])
async def test_the_clients_own_id_is_kept_in_every_spelling(client: httpx.AsyncClient, tree: str, name: str) -> None:
    own = "my séssion 🙂 %2F?#&"
    made = await client.post(tree, json={name: own})
    assert made.json()["id"] == own
    assert (await client.get(made.headers["location"])).json() == made.json()
    assert (await client.post(tree, json={name: own})).json()["error"]["code"] == "session_exists"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "a", "sessionId": "b"}, "session_id"),
        ({"agentId": "a", "agent_id": "b"}, "agent_id"),
        ({"metadata": "john"}, "metadata"),
        ({"timeout": "soon"}, "timeout"),
        ({"id": "a/b"}, "session_id"),
        ({"id": ""}, "session_id"),
        ({"title": 3}, "title"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(
    client: httpx.AsyncClient, tree: str, body: dict[str, Any], field: str
) -> None:
    response = await client.post(tree, json=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_request"
    assert response.json()["error"]["details"]["field"] == field


async def test_an_unknown_field_is_refused_with_the_nearest_known(client: httpx.AsyncClient, tree: str) -> None:
    error = (await client.post(tree, json={"metdata": {}})).json()["error"]
    assert error["details"] == {"field": "metdata", "nearest": "metadata"}
    assert "did you mean 'metadata'" in error["message"]


async def test_lists_are_paged_and_newest_comes_first(client: httpx.AsyncClient, tree: str) -> None:
    made = [(await client.post(tree, json={"id": f"s{number}"})).json()["id"] for number in range(5)]
    found, cursor = [], None
    while True:
        page = (await client.get(tree, params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        found += [session["id"] for session in page["sessions"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(found) == sorted(made)
    assert (await client.get(tree)).json()["sessions"][0]["updated_at"] >= page["sessions"][-1]["updated_at"]


async def test_an_empty_list_is_a_list(client: httpx.AsyncClient, tree: str) -> None:
    assert (await client.get(tree)).json() == {"sessions": [], "next_cursor": None}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_only_what_is_sent_is_changed(client: httpx.AsyncClient, tree: str, method: str) -> None:
    session = (await client.post(tree, json={"title": "old", "state": {"n": 1}, "metadata": {"a": 1}})).json()
    path = f"{tree}/{session['id']}"
    changed = (await client.request(method, path, json={"title": "new", "metadata": None, "work_dir": "/tmp"})).json()
    assert (changed["title"], changed["state"], changed["metadata"]) == ("new", {"n": 1}, {})
    assert changed["work_dir"] == "/tmp" and changed["version"] == session["version"] + 1
    assert (await client.request(method, path, json={"title": None})).json()["title"] is None
    assert (await client.get(path)).json()["state"] == {"n": 1}


async def test_put_takes_the_whole_resource_back_and_patch_does_not(client: httpx.AsyncClient, tree: str) -> None:
    session = (await client.post(tree, json={})).json()
    path = f"{tree}/{session['id']}"
    assert (await client.put(path, json={**session, "title": "new"})).json()["title"] == "new"
    assert (await client.put(path, json={**session, "id": "another"})).status_code == 400
    assert (await client.patch(path, json={**session, "title": "newer"})).status_code == 400


async def test_a_change_on_an_old_version_is_refused(client: httpx.AsyncClient, tree: str) -> None:
    made = await client.post(tree, json={})
    path, tag = f"{tree}/{made.json()['id']}", made.headers["etag"]
    changed = await client.put(path, json={"title": "one"}, headers={"if-match": tag})
    assert changed.status_code == 200 and changed.headers["etag"] != tag
    for stale in (tag, "W/" + changed.headers["etag"], '"x"', f'{tag}, "77"'):
        response = await client.patch(path, json={"title": "two"}, headers={"if-match": stale})
        assert (response.status_code, response.json()["error"]["code"]) == (409, "version_conflict")
    for fresh in ("*", "{}", '"77", {}'):
        current = (await client.get(path)).headers["etag"]
        response = await client.patch(path, json={"title": "two"}, headers={"if-match": fresh.format(current)})
        assert response.status_code == 200


async def test_a_deleted_session_is_gone(client: httpx.AsyncClient, tree: str) -> None:
    path = (await client.post(tree, json={})).headers["location"]
    response = await client.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    for method in ("GET", "DELETE", "PUT"):
        response = await client.request(method, path)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "session_not_found")


async def test_an_ended_session_can_be_read_and_not_continued(client: httpx.AsyncClient, tree: str) -> None:
    path = (await client.post(tree, json={})).headers["location"]
    assert (await client.post(f"{path}/end")).json()["status"] == "ended"
    assert (await client.post(f"{path}/end")).json()["status"] == "ended"
    assert (await client.get(path)).json()["status"] == "ended"
    response = await client.post(f"{path}/messages", json={"message": "Hi"})
    assert (response.status_code, response.json()["error"]["code"]) == (409, "session_ended")


async def test_with_several_agents_the_id_says_whose_session_it_is() -> None:
    log = InMemoryLog()
    app = create_app(Service([an_agent(log, "ann", ["I am Ann."]), an_agent(log, "bob", ["I am Bob."])], log))
    async with client_of(app) as client:
        for agent in ("ann", "bob"):
            assert (await client.post("/sessions", json={"id": "same", "agentId": agent})).status_code == 201
        error = (await client.get("/sessions/same")).json()["error"]
        assert (error["code"], error["details"]["field"]) == ("invalid_request", "agent_id")
        for name in ("agent_id", "agentId"):
            assert (await client.get("/sessions/same", params={name: "bob"})).json()["agent_id"] == "bob"
            assert len((await client.get("/sessions", params={name: "bob"})).json()["sessions"]) == 1
        assert (await client.get("/agents/ann/sessions/same")).json()["agentId"] == "ann"
        assert (await client.get("/sessions", params={"agent_id": "a", "agentId": "b"})).status_code == 400
        assert (await client.post("/agents/ann/sessions", json={"agent_id": "bob"})).status_code == 400
        assert (await client.post("/agents/zoe/sessions")).json()["error"]["code"] == "agent_not_found"
        free = (await client.post("/sessions", json={})).json()
        assert free["agent_id"] is None
        for agent in ("ann", "bob"):
            path = f"/sessions/{free['id']}/message"
            answer = (await client.post(path, json={"agent_id": agent, "message": "Who are you?"})).json()
            assert answer["response"] == f"I am {agent.title()}."
        response = await client.post(f"/sessions/{free['id']}/message", json={"message": "And who are you?"})
        assert response.json()["error"]["details"]["field"] == "agent_id"


async def test_what_belongs_to_another_owner_is_not_found() -> None:
    app = create_app(a_service("Hi."), owner=by_header)
    async with client_of(app) as client:
        ann, eve = {"x-test-user": "ann"}, {"x-test-user": "eve"}
        path = (await client.post("/sessions", json={"id": "mine"}, headers=ann)).headers["location"]
        assert (await client.get(path, headers=ann)).status_code == 200
        for method, rest in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/messages"), ("GET", "/export")):
            response = await client.request(method, path + rest, headers=eve)
            assert (response.status_code, response.json()["error"]["code"]) == (404, "session_not_found")
        assert (await client.get("/sessions", headers=eve)).json()["sessions"] == []
        assert (await client.post("/sessions", json={"id": "mine"}, headers=eve)).status_code == 201
