"""A session's past: given, paged through, forked, carried out and in; the same in both trees."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.surfaces.house import an_app, client_of

TREES = ["/sessions", "/agents/assistant/sessions"]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(an_app("Hello there.")) as client:
        yield client


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_session_starts_from_a_history(client: httpx.AsyncClient, tree: str) -> None:
    past = [{"role": "user", "content": "Hi"}, {"role": "ROLE_ASSISTANT", "content": [{"text": "Hello"}]}]
    session = (await client.post(tree, json={"messages": past})).json()
    messages = (await client.get(f"{tree}/{session['id']}/messages")).json()["messages"]
    assert [(message["role"], message["text"]) for message in messages] == [("user", "Hi"), ("assistant", "Hello")]


async def test_a_fork_shares_the_past_up_to_a_point(client: httpx.AsyncClient, tree: str) -> None:
    path = (await client.post(tree, json={"id": "origin"})).headers["location"]
    for text in ("one", "two", "three"):
        await client.post(f"{path}/messages", json={"message": text})
    whole = (await client.post(f"{path}/fork")).json()
    assert (whole["message_count"], whole["parent"]) == (6, {"session_id": "origin", "at": "3.1"})
    for at, count in ((2, 4), ("2", 4), ("1.1", 2)):
        fork = await client.post(f"{path}/fork", json={"at": at, "sessionId": f"fork {at} {count} {type(at)}"})
        assert (fork.status_code, fork.json()["message_count"]) == (201, count)
    assert (await client.post(f"{path}/fork", json={"at": 9})).json()["error"]["code"] == "turn_not_found"
    assert (await client.post(f"{path}/fork", json={"id": "origin"})).status_code == 409


async def test_the_history_is_paged_both_ways(client: httpx.AsyncClient, tree: str) -> None:
    path = (await client.post(tree, json={})).headers["location"]
    for text in ("one", "two", "three"):
        await client.post(f"{path}/messages", json={"message": text})
    whole = (await client.get(f"{path}/messages")).json()["messages"]
    assert [message["text"] for message in whole if message["role"] == "user"] == ["one", "two", "three"]
    assert whole[1].items() >= {"role": "assistant", "text": "Hello there.", "step": 1, "agent": "assistant"}.items()
    assert whole[1]["usage"]["output_tokens"] == 2 and whole[0]["usage"] is None
    assert whole[1]["parts"] == [{"type": "text", "text": "Hello there."}]
    forwards = (await client.get(f"{path}/messages", params={"limit": 4})).json()
    rest = (await client.get(f"{path}/messages", params={"limit": 4, "after": forwards["next_cursor"]})).json()
    assert forwards["messages"] + rest["messages"] == whole and rest["next_cursor"] is None
    backwards = (await client.get(f"{path}/messages", params={"limit": 2, "before": whole[5]["id"]})).json()
    assert backwards["messages"] == whole[3:5] and backwards["next_cursor"] == whole[3]["id"]


async def test_a_session_is_carried_out_and_in(client: httpx.AsyncClient, tree: str) -> None:
    path = (await client.post(tree, json={"id": "old", "title": "Trip", "state": {"n": 1}})).headers["location"]
    await client.post(f"{path}/messages", json={"message": "Hi"})
    document = (await client.get(f"{path}/export")).json()
    assert [message["content"] for message in document["messages"]] == ["Hi", "Hello there."]
    assert (await client.post(f"{tree}/import", json=document)).status_code == 409
    copy = await client.post(f"{tree}/import", params={"session_id": "new"}, json=document)
    assert copy.status_code == 201 and copy.json()["title"] == "Trip"
    again = (await client.get(f"{tree}/new/export")).json()
    assert again == {**document, "session_id": "new"}
    await client.delete(path)
    named = {**document, "agentId": "assistant"}
    assert (await client.post(f"{tree}/import", json=named)).json()["id"] == "old"
    assert (await client.post(f"{tree}/import", json={**document, "session_id": "x", "mesages": []})).status_code == 400
