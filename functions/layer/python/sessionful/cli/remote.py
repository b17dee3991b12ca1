"""The sessions behind a URL: the same as here, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from sessionful.cli.conversations import AgentInfo, MemoryInfo, Said, SessionInfo, several_agents
from sessionful.cli.failure import CommandFailed
from sessionful.cli.sse import Frame
from sessionful.cli.wire import StreamBroke, Unreachable, Wire, error_of
from sessionful.domain.agent import Reasoning
from sessionful.domain.event import EVENT, TERMINAL, Cursor, Told

_PAGE = 100
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds before a lost line is taken up again


class RemoteConversations:
    def __init__(self, wire: Wire, agent: str | None = None) -> None:
        self._wire, self._named = wire, agent
        self._answering: AgentInfo | None = None
        self._tree = f"/agents/{quote(agent, safe='')}/sessions" if agent is not None else "/sessions"

    async def agent(self) -> AgentInfo:
        if self._answering is None:
            self._answering = await self._ask_who_answers()
        return self._answering

    async def get(self, session_id: str) -> SessionInfo:
        return SessionInfo.model_validate(await self._wire.ask("GET", self._path(session_id)))

    async def sessions(self, limit: int) -> AsyncIterator[SessionInfo]:
        cursor, left = None, limit
        while left > 0:
            page = await self._wire.ask("GET", self._tree, query={"limit": min(left, _PAGE), "cursor": cursor})
            for session in page["sessions"]:
                yield SessionInfo.model_validate(session)
            cursor, left = page["next_cursor"], left - len(page["sessions"])
            if cursor is None:
                return

    async def history(self, session_id: str) -> AsyncIterator[Said]:
        after = None
        while True:
            path, query = self._path(session_id, "messages"), {"limit": _PAGE, "after": after}
            page = await self._wire.ask("GET", path, query=query)
            for message in page["messages"]:
                yield Said.model_validate(message)
            after = page["next_cursor"]
            if after is None:
                return

    async def clear(self, session_id: str) -> None:
        """Over the wire an id starts anew by being erased and used again; what was set on the session is kept."""
        head = await self._wire.ask("GET", self._path(session_id))
        kept = {name: head[name] for name in ("title", "system", "work_dir", "metadata", "state", "timeout", "sharing")}
        await self.delete(session_id)
        await self._wire.ask("POST", self._tree, {"session_id": session_id, **kept})

    async def delete(self, session_id: str) -> None:
        await self._wire.ask("DELETE", self._path(session_id))

    async def fork(self, session_id: str, new_id: str | None, at: str | None) -> SessionInfo:
        body = {"session_id": new_id, "at": at}
        return SessionInfo.model_validate(await self._wire.ask("POST", self._path(session_id, "fork"), body))

    async def checkpoint(self, session_id: str, name: str | None) -> str:
        made = await self._wire.ask("POST", self._path(session_id, "checkpoints"), {"name": name})
        return str(made["name"])

    async def rewind(self, session_id: str, to: str) -> SessionInfo:
        return SessionInfo.model_validate(await self._wire.ask("POST", self._path(session_id, "rewind"), {"to": to}))

    async def export_document(self, session_id: str) -> dict[str, Any]:
        document: dict[str, Any] = await self._wire.ask("GET", self._path(session_id, "export"))
        return document

    async def import_document(self, document: Mapping[str, Any], session_id: str | None) -> SessionInfo:
        query = {"session_id": session_id}
        return SessionInfo.model_validate(await self._wire.ask("POST", f"{self._tree}/import", document, query))

    async def memories(self, session_id: str, limit: int, ended: bool) -> AsyncIterator[MemoryInfo]:
        cursor, left = None, limit
        while left > 0:
            query = {"limit": min(left, _PAGE), "cursor": cursor, "ended": "true" if ended else None}
            page = await self._wire.ask("GET", self._path(session_id, "memories"), query=query)
            for memory in page["memories"]:
                yield MemoryInfo.model_validate(memory)
            cursor, left = page["next_cursor"], left - len(page["memories"])
            if cursor is None:
                return

    async def add_memory(self, session_id: str, text: str) -> MemoryInfo:
        made = await self._wire.ask("POST", self._path(session_id, "memories"), {"text": text})
        return MemoryInfo.model_validate(made)

    async def correct_memory(self, session_id: str, memory_id: str, text: str) -> MemoryInfo:
        path = self._path(session_id, "memories", quote(memory_id, safe=""))
        return MemoryInfo.model_validate(await self._wire.ask("PATCH", path, {"text": text}))

    async def delete_memory(self, session_id: str, memory_id: str) -> None:
        await self._wire.ask("DELETE", self._path(session_id, "memories", quote(memory_id, safe="")))

    async def turn(self, session_id: str, text: str, key: str) -> AsyncIterator[Told]:
        """A lost line is taken up by asking again: the key attaches to the turn, the cursor tells how far one was."""
        path = f"/agents/{quote((await self.agent()).name, safe='')}/messages/stream"
        body = {"message": text, "session_id": session_id}
        headers, lost = {"Idempotency-Key": key}, 0
        while True:
            why = "the stream ended before the turn"
            try:
                async with aclosing(self._wire.stream("POST", path, body, {"events": "full"}, headers)) as stream:
                    async for frame in stream:
                        told = _told(frame)
                        if told is not None:
                            headers["Last-Event-ID"], lost = frame.id, 0
                            yield told
                            if isinstance(told.event, TERMINAL):
                                return
            except StreamBroke as broke:
                why = str(broke)
            except Unreachable as gone:
                if not lost:
                    raise
                why = gone.message
            if lost == len(_PAUSES):
                raise CommandFailed(f"the connection broke off, and the turn may go on: {why}", "unreachable")
            await asyncio.sleep(_PAUSES[lost])
            lost += 1

    async def cancel(self, session_id: str, key: str) -> None:
        await self._wire.ask("POST", self._path(session_id, "turns", key, "cancel"))

    async def close(self) -> None:
        await self._wire.close()

    async def _ask_who_answers(self) -> AgentInfo:
        if self._named is not None:
            found = await self._wire.ask("GET", f"/agents/{quote(self._named, safe='')}")
        else:
            agents = (await self._wire.ask("GET", "/agents"))["agents"]
            if len(agents) != 1:
                raise several_agents(agent["name"] for agent in agents)
            found = agents[0]
        shown = {name: value for name, value in found.get("reasoning", {}).items() if name in Reasoning.model_fields}
        return AgentInfo(found["name"], found["model"], Reasoning(**shown))

    def _path(self, session_id: str, *rest: str) -> str:
        return "/".join((self._tree, quote(session_id, safe=""), *rest))


def _told(frame: Frame) -> Told | None:
    """None for what this version does not know: a newer server may tell more."""
    if frame.event == "error":
        raise error_of(json.loads(frame.data)["error"])
    try:
        return Told(Cursor.parse(frame.id), EVENT.validate_json(frame.data))
    except ValidationError:
        return None
