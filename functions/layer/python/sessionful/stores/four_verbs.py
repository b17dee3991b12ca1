"""The SDK's protocol of four verbs over whole documents: what users implement, and what our own stores offer too."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from sessionful.core import portal
from sessionful.core.document import from_document, to_document
from sessionful.core.past import fresh, spoken, starting_from
from sessionful.domain.clock import now_ms
from sessionful.domain.error import SessionExpired, SessionNotFound
from sessionful.domain.session import SessionKey
from sessionful.ports import SessionLog

OWNER = "local"
AGENT = "agent"
_ALL = 1 << 30


class SessionStore(ABC):
    """Documents by session id. A class with these four verbs is a working store for `Agent(store=…)`.

    It has no fencing and no leases: use one process at a time per session, or one of the stores that come with us.
    """

    @abstractmethod
    def save(self, session_id: str, data: dict[str, Any]) -> None: ...

    @abstractmethod
    def load(self, session_id: str) -> dict[str, Any] | None: ...

    @abstractmethod
    def delete(self, session_id: str) -> bool: ...

    @abstractmethod
    def list_sessions(self) -> list[str]: ...


class LogStore(SessionStore):
    """The four verbs over a SessionLog. `Agent(store=…)` uses the log itself, so each turn is stored as it happens.
    `address` is the log's short name, where it has one: what outlives the window is kept there, too."""

    def __init__(self, log: SessionLog, address: str | None = None) -> None:
        self.log = log
        self.address = address

    def save(self, session_id: str, data: dict[str, Any]) -> None:
        """Store the document under this id. What is there already and says the same is left as it is."""
        portal.run(put_document(self.log, session_id, data))

    def load(self, session_id: str) -> dict[str, Any] | None:
        return portal.run(get_document(self.log, session_id))

    def delete(self, session_id: str) -> bool:
        """False when there was none."""
        return portal.run(_delete(self.log, session_id))

    def list_sessions(self) -> list[str]:
        """All ids, newest activity first."""
        return portal.run(_every_id(self.log))

    def exists(self, session_id: str) -> bool:
        return self.load(session_id) is not None


def key_of(session_id: str) -> SessionKey:
    return SessionKey(OWNER, AGENT, session_id)


async def get_document(log: SessionLog, session_id: str) -> dict[str, Any] | None:
    try:
        session = await log.get(key_of(session_id))
    except (SessionNotFound, SessionExpired):
        return None
    return to_document(session, spoken(await log.read(session, _ALL)))


async def put_document(log: SessionLog, session_id: str, data: Mapping[str, Any]) -> None:
    document = {**data, "session_id": session_id}
    new, now = from_document(document), now_ms()
    present = await get_document(log, session_id)
    if present == document:
        return
    if present is not None:
        await log.delete(key_of(session_id))
    await log.create(*starting_from(fresh(key_of(session_id), now, new), new.messages))


async def _delete(log: SessionLog, session_id: str) -> bool:
    try:
        await log.delete(key_of(session_id))
    except SessionNotFound:
        return False
    return True


async def _every_id(log: SessionLog) -> list[str]:
    found, cursor = list[str](), None
    while True:
        page = await log.list_sessions(OWNER, [AGENT], 100, cursor)
        found += [session.key.id for session in page.sessions]
        cursor = page.next_cursor
        if cursor is None:
            return found
