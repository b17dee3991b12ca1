"""The summaries of a log: one partition, in the order of the places that they reach to."""

import json
from contextlib import aclosing

from sessionful.domain.error import PayloadTooLarge
from sessionful.domain.memory import Summary
from sessionful.domain.session import Position
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import ABSENT, Item, key, put
from sessionful.stores.dynamodb.bank import places
from sessionful.stores.dynamodb.bank.codec import half_a_character
from sessionful.stores.dynamodb.entries import write_json
from sessionful.stores.dynamodb.packing import pack, unpack
from sessionful.stores.dynamodb.table import SORT

_ITEM_BYTES = 300 * 1024


class Summaries:
    def __init__(self, table: Table) -> None:
        self._table = table

    async def keep(self, owner: str, agent: str, summary: Summary) -> None:
        """Raises InvalidRequest for one with half a character, and PayloadTooLarge for one too large for an item."""
        at = key(places.summaries(owner, agent, summary.log), places.summary(summary.upto))
        await self._table.write(put({**at, **_said(summary)}, ABSENT))

    async def latest(self, owner: str, agent: str, log: str, upto: Position | None = None) -> Summary | None:
        partition = places.summaries(owner, agent, log)
        first, last = places.EVERYTHING
        last = last if upto is None else places.summary(upto)
        async with aclosing(self._table.pages(partition, first, last, newest_first=True, limit=1)) as pages:
            async for page in pages:
                for item in page.items:
                    return _read(log, item)
        return None

    async def forget(self, owner: str, agent: str, log: str) -> None:
        partition = places.summaries(owner, agent, log)
        async with aclosing(self._table.pages(partition, *places.EVERYTHING)) as pages:
            async for page in pages:
                await self._table.erase_all([key(partition, item[SORT]["S"]) for item in page.items])


def _said(summary: Summary) -> Item:
    said = write_json([summary.text, summary.tokens, summary.made_at, summary.model])
    try:
        packed = pack(said, _ITEM_BYTES, "", "", "")
    except UnicodeEncodeError:
        raise half_a_character() from None
    if packed.pieces:
        raise PayloadTooLarge("a summary is larger than its item may be", bytes=packed.size)
    return {"d": packed.attribute}


def _read(log: str, item: Item) -> Summary:
    said = unpack(item["d"])
    assert isinstance(said, str)
    text, tokens, made_at, model = json.loads(said)
    turn, step = item[SORT]["S"].split("#")
    upto = Position(int(turn), int(step))
    return Summary(log=log, upto=upto, text=text, tokens=tokens, made_at=made_at, model=model)
