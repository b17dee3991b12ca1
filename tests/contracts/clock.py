"""Time that stands still until a test moves it."""

NOON = 1_800_000_000_000
"""Where every test begins, in ms since 1970."""


class ManualClock:
    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, ms: int) -> None:
        self.now += ms
