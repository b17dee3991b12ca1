"""How turns are carried: the times that a process keeps to."""

from typing import NamedTuple


class Pace(NamedTuple):
    """`lease_ms`: how long a turn stays its holder's without a sign of life. `flush_seconds`: how often what it tells
    is made durable. `run_for`: after how many seconds it is handed over at the next step's border; one that has none
    within `border_seconds` more is torn from its step."""

    lease_ms: int = 30_000
    flush_seconds: float = 0.7
    run_for: float | None = None
    border_seconds: float = 15.0
