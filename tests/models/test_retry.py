"""Retries: before the first piece only, a bounded number of times, after the time the server named."""

from collections.abc import AsyncGenerator, Callable

import pytest

from sessionful.domain.error import AgentError, ModelAuthentication, ModelError, ModelUnavailable, RateLimited
from sessionful.domain.usage import Usage
from sessionful.models.retry import Retry, worth_another_try
from sessionful.ports import Finish, Piece, TextPiece
from tests.models.asking import Naps, patient

END = Finish("end_turn", Usage())


class Attempts:
    """Attempts that play a script: an error is raised, a piece is given."""

    def __init__(self, *scripts: list[Piece | AgentError]) -> None:
        self.scripts, self.started, self.closed = list(scripts), 0, 0

    def __call__(self) -> AsyncGenerator[Piece, None]:
        self.started += 1
        return self._play(self.scripts[min(self.started, len(self.scripts)) - 1])

    async def _play(self, script: list[Piece | AgentError]) -> AsyncGenerator[Piece, None]:
        try:
            for item in script:
                if isinstance(item, AgentError):
                    raise item
                yield item
        finally:
            self.closed += 1


async def collected(retry: Retry, attempts: Callable[[], AsyncGenerator[Piece, None]]) -> list[Piece]:
    return [piece async for piece in retry.pieces(attempts)]


async def test_a_passing_failure_is_tried_again() -> None:
    naps = Naps()
    attempts = Attempts([ModelUnavailable("down")], [RateLimited("slow down")], [TextPiece("hi"), END])
    assert await collected(patient(naps), attempts) == [TextPiece("hi"), END]
    assert (attempts.started, attempts.closed) == (3, 3)
    assert naps.seconds == [0.5, 1.0]


async def test_the_tries_are_counted_and_the_last_error_is_raised() -> None:
    attempts = Attempts([ModelUnavailable("first")], [ModelUnavailable("second")], [ModelUnavailable("third")])
    with pytest.raises(ModelUnavailable, match="third"):
        await collected(patient(Naps()), attempts)
    assert attempts.started == 3


async def test_nothing_is_tried_again_after_the_first_piece() -> None:
    attempts = Attempts([TextPiece("half an ans"), ModelUnavailable("gone")], [TextPiece("never"), END])
    with pytest.raises(ModelUnavailable):
        await collected(patient(Naps()), attempts)
    assert attempts.started == 1


async def test_a_named_time_is_waited_for() -> None:
    naps = Naps()
    await collected(patient(naps), Attempts([RateLimited("later", retry_after=7.5)], [END]))
    assert naps.seconds == [7.5]


async def test_a_named_time_beyond_patience_is_told_at_once() -> None:
    naps, attempts = Naps(), Attempts([RateLimited("tomorrow", retry_after=86_400)], [END])
    with pytest.raises(RateLimited) as caught:
        await collected(patient(naps), attempts)
    assert caught.value.retry_after == 86_400
    assert naps.seconds == []


async def test_the_wait_is_jittered_and_bounded() -> None:
    naps = Naps()
    draws = iter((0.25, 0.5, 1.0, 1.0, 1.0, 1.0))
    retry = Retry(retries=6, sleep=naps, draw=lambda: next(draws))
    with pytest.raises(ModelUnavailable):
        await collected(retry, Attempts([ModelUnavailable("down")]))
    assert naps.seconds == [0.125, 0.5, 2.0, 4.0, 8.0, 8.0]


async def test_closing_the_pieces_closes_the_attempt() -> None:
    attempts = Attempts([TextPiece("one"), TextPiece("two"), END])
    pieces = patient(Naps()).pieces(attempts)
    assert await anext(pieces) == TextPiece("one")
    await pieces.aclose()
    assert attempts.closed == 1


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RateLimited("429"), True),
        (ModelUnavailable("no connection"), True),
        (ModelUnavailable("529", status_code=529), True),
        (ModelError("500", status_code=500), True),
        (ModelError("400", status_code=400), False),
        (ModelError("broke off"), False),
        (ModelAuthentication("401", status_code=401), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: AgentError, again: bool) -> None:
    assert worth_another_try(error) is again
