"""A MemoryBank in a SQL database: the one that the sessions are kept in."""

from collections.abc import Sequence
from typing import Self

from sessionful.domain.clock import now_ms
from sessionful.domain.memory import Found, Memory, MemoryPage, Scope, Summary
from sessionful.domain.session import Position
from sessionful.ports import Clock
from sessionful.stores.sql import bank_erasing, bank_reading, bank_search, bank_summaries, bank_writing
from sessionful.stores.sql.address import make_folder, read_address
from sessionful.stores.sql.database import Database
from sessionful.stores.sql.engine import open_engine
from sessionful.stores.sql.layout import lay_out


class SqlBank:
    """Memories in SQLite, PostgreSQL, MySQL or MariaDB, beside the sessions of a SqlLog. Every method is one
    transaction; any number of processes may share the database. Usable from several event loops; blocking calls run on
    threads of its own. What has expired is erased when something is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str, clock: Clock = now_ms, connections: int = 4) -> Self:
        """As SqlLog.open. Blocks."""
        address = read_address(url)
        make_folder(address)
        engine = open_engine(address, connections)
        try:
            lay_out(engine, clock)
        except BaseException:
            engine.dispose()
            raise
        return cls(Database(engine, clock, connections))

    async def store(self, memories: Sequence[Memory]) -> list[Memory]:
        return await self._database.write(bank_writing.store, memories)

    async def get(self, scope: Scope, memory_id: str) -> Memory:
        return await self._database.read(bank_reading.get, scope, memory_id)

    async def page(self, scope: Scope, limit: int, cursor: str | None = None, ended: bool = False) -> MemoryPage:
        return await self._database.read(bank_reading.page, scope, limit, cursor, ended)

    async def search(
        self, scope: Scope, vector: Sequence[float], model: str, words: Sequence[str], limit: int
    ) -> list[Found]:
        return await self._database.read(bank_search.search, scope, vector, model, words, limit)

    async def supersede(self, scope: Scope, memory_id: str, by: Memory) -> Memory:
        return await self._database.write(bank_writing.supersede, scope, memory_id, by)

    async def revector(self, scope: Scope, vectors: Sequence[tuple[str, str, tuple[float, ...]]]) -> None:
        await self._database.write(bank_writing.revector, scope, vectors)

    async def unlike(self, scope: Scope, model: str, limit: int) -> list[Memory]:
        return await self._database.read(bank_reading.unlike, scope, model, limit)

    async def delete(self, scope: Scope, memory_id: str) -> None:
        await self._database.write(bank_erasing.delete_one, scope, memory_id)

    async def forget(self, scope: Scope, log: str) -> None:
        await self._database.write(bank_erasing.forget, scope, log)

    async def erase(self, scope: Scope) -> None:
        await self._database.write(bank_erasing.erase, scope)

    async def keep_summary(self, owner: str, agent: str, summary: Summary) -> None:
        await self._database.write(bank_summaries.keep, owner, agent, summary)

    async def summary(self, owner: str, agent: str, log: str, upto: Position | None = None) -> Summary | None:
        return await self._database.read(bank_summaries.latest, owner, agent, log, upto)

    async def forget_summaries(self, owner: str, agent: str, log: str) -> None:
        await self._database.write(bank_summaries.forget, owner, agent, log)

    async def close(self) -> None:
        """Waits for what is being written, then lets the connections go."""
        await self._database.close()
