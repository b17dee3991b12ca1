"""How turns are carried: the times that a process keeps to."""

from typing import NamedTuple


class Pace(NamedTuple):
    """`lease_ms`: how long a turn stays its holder's without a sign of life. `flush_seconds`: how often what it tells
    is made durable. `run_for`: after how many seconds it is handed over at the next step's border, also where a
    deadline is further off; one that has no border within `border_seconds` more is torn from its step. `lingers`: the
    process goes on after its turns; one that does not takes up none but those that it is asked to begin, and leaves
    what lost its holder, was handed over or waits to the workers."""

    lease_ms: int = 30_000
    flush_seconds: float = 0.7
    run_for: float | None = None
    border_seconds: float = 15.0
    lingers: bool = True

    def border(self, left: float | None) -> "Border | None":
        """When to hand over, with `left` seconds to the deadline. A short stay spends a tenth of it on waiting for a
        border, at most."""
        stays = [] if self.run_for is None else [Border(self.run_for, self.run_for + self.border_seconds)]
        if left is not None:
            stays.append(Border(left - min(self.border_seconds, left / 10), left))
        return min(stays, default=None)

    def too_late(self, left: float | None) -> bool:
        """Whether a turn that nobody carries is better taken up elsewhere."""
        return left is not None and left < self.border_seconds + 5


class Border(NamedTuple):
    """Seconds from now: from `wanted` on a turn is handed over between two steps, at `torn` within one."""

    wanted: float
    torn: float
