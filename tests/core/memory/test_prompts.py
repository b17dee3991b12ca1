"""What the model is shown in a conversation of 200 turns, under each strategy."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from sessionful.domain.agent import WorkingMemory
from sessionful.domain.error import ModelUnavailable
from sessionful.domain.message import Message
from sessionful.ports import ModelRequest, ToolSpec
from sessionful.stores.sql import SqlBank, SqlLog
from tests.core.conversation import Clock, add, calling
from tests.core.memory.talking import BUDGET, FACT, Talk, summary_in, tokens_of
from tests.core.scripted_tool import Scripted
from tests.validators.vendors import check_request

TURNS = 200
FACTS = [f"Fact {number}: locker {number} opens with {number * 1117}." for number in range(1, 6)]


async def a_talk(working: WorkingMemory) -> Talk:
    talk = await Talk(working=working).open()
    await talk.turns(1, TURNS)
    assert len(talk.prompts) == TURNS
    assert len(await talk.service.messages("me", None, "s1")) == 2 * TURNS, "the originals stay"
    return talk


def begins_with(later: ModelRequest, earlier: ModelRequest) -> bool:
    return list(later.messages[: len(earlier.messages)]) == list(earlier.messages)


async def test_full_shows_everything() -> None:
    talk = await a_talk(WorkingMemory(strategy="full"))
    assert [len(prompt.messages) for prompt in talk.prompts] == list(range(1, 2 * TURNS, 2))
    assert all(begins_with(later, earlier) for earlier, later in pairwise(talk.prompts))
    assert not talk.summaries


async def test_buffer_window_shows_the_last_messages_and_no_more() -> None:
    talk = await a_talk(WorkingMemory(strategy="buffer_window", window_size=20))
    assert [len(prompt.messages) for prompt in talk.prompts] == [min(n, 21) for n in range(1, 2 * TURNS, 2)]
    assert talk.prompts[-1].messages[0].text.startswith("Turn 190 ")
    assert not talk.summaries


async def test_summary_buffer_is_bounded_and_keeps_the_early_facts() -> None:
    talk = await a_talk(WorkingMemory(budget=BUDGET))
    assert max(tokens_of(prompt.messages[:-1]) for prompt in talk.prompts) <= BUDGET
    for prompt in talk.prompts[30:]:
        assert FACT.findall(summary_in(prompt)) == FACTS
        assert not any(fact in message.text for fact in FACTS for message in prompt.messages[1:])
        assert prompt.messages[1].role == "user"
    kept = tokens_of(talk.prompts[-1].messages[1:-1])
    assert 0.6 * BUDGET < kept <= 0.9 * BUDGET


async def test_a_prompt_begins_with_the_one_before_until_a_new_summary_takes_its_place() -> None:
    talk = await a_talk(WorkingMemory(budget=BUDGET, threshold=0.85, target=0.5))
    changes = [not begins_with(later, earlier) for earlier, later in pairwise(talk.prompts)]
    assert sum(changes) == len(talk.summaries)
    assert 10 < sum(changes) < TURNS / 5
    for earlier, later in pairwise(talk.prompts):
        assert begins_with(later, earlier) or later.messages[-3:-1] == (earlier.messages[-1], later.messages[-2])


async def test_a_summary_folds_the_former_one_and_only_what_came_since() -> None:
    talk = await a_talk(WorkingMemory(budget=BUDGET))
    first, *later = [request.messages[0].text for request in talk.summaries]
    assert "<summary>" not in first
    assert "Turn 1 is" in first
    for former, text in pairwise([first, *later]):
        assert text.startswith(f"<summary>\n{' '.join(dict.fromkeys(FACT.findall(former)))}\n</summary>")
        assert "Turn 1 is" not in text
    folded = [number for number in range(1, TURNS) if any(f"Turn {number} is" in text for text in (first, *later))]
    assert folded == list(range(1, len(folded) + 1))
    assert sum(text.count(f"Turn {n} is") for text in (first, *later) for n in folded) == len(folded), "each once"


async def test_a_restart_goes_on_with_the_summary_that_was_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sessions.db'}"
    clock = Clock()
    one = await Talk(log=SqlLog.open(url, clock), bank=SqlBank.open(url, clock), clock=clock).open()
    await one.turns(1, 40)
    await one.service.close()
    other = Talk(log=SqlLog.open(url, clock), bank=SqlBank.open(url, clock), clock=clock)
    await other.turns(41, 60)
    await other.service.close()
    assert FACT.findall(summary_in(other.prompts[0])) == FACTS
    assert FACT.findall(summary_in(other.prompts[-1])) == FACTS
    assert other.summaries[0].messages[0].text.startswith(f"<summary>\n{' '.join(FACTS)}\n</summary>")
    assert "Turn 1 is" not in other.summaries[0].messages[0].text


def sums(request: ModelRequest) -> Message | str:
    """Two tool calls, then the answer."""
    since = list(request.messages)[max(n for n, m in enumerate(request.messages) if m.role == "user") :]
    done = sum(message.role == "tool" for message in since)
    return "the sums are done" if done == 2 else calling(("add", {"a": done, "b": 1}), ("add", {"a": 2, "b": 2}))


@pytest.mark.parametrize(
    "working",
    [
        WorkingMemory(strategy="full"),
        WorkingMemory(strategy="buffer_window", window_size=9),
        WorkingMemory(budget=700),
    ],
    ids=lambda working: working.strategy,
)
async def test_no_prompt_parts_a_tool_call_from_its_result(working: WorkingMemory) -> None:
    talk = await Talk(working=working, answer=sums, tools=[add]).open()
    await talk.turns(1, 30)
    assert len(talk.prompts) == 90
    spec = ToolSpec("add", "Adds.", {"type": "object", "properties": {}})
    for prompt in talk.prompts:
        assert paired(prompt.messages)
        check_request(ModelRequest(messages=prompt.messages, tools=[spec]))


def paired(messages: Sequence[Message]) -> bool:
    for place, message in enumerate(messages):
        results = messages[place + 1].tool_results if message.tool_calls else ()
        if [call.id for call in message.tool_calls] != [result.call_id for result in results]:
            return False
        if message.tool_results and not messages[place - 1].tool_calls:
            return False
    return True


@pytest.mark.parametrize(
    "working",
    [WorkingMemory(budget=BUDGET), WorkingMemory(strategy="buffer_window", window_size=3)],
    ids=lambda working: working.strategy,
)
async def test_a_turn_larger_than_the_window_is_there_with_its_question_and_its_answer(working: WorkingMemory) -> None:
    async def rows(arguments: object, context: object) -> str:
        return "row of names and numbers " * 2000

    def reads(request: ModelRequest) -> Message | str:
        done = sum(message.role == "tool" for message in request.messages)
        asked = request.messages[-1].text == "what did you find?"
        return "four rows" if asked or done == 4 else calling(("rows", {}))

    def away(request: ModelRequest) -> Exception:
        return ModelUnavailable("no summary yet")

    talk = await Talk(working=working, answer=reads, summarise=away, tools=[Scripted("rows", rows)]).open()
    await talk.ask("please read the file")
    await talk.ask("what did you find?")
    shown = [message.text for message in talk.prompts[-1].messages]
    assert shown == ["please read the file", "four rows", "what did you find?"]


async def test_a_long_text_of_a_former_turn_is_shown_by_its_beginning_and_its_end() -> None:
    talk = await Talk(answer=lambda request: "I see.").open()
    text = f"The beginning. {'In between there are many more words. ' * 200} The end."
    await talk.ask(text)
    await talk.ask("and now?")
    assert talk.prompts[0].messages[0].text == text
    shown = talk.prompts[1].messages[0].text
    assert shown.startswith("The beginning.")
    assert shown.endswith("The end.")
    assert f"[... {len(text) - BUDGET} characters left out ...]" in shown
    assert tokens_of(talk.prompts[1].messages) < BUDGET / 2
    assert (await talk.service.messages("me", None, "s1"))[0].text == text
