"""Tell a subscriber of its turn, frame by frame, wherever the turn is carried."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial

from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings
from sessionful.domain.error import AgentError
from sessionful.domain.event import TERMINAL, AnyEvent, Cursor, Told, TurnCompleted, TurnFailed, TurnStarted
from sessionful.domain.identity import turn_number
from sessionful.domain.usage import Usage
from sessionful.surfaces.http.errors import error_json
from sessionful.surfaces.sse import Style, look_back
from sessionful.surfaces.sse.frame import json_text
from sessionful.surfaces.sse.pace import paced
from sessionful.surfaces.sse.resume import chained, close
from sessionful.surfaces.websocket.forms import UNKNOWN, form_of
from sessionful.surfaces.websocket.subscription import Place, Subscription
from sessionful.surfaces.websocket.teller import Frame, Teller, Totals

log = logging.getLogger("sessionful.websocket")

Claim = Callable[[str], bool]
"""Whether a turn is to be told; a follower passes over one that is not."""


async def frames(
    service: Service, subscription: Subscription, *, heartbeat: float | None = None, claim: Claim | None = None
) -> AsyncGenerator[Frame, None]:
    """First which turn it is, then everything behind `subscription.after`, then the closing frame, once: also when the
    telling breaks off. Closing it stops the telling, not the turn. After `heartbeat` silent seconds comes a ping."""
    telling = _Telling(service, subscription, claim)
    async with contextlib.aclosing(telling.frames()) as told:
        if heartbeat is None:
            async for frame in told:
                yield frame
            return
        coming = asyncio.ensure_future(anext(told, None))
        try:
            while True:
                if not (await asyncio.wait({coming}, timeout=heartbeat))[0]:
                    yield Frame(None, json_text(telling.form.ping()))
                    continue
                arrived = coming.result()
                if arrived is None:
                    return
                yield arrived
                coming = asyncio.ensure_future(anext(told, None))
        finally:
            coming.cancel()
            await asyncio.wait({coming})


class _Telling:
    def __init__(self, service: Service, subscription: Subscription, claim: Claim | None) -> None:
        self._service, self._subscription, self._claim = service, subscription, claim
        self._address = (subscription.owner, subscription.agent, subscription.session_id)
        self.form = form_of(subscription)

    async def frames(self) -> AsyncGenerator[Frame, None]:
        turn_id = self._subscription.turn_id
        try:
            async with contextlib.aclosing(self._follow() if turn_id is None else self._turn(turn_id)) as told:
                async for frame in told:
                    yield frame
            return
        except AgentError as error:
            problem = error_json(error)
        except Exception:
            log.exception("a telling broke off")
            problem = {"code": "internal_error", "message": "something went wrong here", "details": {}}
        yield Frame(None, json_text(self.form.error(problem)))
        yield Frame(None, json_text(self.form.done(UNKNOWN)), last=True)

    async def _turn(self, turn_id: str) -> AsyncGenerator[Frame, None]:
        handle = await self._service.find_turn(*self._address, turn_id)
        agent = (await handle.result(wait=0)).agent
        cursor, skip = Place.parse(self._subscription.after)
        start = cursor or Cursor(turn_number(handle.turn_id) or 0, 1, 0)
        yield self._named(handle.turn_id, agent, start, skip)
        last, later = await look_back(handle.events, cursor, one_turn=True)
        async with contextlib.aclosing(self._told(agent, later, last, start, skip)) as frames:
            async for frame in frames:
                yield frame

    async def _follow(self) -> AsyncGenerator[Frame, None]:
        follow = partial(self._service.follow, *self._address)
        after, skip = Place.parse(self._subscription.after)
        while True:
            last, later = await look_back(follow, after)
            first = await anext(later)
            if last is not None and last.cursor.turn != first.cursor.turn:
                last = None
            if after is None or after.turn != first.cursor.turn:
                after, skip = Cursor(first.cursor.turn, 1, 0), 0
            turn_id, agent = await self._whose(first)
            if self._claim is None or self._claim(turn_id):
                break
            after = first.cursor
            async for passed in later:
                after = passed.cursor
        yield self._named(turn_id, agent, after, skip)
        async with contextlib.aclosing(self._told(agent, chained(first, later), last, after, skip)) as frames:
            async for frame in frames:
                yield frame

    async def _whose(self, first: Told) -> tuple[str, str]:
        """The turn's id and its agent's name: they stand at its start, and the id at its end as well."""
        event = first.event
        if not isinstance(event, TurnStarted) and not isinstance(event, TERMINAL):
            from_start = self._service.follow(*self._address, Cursor(first.cursor.turn, 0, 0))
            event = (await anext(from_start)).event
            await close(from_start)
        if isinstance(event, TurnStarted):
            return event.turn_id, event.agent
        assert isinstance(event, TERMINAL)
        return event.turn_id, ""

    def _named(self, turn_id: str, agent: str, start: Cursor, skip: int) -> Frame:
        self.form = form_of(self._subscription, turn_id)
        here = f"{start}+{skip}" if skip else str(start)
        return Frame(start, json_text({**self.form.started(agent), "id": here}), id=here)

    async def _told(
        self, agent: str, later: AsyncIterator[Told], last: Told | None, start: Cursor, skip: int
    ) -> AsyncGenerator[Frame, None]:
        known = self._service.agents.get(agent)
        style = Style.of(known.settings if known is not None else AgentSettings(), self._subscription.debug)
        teller = Teller(self.form, style, start, skip, last)
        told = paced(later, style)
        try:
            async for each in told:
                if isinstance(each.event, TERMINAL):
                    for frame in teller.ending(each, await self._totals(each.event)):
                        yield frame
                    return
                for frame in teller.frames(each):
                    yield frame
        finally:
            await close(told)

    async def _totals(self, event: AnyEvent) -> Totals:
        if isinstance(event, TurnCompleted):
            return Totals("completed", event.usage, event.steps)
        status = "failed" if isinstance(event, TurnFailed) else "cancelled"
        turn_id: str = event.turn_id  # type: ignore[union-attr]
        try:
            record = await self._service.get_turn(*self._address, turn_id)
        except AgentError:  # it was undone, or its session is gone
            return Totals(status, Usage(), 0)
        ended = record.status not in ("running", "queued")
        return Totals(record.status if ended else status, record.usage, record.steps)
