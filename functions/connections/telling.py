"""What a worker does for the WebSocket door: it carries a turn, and tells it to a connection while it comes.

One worker tells a stream at a time: it claims it, and keeps the claim alive. What it has told is noted down once a
second, so that the next one goes on from there if this one dies; what came twice then is known by its `id`. For that
next one a message waits in the queue, due when the claim has run out: who hears it while the claim holds puts it back.
"""

import asyncio
import contextlib
import logging
import time
from functools import cache
from typing import Any, Protocol

from functions.connections.batches import Ready, joined
from functions.connections.posting import Gone, Posting
from functions.connections.rows import Connections, Held, Stream
from functions.opening.environment import Environment
from functions.opening.service import alarms
from sessionful.core.deadline import seconds_left
from sessionful.core.service import Service
from sessionful.domain.error import AgentError, RateLimited, StoreUnavailable, TurnTimeout
from sessionful.ports import Wake
from sessionful.surfaces.http.errors import error_json
from sessionful.surfaces.sse.frame import json_text
from sessionful.surfaces.websocket.forms import UNKNOWN, form_of
from sessionful.surfaces.websocket.teller import Frame
from sessionful.surfaces.websocket.telling import frames

CLAIM_SECONDS = 15.0
_MARGIN_SECONDS = 2.0
_SAVE_SECONDS = 1.0
_PACE_SECONDS = 0.05  # between two posts to one connection, where text can be joined meanwhile
_PING_SECONDS = 240.0  # API Gateway hangs up after ten silent minutes
_FOLLOW_SECONDS = 300.0
_LAST_SECOND = 1.0  # before the last words, for giving the stream to the next worker
_LATER_SECONDS = 5.0
_TRIES = 10

_logger = logging.getLogger("sessionful.websocket")


class Wakes(Protocol):
    async def set(self, wake: Wake, delay: float, **more: Any) -> None: ...


async def tell(service: Service, wake: Wake, whom: dict[str, str]) -> None:
    """Tell the stream that the message names, and have its turn carried. Raises StoreUnavailable and RateLimited."""
    await _tellers(service).tell(wake, whom["connection"], whom["stream"])


@cache
def _tellers(service: Service) -> "Tellers":
    queue: Any = alarms()
    return Tellers(service, Connections.open(Environment.read().store), Posting(), queue)


class Tellers:
    """`follow` is how many seconds a turn is waited for that nobody has begun: a worker that waits is paid for."""

    def __init__(
        self,
        service: Service,
        connections: Connections,
        posting: Posting,
        wakes: Wakes,
        follow: float = _FOLLOW_SECONDS,
    ) -> None:
        self._service, self._connections = service, connections
        self._posting, self._wakes, self._follow = posting, wakes, follow

    async def tell(self, wake: Wake, connection: str, stream: str) -> None:
        claimed = await self._connections.claim(connection, stream, CLAIM_SECONDS)
        if isinstance(claimed, Held):
            await self._again(wake, connection, stream, claimed.seconds + _MARGIN_SECONDS)
            return
        if claimed is not None and claimed.tries > _TRIES:
            _logger.error("stream=<%s> tries=<%s> | given up: it gets nowhere", stream, claimed.tries)
            await self._connections.end(claimed)
            claimed = None
        if claimed is None:
            await self._service.look_after(wake)
            return
        watched = asyncio.create_task(self._again(wake, connection, stream, CLAIM_SECONDS + _MARGIN_SECONDS))
        try:
            await self._tell(wake, claimed)
        finally:
            await watched

    async def _tell(self, wake: Wake, stream: Stream) -> None:
        telling = _Telling(self._service, self._connections, self._posting, stream, self._follow)
        left = seconds_left()
        try:
            async with asyncio.timeout(None if left is None else left - _LAST_SECOND) as until:
                if await telling.run():
                    await self._connections.end(stream)
                    return
        except TimeoutError:
            if not until.expired():
                raise
            await self._connections.release(stream, telling.told)
            await self._again(wake, stream.connection, stream.id, 0)
            return
        except Gone:
            await self._connections.erase(stream.connection)
        except (RateLimited, StoreUnavailable) as error:
            _logger.warning("stream=<%s> code=<%s> | it is told later: %s", stream.id, error.code, error.message)
            await self._connections.release(stream, telling.told)
            await self._again(wake, stream.connection, stream.id, _LATER_SECONDS)
        await self._carry(stream)

    async def _carry(self, stream: Stream) -> None:
        """Nobody is told here any more, but the turn may be carried in this process."""
        asked = stream.subscription
        if asked.turn_id is not None:
            with contextlib.suppress(AgentError):
                handle = await self._service.find_turn(asked.owner, asked.agent, asked.session_id, asked.turn_id)
                await handle.result(seconds_left())

    async def _again(self, wake: Wake, connection: str, stream: str, delay: float) -> None:
        try:
            await self._wakes.set(wake, delay, tell={"connection": connection, "stream": stream})
        except AgentError as error:
            _logger.warning("stream=<%s> code=<%s> | nobody else is told of it", stream, error.code)


class _Telling:
    """`told` is the `id` of the last frame that was sent."""

    def __init__(
        self, service: Service, connections: Connections, posting: Posting, stream: Stream, follow: float
    ) -> None:
        self._service, self._connections, self._posting = service, connections, posting
        self._stream, self._follow = stream, follow
        self.told: str | None = None
        self._kept = self._spoke = self._begun = time.monotonic()
        agent = service.agents.get(stream.subscription.agent or "")
        self._joins = agent is None or agent.settings.streaming.chunk_size is None

    async def run(self) -> bool:
        """True when all is told, false when it is another's to tell, or nobody's. Raises Gone, RateLimited and
        StoreUnavailable."""
        subscription = self._stream.subscription
        told = await self._others() if subscription.turn_id is None else set()
        passing = frames(self._service, subscription, claim=lambda turn_id: turn_id not in told)
        async with contextlib.aclosing(passing) as coming:
            ready = Ready(coming)
            try:
                return await self._send_all(ready)
            finally:
                await ready.close()

    async def _others(self) -> set[str | None]:
        """Turns that are told on this connection anyway: whoever follows the session passes over them."""
        known = await self._connections.find(self._stream.connection)
        return {one.turn_id for one in known.subscriptions} if known is not None else set()

    async def _send_all(self, ready: Ready) -> bool:
        while True:
            taken = await ready.take(min(CLAIM_SECONDS / 3, self._follow))
            for frame in joined(taken) if self._joins else taken:
                await self._send(frame)
                if frame.last:
                    return True
            if not taken and await self._silence():
                return True
            if not await self._keep():
                return False
            if taken and self._joins:
                await asyncio.sleep(_PACE_SECONDS)

    async def _send(self, frame: Frame) -> None:
        await self._posting.post(self._stream.endpoint, self._stream.connection, frame.text)
        self._spoke = time.monotonic()
        self.told = frame.id or self.told

    async def _silence(self) -> bool:
        """Whether it is to end."""
        form, now = form_of(self._stream.subscription), time.monotonic()
        if self._stream.subscription.turn_id is None and self.told is None and now - self._begun >= self._follow:
            error = TurnTimeout(f"no turn began within {self._follow:g} seconds; resume to wait on")
            await self._send(Frame(None, json_text(form.error(error_json(error)))))
            await self._send(Frame(None, json_text(form.done(UNKNOWN)), last=True))
            return True
        if now - self._spoke >= _PING_SECONDS:
            await self._send(Frame(None, json_text(form.ping())))
        return False

    async def _keep(self) -> bool:
        now = time.monotonic()
        if now - self._kept < _SAVE_SECONDS:
            return True
        self._kept = now
        return await self._connections.keep(self._stream, self.told, CLAIM_SECONDS)
