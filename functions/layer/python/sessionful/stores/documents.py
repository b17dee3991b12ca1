"""A user's store of four verbs as a SessionLog: the session lives in memory and is saved whole after each change."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sessionful.domain.error import SessionNotFound
from sessionful.domain.session import Position, Segment, Session, SessionChange, SessionKey
from sessionful.domain.turn import Admitted, Attached, Entry, Lease, NewTurn, Queued, Window
from sessionful.ports import SessionLog
from sessionful.stores.four_verbs import SessionStore, get_document, put_document
from sessionful.stores.in_memory import InMemoryLog


class DocumentLog(InMemoryLog):
    """Turns, leases and idempotency keys are this process's; the document is what outlives it. Lists only the
    sessions that this process has used."""

    def __init__(self, store: SessionStore) -> None:
        super().__init__()
        self._store = store

    async def create(self, session: Session, entries: Sequence[Entry] = ()) -> Session:
        await self._fetch(session.key)
        created = await super().create(session, entries)
        await self._save(session.key)
        return created

    async def get(self, key: SessionKey) -> Session:
        await self._fetch(key)
        return await super().get(key)

    async def head(self, key: SessionKey) -> Session:
        await self._fetch(key)
        return await super().head(key)

    async def change(self, key: SessionKey, change: SessionChange, if_version: int | None = None) -> Session:
        await self._fetch(key)
        changed = await super().change(key, change, if_version)
        await self._save(key)
        return changed

    async def delete(self, key: SessionKey, log: str | None = None) -> None:
        await self._fetch(key)
        await super().delete(key, log)
        await asyncio.to_thread(self._store.delete, key.id)

    async def fork(self, source: SessionKey, at: Position | None, child: Session) -> Session:
        await self._fetch(source)
        await self._fetch(child.key)
        forked = await super().fork(source, at, child)
        await self._save(child.key)
        return forked

    async def rebase(
        self,
        key: SessionKey,
        past: Sequence[Segment],
        message_count: int,
        state: Mapping[str, Any] | None = None,
        if_version: int | None = None,
    ) -> Session:
        await self._fetch(key)
        based = await super().rebase(key, past, message_count, state, if_version)
        await self._save(key)
        return based

    async def begin(self, key: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached | Queued:
        await self._fetch(key)
        return await super().begin(key, turn, window)

    async def settle(self, lease: Lease, entry: Entry) -> Session:
        settled = await super().settle(lease, entry)
        await self._save(lease.key)
        return settled

    async def insert(self, key: SessionKey, entry: Entry) -> Session:
        await self._fetch(key)
        inserted = await super().insert(key, entry)
        await self._save(key)
        return inserted

    async def _fetch(self, key: SessionKey) -> None:
        """Bring a session in that an earlier process saved."""
        try:
            await super().get(key)
        except SessionNotFound:
            document = await asyncio.to_thread(self._store.load, key.id)
            if document is not None:
                await put_document(self._memory(), key.id, document)

    async def _save(self, key: SessionKey) -> None:
        document = await get_document(self._memory(), key.id)
        if document is not None:
            await asyncio.to_thread(self._store.save, key.id, document)

    def _memory(self) -> SessionLog:
        """This log without the saving: what is fetched need not be saved again."""
        return cast(SessionLog, super())
