"""The typed dialect."""

from sessionful.domain.event import (
    MessageStart,
    TextDelta,
    ThinkingDelta,
    TurnFailed,
    TurnSuperseded,
    TurnWasCancelled,
)
from sessionful.domain.usage import Usage
from sessionful.surfaces.sse import Style, Typed
from sessionful.surfaces.sse.typed import Totals
from tests.surfaces.frames import read, typed_text
from tests.surfaces.sse.tape import CODING, COMPLETED, STARTED, step, stream, texts, told

HELLO = told([STARTED, *step(1, *texts("Hello ", "world")), COMPLETED])
ERROR = {"code": "model_error", "message": "it broke", "details": {}}


async def test_a_message_is_told_block_by_block_and_closed_by_done() -> None:
    frames = read(b"".join(await stream(Typed(Style()), HELLO)))
    assert [(frame.event, frame.data) for frame in frames] == [
        ("message_start", '{"type":"message_start","message":{"role":"assistant","step":1}}'),
        ("content_block_start", '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'),
        ("text_delta", '{"type":"text_delta","text":"Hello ","index":0}'),
        ("text_delta", '{"type":"text_delta","text":"world","index":0}'),
        ("content_block_stop", '{"type":"content_block_stop","index":0}'),
        (
            "message_delta",
            '{"type":"message_delta","delta":{"stop_reason":"end_turn"},'
            '"usage":{"input_tokens":523,"output_tokens":42}}',
        ),
        ("message_stop", '{"type":"message_stop"}'),
        ("done", '{"usage":{"input_tokens":120,"output_tokens":240},"steps":1}'),
    ]


async def test_every_name_but_done_is_the_type_of_its_data() -> None:
    for style in (Style(), Style(thinking=True, tools=True, debug=True)):
        for frame in read(b"".join(await stream(Typed(style), CODING))):
            assert frame.event == frame.json.get("type", "done")


async def test_every_frame_has_an_id() -> None:
    assert all(frame.own_id for frame in read(b"".join(await stream(Typed(Style(debug=True)), CODING))))


async def test_a_tool_call_is_a_block_of_its_own_behind_the_text() -> None:
    frames = read(b"".join(await stream(Typed(Style()), CODING)))
    first = [frame for frame in frames[: [f.event for f in frames].index("message_stop")] if "block" in frame.event]
    assert [(frame.event, frame.json["index"]) for frame in first] == [
        ("content_block_start", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_stop", 1),
    ]
    assert first[2].json["content_block"] == {"type": "tool_use", "id": "c1", "name": "write_file", "input": {}}
    written = [frame.json for frame in frames if frame.event == "input_json_delta"]
    assert written[0] == {
        "type": "input_json_delta",
        "partial_json": '{"argument0": "hello.py", "argument1": "print(\'Hello\')"}',
        "index": 1,
    }
    assert [frame.event for frame in frames].count("message_start") == 3


async def test_thinking_is_a_block_where_it_is_shown() -> None:
    tape = told([STARTED, *step(1, ThinkingDelta(text="Hm."), TextDelta(text="Yes.", index=1)), COMPLETED])
    shown = [frame.event for frame in read(b"".join(await stream(Typed(Style(thinking=True)), tape)))]
    assert shown.count("content_block_start") == shown.count("content_block_stop") == 2
    assert shown.count("thinking_delta") == 1
    hidden = [frame.event for frame in read(b"".join(await stream(Typed(Style()), tape)))]
    assert hidden.count("content_block_start") == 1 and "thinking_delta" not in hidden


async def test_an_error_is_followed_by_done_with_what_was_spent() -> None:
    async def totals(turn_id: str) -> Totals:
        assert turn_id == "turn_1_a"
        return Totals(Usage(input_tokens=7, output_tokens=5), 2)

    tape = told([STARTED, MessageStart(step=1), *texts("Hel"), TurnFailed(turn_id="turn_1_a", error=ERROR)])
    for typed, spent, steps in ((Typed(Style(), totals), (7, 5), 2), (Typed(Style()), (0, 0), 0)):
        frames = read(b"".join(await stream(typed, tape)))
        assert [frame.event for frame in frames][-2:] == ["error", "done"]
        assert frames[-2].json == {"type": "error", "error": ERROR}
        assert frames[-1].json == {"usage": {"input_tokens": spent[0], "output_tokens": spent[1]}, "steps": steps}


async def test_a_cancelled_turn_ends_with_an_error_and_done() -> None:
    frames = read(b"".join(await stream(Typed(Style()), told([STARTED, TurnWasCancelled(turn_id="t")]))))
    assert [frame.event for frame in frames] == ["error", "done"]


async def test_a_take_over_tells_what_still_holds_and_begins_a_new_message() -> None:
    first = told([STARTED, MessageStart(step=1), *texts("The ans")])
    second = told([TurnSuperseded(keep=0), *step(1, *texts("It is 4.")), COMPLETED], attempt=2)
    frames = read(b"".join(await stream(Typed(Style()), [*first, *second])))
    events = [frame.event for frame in frames]
    assert events[events.index("superseded") : events.index("superseded") + 3] == [
        "superseded",
        "message_start",
        "content_block_start",
    ]


async def test_debug_facts_are_events() -> None:
    facts = [f.json for f in read(b"".join(await stream(Typed(Style(debug=True)), HELLO))) if f.event == "debug"]
    assert facts == [
        {"type": "debug", "session": "sess_abc123", "message": 1},
        {"type": "debug", "memory": "523 tokens", "response": "42 tokens, end_turn"},
    ]


async def test_without_streaming_each_block_is_one_delta() -> None:
    frames = read(b"".join(await stream(Typed(Style(streaming=False)), HELLO)))
    assert [frame.json["text"] for frame in frames if frame.event == "text_delta"] == ["Hello world"]


async def test_a_reader_in_the_middle_of_a_block_is_not_told_its_beginning_again() -> None:
    frames = read(b"".join(await stream(Typed(Style()), HELLO, "1.1.5")))
    assert [frame.event for frame in frames] == [
        "text_delta",
        "text_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "done",
    ]
    assert typed_text(frames) == "lo world"


async def test_a_reader_at_the_end_of_a_block_is_told_that_it_ends() -> None:
    whole = read(b"".join(await stream(Typed(Style()), HELLO)))
    at_its_end = [frame for frame in whole if frame.event == "text_delta"][-1].id
    frames = read(b"".join(await stream(Typed(Style()), HELLO, at_its_end)))
    assert [frame.event for frame in frames] == ["content_block_stop", "message_delta", "message_stop", "done"]
