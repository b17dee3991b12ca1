"""Every event of the log, in its native form."""

from sessionful.domain.event import EVENT, TextDelta, TurnFailed
from sessionful.surfaces.sse import Events, Style
from tests.surfaces.frames import read
from tests.surfaces.sse.tape import CODING, COMPLETED, STARTED, stream, told


async def test_every_event_comes_named_in_its_native_form_with_its_cursor() -> None:
    frames = read(b"".join(await stream(Events(Style()), CODING)))
    assert [(frame.id, frame.event) for frame in frames] == [(str(t.cursor), t.event.type) for t in CODING]
    assert [EVENT.validate_json(frame.data) for frame in frames] == [t.event for t in CODING]


async def test_the_last_frame_is_the_turns_terminal_event() -> None:
    failed = TurnFailed(turn_id="t", error={"code": "model_error", "message": "", "details": {}})
    for end in (COMPLETED, failed):
        frames = read(b"".join(await stream(Events(Style()), told([STARTED, end]))))
        assert [frame.event for frame in frames] == ["turn_started", end.type]


async def test_a_delta_that_the_cursor_cuts_is_told_from_there() -> None:
    tape = told([STARTED, TextDelta(text="Hello"), COMPLETED])
    frames = read(b"".join(await stream(Events(Style()), tape, "1.1.3")))
    assert [frame.json.get("text") for frame in frames] == ["llo", None]
    assert frames[0].id == "1.1.6"


async def test_half_a_surrogate_pair_and_odd_line_ends_pass() -> None:
    strange = "\ud83d\u2028\u0085🙂"
    written = b"".join(await stream(Events(Style()), told([STARTED, TextDelta(text=strange), COMPLETED])))
    assert read(written)[1].json["text"] == strange
    assert len(written.decode().splitlines()) == 12


async def test_debug_facts_come_beside_the_events_they_are_taken_from() -> None:
    frames = read(b"".join(await stream(Events(Style(debug=True)), CODING)))
    assert [frame.event for frame in frames][:2] == ["turn_started", "debug"]
    assert [frame.event for frame in frames].count("debug") == 4
