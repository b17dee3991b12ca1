"""A SessionLog in a SQL database."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from sessionful.domain.clock import now_ms
from sessionful.domain.identity import sortable_id
from sessionful.domain.lineage import stretches, turn_stretches
from sessionful.domain.session import (
    Position,
    QueuedTurn,
    Segment,
    Session,
    SessionChange,
    SessionKey,
    SessionPage,
)
from sessionful.domain.turn import (
    Admitted,
    Attached,
    Entry,
    Group,
    Lease,
    NewTurn,
    Queued,
    Taken,
    Watched,
    Window,
)
from sessionful.ports import Clock
from sessionful.stores.sql import admission, holding, reading, sessions, turns, waiting
from sessionful.stores.sql.address import make_folder, read_address
from sessionful.stores.sql.database import Database, erase_noted
from sessionful.stores.sql.engine import open_engine
from sessionful.stores.sql.files import folder_beside
from sessionful.stores.sql.layout import lay_out
from sessionful.stores.sql.listing import list_expired, list_sessions

_MOST = 2**31 - 1


class SqlLog:
    """Sessions in SQLite, PostgreSQL, MySQL or MariaDB. Every method is one transaction; any number of processes may
    share the database. Usable from several event loops; blocking calls run on threads of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str, clock: Clock = now_ms, connections: int = 8) -> Self:
        """Connects, and creates the tables (and the folder of a SQLite file) where they are missing, or adds what an
        older release did not know. Blocks. The large entries of a SQLite file `NAME` are files in `NAME.objects`.

        `connections` bounds how many are open at a time. Raises ConfigError for an address that cannot be used, a
        driver that is not installed or a database that a newer release has laid out; StoreUnavailable when the
        database cannot be reached.
        """
        address = read_address(url)
        make_folder(address)
        engine = open_engine(address, connections)
        try:
            lay_out(engine, clock)
            beside = folder_beside(address)
            if beside is not None:
                erase_noted(engine, clock, beside)
        except BaseException:
            engine.dispose()
            raise
        return cls(Database(engine, clock, connections, beside))

    async def create(self, session: Session, entries: Sequence[Entry] = ()) -> Session:
        return await self._database.write(sessions.create, session, entries)

    async def get(self, key: SessionKey) -> Session:
        return await self._database.read(sessions.get, key)

    async def head(self, key: SessionKey) -> Session:
        return await self._database.read(sessions.head, key)

    async def find(self, owner: str, session_id: str, agents: Sequence[str]) -> list[Session]:
        return await self._database.read(sessions.find, owner, session_id, agents)

    async def list_sessions(
        self, owner: str, agents: Sequence[str], limit: int, cursor: str | None = None
    ) -> SessionPage:
        return await self._database.read(list_sessions, owner, agents, limit, cursor)

    async def change(self, key: SessionKey, change: SessionChange, if_version: int | None = None) -> Session:
        return await self._database.write(sessions.change, key, change, if_version)

    async def delete(self, key: SessionKey, log: str | None = None) -> None:
        await self._database.write(sessions.delete, key, log)

    async def expired(self, agents: Sequence[str], at: int, limit: int) -> list[Session]:
        return await self._database.read(list_expired, agents, at, limit)

    async def fork(self, source: SessionKey, at: Position | None, child: Session) -> Session:
        return await self._database.write(sessions.fork, source, at, child)

    async def rebase(
        self,
        key: SessionKey,
        past: Sequence[Segment],
        message_count: int,
        state: Mapping[str, Any] | None = None,
        if_version: int | None = None,
    ) -> Session:
        return await self._database.write(sessions.rebase, key, past, message_count, state, if_version)

    async def begin(self, key: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached | Queued:
        return await self._database.write(admission.begin, key, turn, window, sortable_id())

    async def begin_next(self, key: SessionKey, lease_ms: int, window: Window) -> Admitted | None:
        return await self._database.write(admission.begin_next, key, lease_ms, window, sortable_id())

    async def queued(self, key: SessionKey) -> list[QueuedTurn]:
        return await self._database.read(waiting.queued, key)

    async def append(self, lease: Lease, entry: Entry, lease_until: int) -> None:
        await self._database.write(turns.append, lease, entry, lease_until)

    async def settle(self, lease: Lease, entry: Entry) -> Session:
        return await self._database.write(turns.settle, lease, entry)

    async def insert(self, key: SessionKey, entry: Entry) -> Session:
        return await self._database.write(turns.insert_entry, key, entry)

    async def flush(self, lease: Lease, group: Group | None, lease_until: int) -> bool:
        return await self._database.write(holding.flush, lease, group, lease_until)

    async def peek(self, lease: Lease) -> bool:
        return await self._database.read(holding.peek, lease)

    async def release(self, lease: Lease) -> None:
        await self._database.write(holding.release, lease)

    async def take_over(self, key: SessionKey, lease_until: int) -> Taken | None:
        return await self._database.write(holding.take_over, key, lease_until, sortable_id())

    async def watch(self, key: SessionKey) -> Watched:
        return await self._database.read(holding.watch, key)

    async def ask_cancel(self, key: SessionKey, turn: int) -> None:
        await self._database.write(holding.ask_cancel, key, turn)

    async def read(
        self,
        session: Session,
        limit: int,
        after: Position | None = None,
        before: Position | None = None,
        newest_first: bool = False,
    ) -> list[Entry]:
        return await self._database.read(reading.read, stretches(session, after, before), limit, newest_first)

    async def turn(self, session: Session, number: int) -> list[Entry]:
        return await self._database.read(reading.read, turn_stretches(session, number), _MOST)

    async def turn_for(self, key: SessionKey, idempotency_key: str) -> str | None:
        return await self._database.read(admission.turn_for, key, idempotency_key)

    async def close(self) -> None:
        """Waits for what is being written, then lets the connections go."""
        await self._database.close()
