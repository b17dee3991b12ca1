"""The chunks dialect."""

import json

from sessionful.domain.event import (
    MessageStart,
    TextDelta,
    ThinkingDelta,
    Told,
    ToolReturned,
    TurnFailed,
    TurnSuperseded,
    TurnWasCancelled,
)
from sessionful.surfaces.sse import Chunks, Style
from tests.surfaces.frames import chunk_text, read
from tests.surfaces.sse.tape import CODING, COMPLETED, STARTED, call, step, stream, texts, told

QUANTUM = told([STARTED, *step(1, *texts("Quantum", " computing", " uses")), COMPLETED])
PRINTED = """Let me create that file...
[Tool: write_file("hello.py", "print('Hello')")]
File created successfully.
Now let me test it...
[Tool: execute_command("python hello.py")]
Output: Hello
The program works correctly!"""


async def test_a_text_is_told_delta_by_delta_and_closed_by_done() -> None:
    written = b"".join(await stream(Chunks(Style()), QUANTUM)).decode()
    assert written == (
        'id: 1.1.9\ndata: {"chunk": "Quantum"}\n\n'
        'id: 1.1.19\ndata: {"chunk": " computing"}\n\n'
        'id: 1.1.24\ndata: {"chunk": " uses"}\n\n'
        "id: 1.1.26\ndata: [DONE]\n\n"
    )


async def test_tool_calls_and_results_stand_on_lines_of_their_own() -> None:
    frames = read(b"".join(await stream(Chunks(Style(tools=True)), CODING)))
    assert chunk_text(frames) == PRINTED


async def test_without_show_tool_execution_only_the_prose_is_told() -> None:
    frames = read(b"".join(await stream(Chunks(Style()), CODING)))
    assert chunk_text(frames) == "Let me create that file...Now let me test it...The program works correctly!"


async def test_a_failed_tool_is_told_as_an_error() -> None:
    failed = ToolReturned(call_id="c", name="search", content="no index", is_error=True)
    frames = read(b"".join(await stream(Chunks(Style(tools=True)), told([STARTED, *step(1, failed), COMPLETED]))))
    assert chunk_text(frames) == "Error: no index\n"


async def test_thinking_is_told_in_brackets_and_only_where_it_is_shown() -> None:
    thoughts = [ThinkingDelta(text="Hm, "), ThinkingDelta(text="an apple.")]
    tape = told([STARTED, *step(1, *thoughts, *texts("An apple falls.", index=1)), COMPLETED])
    shown = read(b"".join(await stream(Chunks(Style(thinking=True)), tape)))
    assert chunk_text(shown) == "[Thinking: Hm, an apple.]\nAn apple falls."
    hidden = read(b"".join(await stream(Chunks(Style()), tape)))
    assert chunk_text(hidden) == "An apple falls."


async def test_debug_facts_are_lines_of_text() -> None:
    frames = read(b"".join(await stream(Chunks(Style(debug=True)), QUANTUM)))
    assert chunk_text(frames).splitlines() == [
        "[Session: sess_abc123]",
        "[Message: 1]",
        "Quantum computing uses",
        "[Memory: 523 tokens]",
        "[Response: 42 tokens, end_turn]",
    ]


async def test_without_streaming_there_is_one_chunk_with_the_whole_text() -> None:
    frames = read(b"".join(await stream(Chunks(Style(streaming=False, tools=True)), CODING)))
    assert [frame.data for frame in frames] == [json.dumps({"chunk": PRINTED}), "[DONE]"]


async def test_an_error_is_an_event_and_done_comes_once_behind_it() -> None:
    error = {"code": "model_error", "message": "it broke", "details": {}}
    tape = told([STARTED, MessageStart(step=1), *texts("Qua"), TurnFailed(turn_id="t", error=error)])
    frames = read(b"".join(await stream(Chunks(Style()), tape)))
    assert [(frame.event, frame.data) for frame in frames] == [
        ("message", '{"chunk": "Qua"}'),
        ("error", json.dumps({"error": error})),
        ("message", "[DONE]"),
    ]


async def test_a_cancelled_turn_ends_with_an_error_too() -> None:
    frames = read(b"".join(await stream(Chunks(Style()), told([STARTED, TurnWasCancelled(turn_id="t")]))))
    assert [frame.event for frame in frames] == ["error", "message"]
    assert frames[0].json["error"]["code"] == "turn_cancelled"


async def test_a_superseded_text_is_cut_where_it_still_holds() -> None:
    first = told([STARTED, *step(1, *texts("Let me look."), *call("search", "x", result="found")), *texts("The ans")])
    taken_over = [Told(each.cursor, each.event) for each in first]
    second = told([TurnSuperseded(keep=12), *step(2, *texts("It is 4.")), COMPLETED], attempt=2)
    for style in (Style(), Style(tools=True), Style(debug=True), Style(streaming=False, tools=True)):
        frames = read(b"".join(await stream(Chunks(style), [*taken_over, *second])))
        text = chunk_text(frames)
        assert "The ans" not in text
        assert text.count("Let me look.") == text.count("It is 4.") == 1
        assert text.count("[Tool: search") == style.tools
        if style.streaming and not style.tools and not style.debug:
            assert [frame.json for frame in frames if frame.event == "superseded"] == [{"keep": 12}]


async def test_text_stays_on_one_line_for_clients_that_split_at_every_line_end() -> None:
    strange = 'a\u2028b\u2029c\u0085d\ne\r"\\\x00\ud83d🙂'
    written = b"".join(await stream(Chunks(Style()), told([STARTED, TextDelta(text=strange), COMPLETED])))
    assert len(written.decode().splitlines()) == 6
    assert chunk_text(read(written)) == strange


async def test_a_stream_that_cannot_be_read_on_says_so_and_is_closed() -> None:
    frames = read(Chunks(Style()).broken({"code": "store_unavailable", "message": "gone", "details": {}}))
    assert [frame.event for frame in frames] == ["error", "message"]
    assert frames[-1].data == "[DONE]" and frames[-1].id == ""
