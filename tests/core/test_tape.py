"""The tape: what is read back from the log is what was told live, at the same places, from any cursor."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sessionful.core.feed import after
from sessionful.core.replay import replay
from sessionful.domain.event import Cursor, Told
from sessionful.domain.message import Message, Part, Text, Thinking, ToolCall
from sessionful.domain.turn import Entry
from sessionful.tools.function import tool
from tests.core.conversation import Conversation, told


@tool
async def echo(value: str) -> str:
    """Say it again."""
    if value == "fail":
        raise ValueError("failed")
    return value


texts = st.text(min_size=0, max_size=30)
parts = st.one_of(
    texts.map(lambda t: Text(text=t)),
    texts.map(lambda t: Thinking(text=t, signature="s" if len(t) % 2 else None)),
)
calls = st.lists(st.sampled_from(["a", "fail", "long " * 10]), min_size=1, max_size=3).map(
    lambda values: [ToolCall(id=f"c{i}", name="echo", arguments={"value": v}) for i, v in enumerate(values)]
)


@st.composite
def scripts(draw: st.DrawFn) -> list[Message | Exception]:
    steps = draw(st.lists(st.tuples(st.lists(parts, max_size=3), calls), max_size=2))
    last = draw(st.one_of(st.lists(parts, max_size=3), st.just(None)))
    script: list[Message | Exception] = [
        Message(role="assistant", parts=tuple(draw(st.permutations([*p, *c])))) for p, c in steps
    ]
    script.append(Message(role="assistant", parts=tuple(last)) if last is not None else ValueError("broken"))
    return script


def characters(events: list[Told]) -> list[tuple[Cursor, str]]:
    """Every place of the tape with what lies there, however the deltas were cut."""
    flat: list[tuple[Cursor, str]] = []
    for cursor, event in events:
        text = getattr(event, "text", None)
        if text is None:
            flat.append((cursor, event.model_dump_json()))
            continue
        first = cursor.position - len(text)
        flat += [(cursor._replace(position=first + n + 1), event.type + c) for n, c in enumerate(text)]
    return flat


@given(scripts(), st.integers(0, 200))
@settings(max_examples=80, deadline=None)
async def test_live_and_replayed_are_the_same_from_every_cursor(script: list[Message | Exception], cut: int) -> None:
    talk = await Conversation(script, [echo]).open()
    handle = await talk.say("go")
    live = await told(handle)
    session = await talk.service.get_session("me", None, "s1")
    stored = replay("s1", await talk.log.turn(session, 1))
    assert characters(stored) == characters(live)
    cursor = Cursor(1, 1, cut)
    expected = [c for c in characters(live) if c[0] > cursor]
    assert characters([rest for t in stored if (rest := after(t, cursor)) is not None]) == expected
    assert characters(await told(handle, cursor)) == expected


def entry(step: int, attempt: int, part: Part, **fields: object) -> Entry:
    return Entry.model_validate(
        {
            "position": (1, step),
            "turn_id": "turn_1_x",
            "attempt": attempt,
            "agent": "a",
            "at": 1,
            "started_at": 1,
            "reply": Message.assistant(part),
            **fields,
        }
    )


def test_a_new_attempt_tells_what_to_keep_and_goes_on_from_there() -> None:
    stored = replay("s", [entry(1, 1, Text(text="kept")), entry(2, 2, Text(text="new"))])
    superseded = next(t for t in stored if t.event.type == "turn_superseded")
    assert superseded.event.keep == 4  # type: ignore[union-attr]
    ahead = Cursor(1, 1, superseded.cursor.position + 30)  # a reader that heard torn text of the first attempt
    rest = [r for t in stored if (r := after(t, ahead)) is not None]
    assert [t.event.type for t in rest] == ["turn_superseded", "message_start", "text_delta", "step_completed"]
    behind = Cursor(1, 1, 3)  # a reader that is still within what was kept
    rest = [r for t in stored if (r := after(t, behind)) is not None]
    assert "".join(getattr(t.event, "text", "") for t in rest) == "eptnew"
