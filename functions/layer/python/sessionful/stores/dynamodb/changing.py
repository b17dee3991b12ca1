"""What becomes of a session's settings and of its visible past."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sessionful.domain.error import InvalidRequest
from sessionful.domain.session import Segment, Session, SessionChange, SessionKey
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import string
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.codec import Head, move
from sessionful.stores.dynamodb.loading import Heads

_TRIES = 40


class Changing:
    """Reads the head, and writes it back if nobody has moved it meanwhile."""

    def __init__(self, table: Table, heads: Heads) -> None:
        self._table = table
        self._heads = heads

    async def change(self, session: SessionKey, change: SessionChange, if_version: int | None) -> Session:
        """Raises SessionNotFound, SessionExpired, VersionConflict and PayloadTooLarge."""
        for tries in range(_TRIES):
            head = await self._heads.live(session)
            heads.check_version(head.session, if_version)
            if await self._moved(head, after := heads.changed(head.session, change)):
                return after
            await pause(tries // 4)
        raise crowded()

    async def rebase(
        self,
        session: SessionKey,
        past: Sequence[Segment],
        message_count: int,
        state: Mapping[str, Any] | None,
        if_version: int | None,
    ) -> Session:
        """Raises SessionNotFound, SessionExpired, SessionBusy, VersionConflict, PayloadTooLarge, and InvalidRequest
        for a log it never shared."""
        for tries in range(_TRIES):
            head = await self._heads.live(session)
            heads.check_free(head.session, self._heads.clock(), queue_too=False)
            heads.check_version(head.session, if_version)
            for segment in past:
                if head.home(segment.log) is None:
                    raise InvalidRequest("the session does not share this log", log=segment.log)
            if await self._moved(head, after := heads.rebased(head.session, tuple(past), message_count, state)):
                return after
            await pause(tries // 4)
        raise crowded()

    async def _moved(self, head: Head, session: Session) -> bool:
        after, maker = await self._heads.settled(replace(head, session=session)), string(keys.nonce())
        refused = await self._table.write(move(head, after, also={"w": maker}))
        ours = refused is not None and (refused[0] or {}).get("w") == maker  # its answer was lost
        if refused is not None and not ours:
            await self._heads.drop(after, after.settings)
            return False
        await self._heads.drop(head, head.settings)
        return True
