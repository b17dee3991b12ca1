"""The worker: whatever is due is looked after, several at once, and done only when that went well."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from sessionful.alarms.bell import Bell, Ring
from sessionful.domain.error import AgentError
from sessionful.ports import Wake

AT_ONCE = 8
TRIES = 10
AGAIN_SECONDS = 30.0

_LISTEN_SECONDS = 0.5  # so that a worker that is to stop hears of it in time
_LONGEST_PAUSE_SECONDS = 300.0

logger = logging.getLogger("sessionful.worker")


class Worker:
    """`look_after` is the service's. What it raises is tried again after `pause` seconds, which double each time, until
    the wake has rung ten times: then it is given up, and said so. `again_in`: the seconds after which a wake rings
    elsewhere when this worker died."""

    def __init__(
        self,
        bell: Bell,
        look_after: Callable[[Wake], Awaitable[None]],
        *,
        at_once: int = AT_ONCE,
        pause: float = 2.0,
        again_in: float = AGAIN_SECONDS,
    ) -> None:
        self._bell, self._look_after = bell, look_after
        self._at_once, self._pause, self._again_in = at_once, pause, again_in
        self._looking: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Nothing more is begun. What is under way is left to its end, which the closing of the service brings near."""
        self._stopping.set()

    async def run(self) -> None:
        """Until it is stopped and all it had begun has ended. It raises nothing: a bell that fails is tried again."""
        failures = 0
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                try:
                    rings = await self._hear()
                    failures = 0
                except Exception as error:
                    failures += 1
                    _tell("no alarm can be heard", error)
                    await self._rest(min(0.2 * 2**failures, 10.0))
                    continue
                for ring in rings:
                    task = group.create_task(self._look(ring), name=ring.wake.turn_id)
                    self._looking.add(task)
                    task.add_done_callback(self._looking.discard)

    async def _hear(self) -> list[Ring]:
        if len(self._looking) >= self._at_once:
            await asyncio.wait(self._looking, timeout=_LISTEN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        free = self._at_once - len(self._looking)
        return await self._bell.hear(free, _LISTEN_SECONDS, self._again_in) if free > 0 else []

    async def _look(self, ring: Ring) -> None:
        try:
            if self._stopping.is_set():  # heard in the last moment: it is for another worker
                await self._bell.postpone(ring.receipt, 0)
                return
            try:
                async with self._held(ring):
                    await self._look_after(ring.wake)
            except Exception as error:
                await self._failed(ring, error)
            else:
                await self._bell.done(ring.receipt)
        except AgentError as error:
            _tell(f"turn=<{ring.wake.turn_id}> | it will ring again without need", error)

    async def _failed(self, ring: Ring, error: Exception) -> None:
        what = f"turn=<{ring.wake.turn_id}> times=<{ring.times}> |"
        if ring.times >= TRIES:
            _tell(f"{what} given up: no worker looks after it any more", error, logging.ERROR)
            await self._bell.done(ring.receipt)
        else:
            pause = min(self._pause * 2.0 ** (ring.times - 1), _LONGEST_PAUSE_SECONDS)
            _tell(f"{what} not looked after, again in {pause:g} s", error)
            await self._bell.postpone(ring.receipt, pause)

    @contextlib.asynccontextmanager
    async def _held(self, ring: Ring) -> AsyncIterator[None]:
        """A turn may take longer than a dead worker is waited for: as long as this one lives, it rings nowhere else."""
        holding = asyncio.create_task(self._hold(ring))
        try:
            yield
        finally:
            holding.cancel()
            await asyncio.wait({holding})

    async def _hold(self, ring: Ring) -> None:
        while True:
            await asyncio.sleep(self._again_in / 3)
            with contextlib.suppress(AgentError):  # it may ring elsewhere then, where nothing will be found to do
                await self._bell.postpone(ring.receipt, self._again_in)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _tell(what: str, error: Exception, level: int = logging.WARNING) -> None:
    if isinstance(error, AgentError):
        logger.log(level, "%s: %s (%s)", what, error.message, error.code)
    else:
        logger.error("%s", what, exc_info=error)
