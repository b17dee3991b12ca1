"""What goes: everything that came only from one log, or a whole scope."""

from contextlib import aclosing

from sessionful.domain.memory import Scope
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Item, key
from sessionful.stores.dynamodb.bank import places, version
from sessionful.stores.dynamodb.bank.codec import read_record
from sessionful.stores.dynamodb.bank.scans import Scans
from sessionful.stores.dynamodb.bank.writing import Writing, portions
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.table import SORT

_TRIES = 40


class Erasing:
    def __init__(self, table: Table, scans: Scans, writing: Writing) -> None:
        self._table = table
        self._scans = scans
        self._writing = writing

    async def forget(self, scope: Scope, log: str) -> None:
        partition = places.partition(scope)
        async with aclosing(self._table.pages(partition, *places.MEMORIES)) as pages:
            async for page in pages:
                said = [item[SORT]["S"] for item in page.items if _names(item, log)]
                for some in portions(said):
                    await self._writing.change(scope, some, lambda draft: draft.forget(log))

    async def erase(self, scope: Scope) -> None:
        """The version goes last, and only when nobody has written since everything was erased: so what remains of a
        process that died meanwhile is erased by the next."""
        partition = places.partition(scope)
        for tries in range(_TRIES):
            seen = await self._table.get(partition, places.VERSION)
            if seen is None:
                break
            changing = version.everything_changed(seen)
            if await self._replaced(seen, changing):
                await self._erase_items(partition)
                if await self._replaced(changing, {}):
                    break
            await pause(tries // 4)
        else:
            raise crowded()
        self._scans.forget(partition)

    async def _replaced(self, seen: Item, by: Item) -> bool:
        refused = await self._table.write(version.replace(seen, by))
        # What is gone is gone, whether that was our own first try, the answer to which was lost, or another.
        return refused is None or (not by and not refused[0]) or version.is_done(refused[0] or {}, by)

    async def _erase_items(self, partition: str) -> None:
        async with aclosing(self._table.pages(partition, *places.EVERYTHING)) as pages:
            async for page in pages:
                sorts = [item[SORT]["S"] for item in page.items]
                await self._table.erase_all([key(partition, sort) for sort in sorts if sort != places.VERSION])


def _names(item: Item, log: str) -> bool:
    return any(source[2] == log for source in read_record(item).get("s", []))
