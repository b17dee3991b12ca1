from hypothesis import given
from hypothesis import strategies as st

from sessionful.core.past import given_entry, spoken
from sessionful.core.window import reach, window
from sessionful.domain.agent import WorkingMemory
from sessionful.domain.message import Message, Part, Text, Thinking, ToolCall, ToolResult
from sessionful.domain.session import Position
from sessionful.domain.turn import Ending, Entry, TurnStatus


def entry(turn: int, step: int = 1, *, user: str | None = "q", text: str = "a", calls: int = 0) -> Entry:
    parts: list[Part] = [Text(text=text), *(ToolCall(id=f"{turn}.{step}.{i}", name="t") for i in range(calls))]
    results = [ToolResult(call_id=f"{turn}.{step}.{i}", content="r") for i in range(calls)]
    return Entry(
        position=Position(turn, step),
        turn_id=f"turn_{turn}_x",
        agent="a",
        at=0,
        started_at=0,
        given=(Message.user(user),) if user else (),
        reply=Message.assistant(parts),
        results=Message(role="tool", parts=tuple(results)) if calls else None,
    )


def ended(status: TurnStatus, **fields: object) -> Entry:
    ending = Ending.model_validate({"status": status, "ended_at": 0, "steps": 1})
    return entry(1).model_copy(update={"ending": ending, **fields})


pasts = st.lists(st.integers(0, 3), max_size=30).map(
    lambda steps: [
        entry(turn, step, user="q" if step == 1 else None, calls=1 if step <= count else 0)
        for turn, count in enumerate(steps, 1)
        for step in range(1, count + 2)
    ]
)
memories = st.builds(
    WorkingMemory,
    strategy=st.sampled_from(["full", "buffer_window", "summary_buffer"]),
    budget=st.integers(1, 500),
    window_size=st.integers(1, 30),
)


@given(pasts, memories)
def test_a_window_is_the_newest_past_whole_and_starts_with_the_user(past: list[Entry], memory: WorkingMemory) -> None:
    chosen = window(past, memory)
    flat = spoken(past)
    gist = [past[-1 - past[-1].position.step + 1].given[0], past[-1].reply] if past else []
    assert chosen in (flat[len(flat) - len(chosen) :], gist)
    assert not chosen or chosen[0].role == "user"
    calls = {call.id for message in chosen for call in message.tool_calls}
    assert calls == {result.call_id for message in chosen for result in message.tool_results}
    if memory.strategy == "buffer_window":
        assert len(chosen) <= memory.window_size
    if memory.strategy == "full":
        assert chosen == flat


def test_buffer_window_holds_as_many_messages_as_it_says() -> None:
    past = [entry(turn) for turn in range(1, 50)]
    assert len(window(past, WorkingMemory(strategy="buffer_window", window_size=20))) == 20


def test_a_budget_in_tokens_bounds_the_window() -> None:
    past = [entry(turn, text="word " * 100) for turn in range(1, 100)]
    chosen = window(past, WorkingMemory(budget=2000))
    assert 1000 < sum(len(message.text) // 4 for message in chosen) <= 1700


def test_what_is_read_is_bounded_by_the_window_not_by_the_session() -> None:
    assert reach(WorkingMemory(strategy="buffer_window", window_size=7)).entries == 7
    assert reach(WorkingMemory(budget=1000)).bytes == 8000


def test_thinking_is_not_shown_again_once_its_turn_is_over() -> None:
    past = [
        entry(1).model_copy(update={"reply": Message.assistant([Thinking(text="hm", signature="s"), Text(text="a")])})
    ]
    assert window(past, WorkingMemory())[1] == Message.assistant("a")


def test_a_turn_that_failed_is_left_out_and_a_cancelled_one_stays_with_what_it_had() -> None:
    assert window([ended("failed", torn=True)], WorkingMemory()) == []
    assert len(window([ended("cancelled", torn=True)], WorkingMemory())) == 2
    assert len(window([ended("interrupted", reply=None)], WorkingMemory())) == 1
    assert len(window([ended("failed")], WorkingMemory())) == 2  # its step was whole: only what came after it failed


def test_the_gist_of_a_turn_that_was_put_in_by_hand_holds_no_result_without_its_call() -> None:
    stray = Message(role="user", parts=(ToolResult(call_id="c", name="echo", content="", is_error=False),))
    entry = given_entry(Position(1, 1), [Message.assistant(""), stray], "a", 0)
    assert window([entry], WorkingMemory(strategy="full")) == []
