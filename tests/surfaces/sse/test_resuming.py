"""A reader that comes back gets every character once, wherever it broke off and however it is told now."""

from collections.abc import AsyncIterator, Callable

from hypothesis import given
from hypothesis import strategies as st

from sessionful.domain.event import AnyEvent, Cursor, ThinkingDelta, Told
from sessionful.surfaces.sse import Chunks, Dialect, Events, Style, Typed, look_back
from tests.surfaces.frames import Frame, chunk_text, event_text, read, typed_text
from tests.surfaces.sse.tape import CODING, COMPLETED, STARTED, call, following, step, stream, texts, told

SIZES = st.sampled_from([None, 1, 3, 10, 1000])


@st.composite
def turns(draw: st.DrawFn) -> list[Told]:
    """Steps of thinking, text and tool calls, cut into deltas anywhere."""
    events: list[AnyEvent] = [STARTED]
    pieces = st.lists(st.text("ab\n🙂 ", min_size=1, max_size=6), max_size=4)
    for number in range(1, draw(st.integers(1, 3)) + 1):
        thought = [ThinkingDelta(text=text) for text in draw(pieces)]
        said = texts(*draw(pieces), index=1 if thought else 0)
        tools = call("look", draw(st.text("x\n", max_size=3)), result=draw(st.text("ok\n", max_size=4)), index=2)
        events += step(number, *thought, *said, *(tools if draw(st.booleans()) else []))
    return told([*events, COMPLETED])


async def assembled(
    make: Callable[[Style], Dialect], shown: Style, tape: list[Told], first: int | None, later: int | None, cut: int
) -> bytes:
    """What two connections gave: the first broke off behind `cut` frames, and was told in another chunk size."""
    heard = read(b"".join(await stream(make(shown._replace(chunk_size=first)), tape)))
    kept = heard[: cut % (len(heard) + 1)]
    cursor = kept[-1].id if kept else None
    rest = read(b"".join(await stream(make(shown._replace(chunk_size=later)), tape, cursor)))
    return _raw([*kept, *rest])


def _raw(frames: list[Frame]) -> bytes:
    return "".join(f"id: {f.id}\nevent: {f.event}\ndata: {f.data}\n\n" for f in frames).encode()


@given(turns(), st.booleans(), st.booleans(), st.booleans(), SIZES, SIZES, st.integers(0, 200))
async def test_chunks_assemble_to_the_same_text(
    tape: list[Told], tools: bool, thinking: bool, debug: bool, first: int | None, later: int | None, cut: int
) -> None:
    shown = Style(tools=tools, thinking=thinking, debug=debug)
    whole = chunk_text(read(b"".join(await stream(Chunks(shown), tape))))
    frames = read(await assembled(Chunks, shown, tape, first, later, cut))
    assert chunk_text(frames) == whole
    assert [frame.data for frame in frames[-1:]] == ["[DONE]"]


@given(turns(), st.booleans(), SIZES, SIZES, st.integers(0, 200))
async def test_typed_events_assemble_to_the_same_text(
    tape: list[Told], thinking: bool, first: int | None, later: int | None, cut: int
) -> None:
    shown = Style(thinking=thinking)
    whole = typed_text(read(b"".join(await stream(Typed(shown), tape))))
    frames = read(await assembled(Typed, shown, tape, first, later, cut))
    assert typed_text(frames) == whole
    assert frames[-1].event == "done"


@given(turns(), st.integers(0, 200))
async def test_events_assemble_to_the_same_tape(tape: list[Told], cut: int) -> None:
    frames = read(await assembled(Events, Style(), tape, None, None, cut))
    if cut % (len(tape) + 1) < len(tape):
        assert [frame.id for frame in frames] == [str(each.cursor) for each in tape]
    assert event_text(frames) == event_text(read(b"".join(await stream(Events(Style()), tape))))


async def test_a_cursor_of_one_dialect_serves_another() -> None:
    in_the_middle = read(b"".join(await stream(Chunks(Style(chunk_size=4)), CODING)))[1].id
    assert typed_text(read(b"".join(await stream(Typed(Style()), CODING, in_the_middle)))).startswith("reate")
    assert event_text(read(b"".join(await stream(Events(Style()), CODING, in_the_middle)))).startswith("reate")


async def test_behind_a_turns_end_a_follower_gets_the_next_turn() -> None:
    following_turn = told([STARTED, *texts("next"), COMPLETED], turn=2)
    tape = [*told([STARTED, *texts("one"), COMPLETED]), *following_turn]

    async def follow(cursor: Cursor | None) -> AsyncIterator[Told]:
        """Ends with each turn, as the service's does."""
        async for each in following(tape)(cursor):
            yield each
            if each.event is COMPLETED:
                return

    last, later = await look_back(follow, Cursor(1, 1, 5))
    assert last is not None and last.event is COMPLETED
    assert [each async for each in later] == following_turn


async def test_behind_its_end_a_single_turn_is_closed_once_more() -> None:
    for dialect, end in (
        (Chunks(Style()), "[DONE]"),
        (Typed(Style()), '{"usage"'),
        (Events(Style()), '{"type":"turn_'),
    ):
        frames = read(b"".join(await stream(dialect, CODING, str(CODING[-1].cursor))))
        assert len(frames) == 1 and frames[0].data.startswith(end)
