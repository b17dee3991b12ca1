"""A SessionLog in a SQL database."""

from collections.abc import Sequence
from typing import Self

from sessionful.domain.clock import now_ms
from sessionful.domain.session import Position, Segment, Session, SessionChange, SessionKey, SessionPage
from sessionful.domain.turn import Admitted, Attached, Entry, Lease, NewTurn, Window
from sessionful.ports import Clock
from sessionful.stores.lineage import stretches, turn_stretches
from sessionful.stores.sql import reading, sessions, turns
from sessionful.stores.sql.address import make_folder, read_address
from sessionful.stores.sql.database import Database
from sessionful.stores.sql.engine import open_engine
from sessionful.stores.sql.layout import lay_out
from sessionful.stores.sql.listing import list_sessions

_MOST = 2**31 - 1


class SqlLog:
    """Sessions in SQLite, PostgreSQL, MySQL or MariaDB. Every method is one transaction; any number of processes may
    share the database. Usable from several event loops; blocking calls run on threads of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str, clock: Clock = now_ms, connections: int = 8) -> Self:
        """Connects, and creates the tables (and the folder of a SQLite file) where they are missing. Blocks.

        `connections` bounds how many are open at a time. Raises ConfigError for an address that cannot be used, a
        driver that is not installed or a database that a newer release has laid out; StoreUnavailable when the
        database cannot be reached.
        """
        address = read_address(url)
        make_folder(address)
        engine = open_engine(address, connections)
        try:
            lay_out(engine, clock)
        except BaseException:
            engine.dispose()
            raise
        return cls(Database(engine, clock, connections))

    async def create(self, session: Session, entries: Sequence[Entry] = ()) -> Session:
        return await self._database.write(sessions.create, session, entries)

    async def get(self, key: SessionKey) -> Session:
        return await self._database.read(sessions.get, key)

    async def find(self, owner: str, session_id: str, agents: Sequence[str]) -> list[Session]:
        return await self._database.read(sessions.find, owner, session_id, agents)

    async def list_sessions(
        self, owner: str, agents: Sequence[str], limit: int, cursor: str | None = None
    ) -> SessionPage:
        return await self._database.read(list_sessions, owner, agents, limit, cursor)

    async def change(self, key: SessionKey, change: SessionChange, if_version: int | None = None) -> Session:
        return await self._database.write(sessions.change, key, change, if_version)

    async def delete(self, key: SessionKey) -> None:
        await self._database.write(sessions.delete, key)

    async def fork(self, source: SessionKey, at: Position | None, child: Session) -> Session:
        return await self._database.write(sessions.fork, source, at, child)

    async def rebase(self, key: SessionKey, past: Sequence[Segment], message_count: int) -> Session:
        return await self._database.write(sessions.rebase, key, past, message_count)

    async def begin(self, key: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached:
        return await self._database.write(turns.begin, key, turn, window)

    async def append(self, lease: Lease, entry: Entry, lease_until: int) -> None:
        await self._database.write(turns.append, lease, entry, lease_until)

    async def settle(self, lease: Lease, entry: Entry) -> Session:
        return await self._database.write(turns.settle, lease, entry)

    async def insert(self, key: SessionKey, entry: Entry) -> Session:
        return await self._database.write(turns.insert_entry, key, entry)

    async def renew(self, lease: Lease, lease_until: int) -> bool:
        return await self._database.write(turns.renew, lease, lease_until)

    async def take_over(self, key: SessionKey, lease_until: int) -> tuple[Lease, Session] | None:
        return await self._database.write(turns.take_over, key, lease_until)

    async def ask_cancel(self, key: SessionKey, turn: int) -> None:
        await self._database.write(turns.ask_cancel, key, turn)

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
        return await self._database.read(turns.turn_for, key, idempotency_key)

    async def close(self) -> None:
        """Waits for what is being written, then lets the connections go."""
        await self._database.close()
