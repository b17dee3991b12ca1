"""`sessionful sessions sweep`: erases what has expired from this machine's stores."""

import contextlib
import logging

from sessionful import wiring
from sessionful.cli.console import say
from sessionful.cli.failure import WRONG_USAGE, CommandFailed
from sessionful.cli.foreground import Foreground
from sessionful.cli.target import Target
from sessionful.core.service import Service
from sessionful.core.sweeping import Sweeper, Swept
from sessionful.domain.agent import seconds


def sweep(target: Target, expired_for: str) -> None:
    """Raises CommandFailed for sessions that are not this machine's, and when some could not be swept."""
    if target.url is not None:
        message = f"the server at {target.url} sweeps its sessions itself; --config names stores of this machine"
        raise CommandFailed(message, "usage", WRONG_USAGE)
    grace = _grace(expired_for)
    service = wiring.open_service(target.configuration(), target.settings)
    logging.getLogger().setLevel(min(logging.getLogger().level, logging.WARNING))  # they tell why one was not swept
    with Foreground() as foreground:
        swept = foreground.run(_swept(service, grace))
    say(f"erased {swept.erased} expired session{'s' * (swept.erased != 1)}")
    if swept.left:
        raise CommandFailed(f"{swept.left} could not be swept; the next sweep tries again", "sweep_incomplete")


async def _swept(service: Service, grace: float) -> Swept:
    try:
        return await Sweeper(service, service.clock).sweep(grace)
    finally:
        await service.close()


def _grace(text: str) -> float:
    with contextlib.suppress(ValueError):
        if text.strip():
            return float(seconds(text))
    message = f"--expired-for: {text!r} is not a time; write 7d, 12h or 0s"
    raise CommandFailed(message, "usage", WRONG_USAGE)
