"""Whose memories a request is about, and what becomes of them when something happens beside it."""

import asyncio
import dataclasses
from typing import Any

import pytest

from sessionful.core.service import Service
from sessionful.domain.error import ModelUnavailable
from sessionful.domain.memory import Scope, Source
from sessionful.domain.session import Position, SessionKey
from sessionful.embedders.scripted import ScriptedEmbedder
from sessionful.stores.in_memory import InMemoryLog
from sessionful.stores.in_memory_bank import InMemoryBank
from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import a_service, an_agent, by_header, client_of
from tests.surfaces.remembered import a_memory, a_session, refusal, remembering, texts

ANN, BOB = {"x-test-user": "ann"}, {"x-test-user": "bob"}


@pytest.fixture
def bank() -> InMemoryBank:
    return InMemoryBank()


@pytest.mark.parametrize("scope", ["session", "conversational", "summaries_only"])
async def test_nobody_reads_or_changes_what_another_owner_has_remembered(bank: InMemoryBank, scope: str) -> None:
    app = create_app(a_service(bank=bank, memory=remembering(scope)), owner=by_header)
    async with client_of(app) as client:
        path = await a_session(client, headers=ANN)
        await a_session(client, headers=BOB)
        where = Scope("assistant", "ann", None if scope == "conversational" else "s1")
        await bank.store([a_memory(where, "Ann lives in Oslo.", "ann")])
        assert await texts(client, path, headers=ANN) == ["Ann lives in Oslo."]
        assert await texts(client, path, headers=BOB) == []
        for method, body in (("GET", {}), ("DELETE", {}), ("PATCH", {"json": {"text": "Ann has moved."}})):
            response = await client.request(method, f"{path}/mem_1", headers=BOB, **body)
            assert refusal(response) == (404, "memory_not_found")
        assert await texts(client, path, headers=ANN) == ["Ann lives in Oslo."]


async def test_a_session_of_nobody_or_of_another_owner_remembers_nothing(bank: InMemoryBank) -> None:
    app = create_app(a_service(bank=bank, memory=remembering("conversational")), owner=by_header)
    async with client_of(app) as client:
        path = await a_session(client, headers=ANN)
        memory = (await client.post(path, json={"text": "Ann lives in Oslo."}, headers=ANN)).json()
        requests: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", path, {}),
            ("POST", path, {"json": {"text": "x"}}),
            ("GET", f"{path}/{memory['id']}", {}),
            ("PUT", f"{path}/{memory['id']}", {"json": {"text": "x"}}),
            ("PATCH", f"{path}/{memory['id']}", {"json": {"text": "x"}}),
            ("DELETE", f"{path}/{memory['id']}", {}),
        ]
        for method, url, body in requests:
            response = await client.request(method, url, headers=BOB, **body)
            assert refusal(response) == (404, "session_not_found")
        assert await texts(client, path, headers=ANN) == ["Ann lives in Oslo."]


async def test_each_session_has_its_own_in_the_scope_of_sessions_and_the_owners_share_them_in_theirs(
    bank: InMemoryBank,
) -> None:
    for scope, seen in (("session", []), ("conversational", ["Ann lives in Oslo."])):
        async with client_of(create_app(a_service(bank=InMemoryBank(), memory=remembering(scope)))) as client:
            first, second = await a_session(client, name="s1"), await a_session(client, name="s2")
            made = await client.post(first, json={"text": "Ann lives in Oslo."})
            assert made.json()["scope"] == scope
            assert await texts(client, second) == seen


async def test_where_all_is_shared_nobody_sees_who_said_it_nor_changes_what_only_others_said(
    bank: InMemoryBank,
) -> None:
    everybody = Scope("assistant")
    shared = a_memory(everybody, "The office is shut in May.", "ann", "bob")
    anns = a_memory(everybody, "The key is under the mat.", "ann", name="mem_2")
    await bank.store([shared, anns])
    app = create_app(a_service(bank=bank, memory=remembering("all")), owner=by_header)
    async with client_of(app) as client:
        path = await a_session(client, headers=BOB)
        listed = {memory["id"]: memory for memory in (await client.get(path, headers=BOB)).json()["memories"]}
        assert listed["mem_1"]["sources"] == [{"session_id": "s1", "at": "1.1"}]
        assert listed["mem_2"]["sources"] == [] and "ann" not in str(listed)
        for method, body in (("DELETE", {}), ("PATCH", {"json": {"text": "There is no key."}})):
            response = await client.request(method, f"{path}/mem_2", headers=BOB, **body)
            assert refusal(response) == (403, "forbidden")
        assert (await client.delete(f"{path}/mem_1", headers=BOB)).status_code == 204
        assert (await client.post(path, json={"text": "Lunch is at one."}, headers=BOB)).json()["scope"] == "all"
        anns_path = await a_session(client, headers=ANN)
        assert await texts(client, anns_path, headers=ANN) == ["Lunch is at one.", "The key is under the mat."]


@pytest.mark.parametrize("fields", [{}, {"memory": remembering("session"), "bank": None}])
async def test_an_agent_without_long_term_memory_remembers_nothing_and_takes_nothing(fields: dict[str, Any]) -> None:
    async with client_of(create_app(a_service(**{"bank": InMemoryBank(), **fields}))) as client:
        path = await a_session(client)
        assert (await client.get(path)).json() == {"memories": [], "next_cursor": None}
        assert refusal(await client.post(path, json={"text": "x"})) == (400, "invalid_request")
        for method, body in (("GET", {}), ("DELETE", {}), ("PATCH", {"json": {"text": "x"}})):
            assert refusal(await client.request(method, f"{path}/mem_1", **body)) == (404, "memory_not_found")


async def test_of_an_agent_that_keeps_summaries_only_they_are_put_right_and_no_fact_is_taken(
    bank: InMemoryBank,
) -> None:
    summary = a_memory(Scope("assistant", "local", "s1"), "They spoke of Oslo.", "local")
    async with client_of(create_app(a_service(bank=bank, memory=remembering("summaries_only")))) as client:
        path = await a_session(client)
        await bank.store([summary.model_copy(update={"kind": "summary"})])
        assert refusal(await client.post(path, json={"text": "Ann lives in Oslo."})) == (400, "invalid_request")
        right = (await client.patch(f"{path}/mem_1", json={"text": "They spoke of Rome."})).json()
        assert (right["kind"], await texts(client, path)) == ("summary", ["They spoke of Rome."])


async def test_what_another_agent_remembers_is_out_of_sight(bank: InMemoryBank) -> None:
    log, memory = InMemoryLog(), remembering("conversational")
    agents = [an_agent(log, name, bank=bank, memory=memory) for name in ("assistant", "writer")]
    async with client_of(create_app(Service(agents))) as client:
        first = await a_session(client, "/agents/assistant/sessions", "s1")
        second = await a_session(client, "/agents/writer/sessions", "s2")
        kept = (await client.post(first, json={"text": "Ann lives in Oslo."})).json()
        assert await texts(client, second) == [] and await texts(client, "/sessions/s2/memories") == []
        assert refusal(await client.delete(f"{second}/{kept['id']}")) == (404, "memory_not_found")
        assert refusal(await client.get("/agents/writer/sessions/s1/memories")) == (404, "session_not_found")
        assert await texts(client, "/sessions/s1/memories") == ["Ann lives in Oslo."]


async def test_in_a_session_of_no_agent_one_says_whose_memories_are_meant(bank: InMemoryBank) -> None:
    log, memory = InMemoryLog(), remembering("conversational")
    agents = [an_agent(log, name, bank=bank, memory=memory) for name in ("assistant", "writer")]
    async with client_of(create_app(Service(agents))) as client:
        path = await a_session(client)
        unnamed = await client.get(path)
        assert (refusal(unnamed), unnamed.json()["error"]["details"]["field"]) == ((400, "invalid_request"), "agent_id")
        await client.post(f"{path}?agent_id=writer", json={"text": "Ann likes sonnets."})
        assert await texts(client, f"{path}?agent_id=writer") == ["Ann likes sonnets."]
        assert await texts(client, f"{path}?agent_id=assistant") == []


async def test_in_a_shared_session_each_agent_has_its_own(bank: InMemoryBank) -> None:
    log, memory = InMemoryLog(), remembering("conversational")
    agents = [an_agent(log, name, bank=bank, memory=memory) for name in ("assistant", "writer")]
    async with client_of(create_app(Service(agents))) as client:
        await client.post("/agents/assistant/sessions", json={"id": "s1", "sharing": True})
        await client.post("/sessions/s1/memories?agent_id=writer", json={"text": "Ann likes sonnets."})
        assert await texts(client, "/sessions/s1/memories") == []
        assert await texts(client, "/sessions/s1/memories?agent_id=writer") == ["Ann likes sonnets."]


class Unreachable(ScriptedEmbedder):
    async def embed(self, texts: Any) -> list[tuple[float, ...]]:
        raise ModelUnavailable("there is no way to the embedder")


async def test_without_its_embedder_a_memory_is_kept_and_found_by_its_words(bank: InMemoryBank) -> None:
    agent, where = an_agent(InMemoryLog(), bank=bank, memory=remembering("session")), Scope("assistant", "local", "s1")
    async with client_of(create_app(Service([dataclasses.replace(agent, embedder=Unreachable())]))) as client:
        path = await a_session(client)
        made = (await client.post(path, json={"text": "Ann lives in Oslo."})).json()
        right = await client.patch(f"{path}/{made['id']}", json={"text": "Ann lives in Rome."})
        assert right.status_code == 200
        (found,) = await bank.search(where, (1.0,), "scripted", ["Rome"], 5)
        assert found.memory.id == right.json()["id"]
        assert [memory.text for memory in await bank.unlike(where, "scripted:64", 5)] == ["Ann lives in Rome."]


class Together(ScriptedEmbedder):
    """Answers once so many ask."""

    def __init__(self, callers: int) -> None:
        super().__init__()
        self._all = asyncio.Barrier(callers)

    async def embed(self, texts: Any) -> list[tuple[float, ...]]:
        await self._all.wait()
        return await super().embed(texts)


async def test_of_corrections_at_the_same_time_one_holds(bank: InMemoryBank) -> None:
    said = ["Ann lives in Rome.", "Ann lives in Bonn."] * 3
    agent = an_agent(InMemoryLog(), bank=bank, memory=remembering("session"))
    async with client_of(create_app(Service([dataclasses.replace(agent, embedder=Together(len(said)))]))) as client:
        path = await a_session(client)
        await bank.store([a_memory(Scope("assistant", "local", "s1"), "Ann lives in Oslo.", "local")])
        answers = await asyncio.gather(*(client.patch(f"{path}/mem_1", json={"text": text}) for text in said))
        (holds,) = (await client.get(path)).json()["memories"]
    for text, answer in zip(said, answers, strict=True):
        if text == holds["text"]:
            assert (answer.status_code, answer.json()) == (200, holds)
        else:
            assert refusal(answer) == (404, "memory_not_found")


class SlowEmbedder(ScriptedEmbedder):
    """While it thinks, the session is deleted."""

    def __init__(self, log: InMemoryLog) -> None:
        super().__init__()
        self._log = log

    async def embed(self, texts: Any) -> list[tuple[float, ...]]:
        await self._log.delete(SessionKey("local", "assistant", "s1"))
        return await super().embed(texts)


async def test_what_is_put_into_a_session_that_is_being_deleted_goes_with_it(bank: InMemoryBank) -> None:
    log = InMemoryLog()
    agent = an_agent(log, bank=bank, memory=remembering("session"))
    async with client_of(create_app(Service([dataclasses.replace(agent, embedder=SlowEmbedder(log))]))) as client:
        path = await a_session(client)
        assert refusal(await client.post(path, json={"text": "x"})) == (404, "session_not_found")
        assert bank.raw_count() == 0


async def test_memories_go_back_with_the_session_and_what_is_put_in_by_hand_stays(bank: InMemoryBank) -> None:
    service = a_service("Hello.", "Hello.", bank=bank, memory=remembering("conversational"))
    async with client_of(create_app(service)) as client:
        path = await a_session(client)
        for text in ("one", "two"):
            await client.post("/sessions/s1/messages", json={"message": text})
        session = await service.get_session("local", None, "s1")
        said = Source(owner="local", session_id="s1", log=session.log, at=Position(2, 1))
        where = Scope("assistant", "local")
        for name, text in (("mem_1", "Ann lives in Oslo."), ("mem_2", "Ann has a dog.")):
            await bank.store([a_memory(where, text, name=name).model_copy(update={"sources": (said,)})])
        await client.post("/sessions/s1/rewind", json={"to": 1})
        assert await texts(client, path) == []
        assert len(await texts(client, f"{path}?ended=true")) == 2
        await client.post(path, json={"text": "Ann has a dog."})
        assert await texts(client, path) == ["Ann has a dog."]
