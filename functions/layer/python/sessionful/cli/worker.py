"""`sessionful worker`: looks after turns that lost their holder, were handed over, or wait, and after sessions that
have expired. It opens no port."""

import asyncio
import logging
import signal
from types import FrameType

from sessionful import wiring
from sessionful.alarms.bell import AlarmQueue
from sessionful.alarms.worker import AT_ONCE, Worker
from sessionful.cli.console import out
from sessionful.cli.failure import DONE, WRONG_USAGE, CommandFailed
from sessionful.cli.places import place, places
from sessionful.cli.target import Target
from sessionful.core.service import Service
from sessionful.core.sweeping import Sweeper

_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_NOBODY = {
    "none": "SESSIONFUL_ALARMS is none: no alarm will ever ring",
    "memory": "the sessions are kept in memory: no other process can leave a turn there",
}


class Staff:
    """A service, the worker that looks after its turns where there are alarms, and who sweeps up after its sessions."""

    def __init__(self, service: Service, alarms: AlarmQueue | None, at_once: int = AT_ONCE) -> None:
        self._service, self._alarms = service, alarms
        self._worker = Worker(alarms, service.look_after, at_once=at_once) if alarms is not None else None
        self._working: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._worker is not None:
            self._working = asyncio.create_task(self._worker.run())
        self._sweeping = asyncio.create_task(Sweeper(self._service, self._service.clock).run())

    async def let_go(self) -> None:
        """First nothing more is begun, then the turns that run are handed over or settled."""
        if self._worker is not None:
            self._worker.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait({self._sweeping})
        await self._service.let_go()
        if self._working is not None:
            await self._working

    async def close(self) -> None:
        await self.let_go()
        await self._service.close()
        if self._alarms is not None:
            await self._alarms.close()


def work(target: Target, at_once: int) -> int:
    """Until SIGTERM or Ctrl-C: both are a good end. Raises CommandFailed where there is nothing to wait for."""
    config = target.configuration()
    address = wiring.alarms_address(config, target.settings)
    if address in _NOBODY:
        raise CommandFailed(_NOBODY[address], "usage", WRONG_USAGE)
    target.tell_warnings()
    logging.getLogger().setLevel(min(logging.getLogger().level, logging.WARNING))
    alarms = wiring.open_alarms(address)
    service = wiring.open_service(config, target.settings, alarms)
    agents = "".join(f"\n  agent     {agent.name}: {agent.model.name}" for agent in service.agents.values())
    greeting = f"""sessionful looks after turns{agents}
  sessions  {places(config, target.settings)}
  alarms    {place(address)}
Ctrl-C stops it."""
    asyncio.run(_until_told(Staff(service, alarms, at_once), greeting))
    return DONE


async def _until_told(staff: Staff, greeting: str) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # whoever says it twice means it
        loop.call_soon_threadsafe(told.set)

    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` has one ignored
            signal.signal(number, end)
    staff.start()
    out(greeting)
    await told.wait()
    await staff.close()
