"""The sessions in this machine's store, and the agents in this process."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sessionful.cli.conversations import AgentInfo, MemoryInfo, Said, SessionInfo, several_agents
from sessionful.core.service import Service
from sessionful.domain.event import Told
from sessionful.domain.message import Message

_PAGE = 100


class LocalConversations:
    """`owner` is whose sessions these are: on one's own machine the same as those of `sessionful serve`."""

    def __init__(self, service: Service, owner: str, agent: str | None = None) -> None:
        self._service, self._owner = service, owner
        self._named = service.agent(agent).name if agent is not None else None

    async def agent(self) -> AgentInfo:
        sole = self._service.sole_agent
        agent = self._service.agent(self._named) if self._named is not None else sole
        if agent is None:
            raise several_agents(self._service.agents)
        return AgentInfo(agent.name, agent.model.name, agent.settings.reasoning)

    async def get(self, session_id: str) -> SessionInfo:
        return SessionInfo.of(await self._service.get_session(self._owner, self._named, session_id))

    async def sessions(self, limit: int) -> AsyncIterator[SessionInfo]:
        cursor, left = None, limit
        while left > 0:
            page = await self._service.list_sessions(self._owner, self._named, min(left, _PAGE), cursor)
            for session in page.sessions:
                yield SessionInfo.of(session)
            cursor, left = page.next_cursor, left - len(page.sessions)
            if cursor is None:
                return

    async def history(self, session_id: str) -> AsyncIterator[Said]:
        after = None
        while True:
            page = await self._service.history(self._owner, self._named, session_id, limit=_PAGE, after=after)
            for message in page.messages:
                yield Said.model_validate(message.model_dump(include=set(Said.model_fields)))
            after = page.next_cursor
            if after is None:
                return

    async def clear(self, session_id: str) -> None:
        await self._service.clear_session(self._owner, self._named, session_id)

    async def delete(self, session_id: str) -> None:
        await self._service.delete_session(self._owner, self._named, session_id)

    async def fork(self, session_id: str, new_id: str | None, at: str | None) -> SessionInfo:
        return SessionInfo.of(await self._service.fork_session(self._owner, self._named, session_id, new_id, at))

    async def checkpoint(self, session_id: str, name: str | None) -> str:
        return (await self._service.create_checkpoint(self._owner, self._named, session_id, name)).name

    async def rewind(self, session_id: str, to: str) -> SessionInfo:
        return SessionInfo.of(await self._service.rewind_session(self._owner, self._named, session_id, to))

    async def export_document(self, session_id: str) -> dict[str, Any]:
        return await self._service.export_session(self._owner, self._named, session_id)

    async def import_document(self, document: Mapping[str, Any], session_id: str | None) -> SessionInfo:
        return SessionInfo.of(await self._service.import_session(self._owner, self._named, document, session_id))

    async def memories(self, session_id: str, limit: int, ended: bool) -> AsyncIterator[MemoryInfo]:
        cursor, left = None, limit
        while left > 0:
            page = await self._service.list_memories(
                self._owner, self._named, session_id, min(left, _PAGE), cursor, ended
            )
            for memory in page.memories:
                yield MemoryInfo.of(memory, self._owner)
            cursor, left = page.next_cursor, left - len(page.memories)
            if cursor is None:
                return

    async def add_memory(self, session_id: str, text: str) -> MemoryInfo:
        memory = await self._service.add_memory(self._owner, self._named, session_id, text)
        return MemoryInfo.of(memory, self._owner)

    async def correct_memory(self, session_id: str, memory_id: str, text: str) -> MemoryInfo:
        memory = await self._service.correct_memory(self._owner, self._named, session_id, memory_id, text)
        return MemoryInfo.of(memory, self._owner)

    async def delete_memory(self, session_id: str, memory_id: str) -> None:
        await self._service.delete_memory(self._owner, self._named, session_id, memory_id)

    async def turn(self, session_id: str, text: str, key: str) -> AsyncIterator[Told]:
        message = Message.user(text)
        handle = await self._service.start_turn(
            self._owner, self._named, session_id, message, idempotency_key=key, create=True
        )
        async for told in handle.events():
            yield told

    async def cancel(self, session_id: str, key: str) -> None:
        await self._service.cancel_turn(self._owner, self._named, session_id, key)

    async def close(self) -> None:
        await self._service.close()
