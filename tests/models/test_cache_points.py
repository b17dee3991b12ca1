"""What of a prompt the vendor's cache finds again: from step to step, from turn to turn, and never less."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sessionful.domain.message import Message, Text, Thinking, ToolCall, ToolResult
from sessionful.models.anthropic import AnthropicModel
from sessionful.models.bedrock import BedrockModel
from sessionful.models.cache_points import shortest
from sessionful.ports import ModelRequest
from tests.models.asking import CLOCK, RULES, WEATHER

OPUS = "claude-opus-5-5"
SUMMARY = Message.system("What was said before: the user plans a trip to Rome.")


def a_step(number: int, thinking: bool = False) -> list[Message]:
    thought = [Thinking(text="Hm.", signature="c2ln")] if thinking else []
    call = ToolCall(id=f"call_{number}", name="weather", arguments={"city": f"Rome {number}"})
    result = ToolResult(call_id=call.id, name="weather", content=f"{number} °C")
    return [Message.assistant([*thought, call]), Message(role="tool", parts=(result,))]


def plain(messages: list[Message]) -> list[Message]:
    """As the next turn is shown it: without what was thought."""
    return [m.model_copy(update={"parts": tuple(p for p in m.parts if not isinstance(p, Thinking))}) for m in messages]


def asked(messages: list[Message], system: str | None = RULES, tools: bool = True) -> ModelRequest:
    return ModelRequest(messages=messages, system=system, tools=(WEATHER, CLOCK) if tools else ())


def blocks_of(body: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Each block of a request in the order in which it is cached, as bytes, and whether it is marked."""
    said = [block for message in body["messages"] for block in message["content"]]
    for block in [*body.get("tools", []), *body.get("system", []), *said]:
        bare = {key: value for key, value in block.items() if key != "cache_control"}
        yield json.dumps(bare), bare != block


def sent(request: ModelRequest, model: str = OPUS) -> list[tuple[str, bool]]:
    return list(blocks_of(AnthropicModel(model, base_url="http://127.0.0.1:1").body(request)))


def found_again(former: list[tuple[str, bool]], later: list[tuple[str, bool]]) -> int:
    """How many blocks of the later request come from the cache that the former one has filled: the longest beginning
    that the former one marked, that both share byte for byte, and that lies within 20 blocks before a mark."""
    shared = 0
    for (before, _), (after, _) in zip(former, later, strict=False):
        if before != after:
            break
        shared += 1
    kept = [place for place, (_, marked) in enumerate(former) if marked and place < shared]
    seen = [place for place, (_, marked) in enumerate(later) if marked]
    return max((place + 1 for place in kept if any(0 <= mark - place < 20 for mark in seen)), default=0)


def marked(request: ModelRequest, model: str = OPUS) -> list[str]:
    return [block for block, mark in sent(request, model) if mark]


def test_two_turns_share_a_byte_identical_beginning_up_to_the_last_point_of_the_first() -> None:
    first = [SUMMARY, Message.user("Hello"), *a_step(1), *a_step(2)]
    second = [*first, Message.assistant("Warm."), Message.user("And tomorrow?")]
    before, after = sent(asked(first)), sent(asked(second))
    assert before[-1][1], "the whole first prompt is kept"
    assert found_again(before, after) == len(before)


def test_two_steps_share_all_of_the_first_prompt() -> None:
    first = [Message.user("Hello"), *a_step(1, thinking=True)]
    assert found_again(sent(asked(first)), sent(asked([*first, *a_step(2, thinking=True)]))) == len(sent(asked(first)))


@pytest.mark.parametrize("steps", [1, 5, 40])
def test_a_turn_that_thought_is_found_up_to_its_question_however_long_it_was(steps: int) -> None:
    past = [Message.user("Good morning"), Message.assistant("Good morning!")]
    loop = [message for number in range(steps) for message in a_step(number, thinking=True)]
    asking = [*past, Message.user("How warm is Rome?")]
    opening = sent(asked(asking))
    later = sent(asked([*asking, *plain(loop), Message.assistant("Warm."), Message.user("And?")]))
    assert found_again(opening, later) == len(opening)


def test_a_new_summary_leaves_the_instructions_in_the_cache() -> None:
    later = SUMMARY.model_copy(update={"parts": (Text(text="The user is in Rome."),)})
    before, after = sent(asked([SUMMARY, Message.user("a")])), sent(asked([later, Message.user("b")]))
    assert found_again(before, after) == len((WEATHER, CLOCK)) + 1


def test_nothing_is_marked_before_the_beginning_is_long_enough_to_be_kept() -> None:
    talk = [Message.user("Hi"), Message.assistant("Hello!"), Message.user("How are you?")]
    assert marked(asked(talk, system="Be brief.")) == []
    long = [*talk[:2], Message.user(RULES), Message.assistant("I see."), Message.user("Good.")]
    assert [json.loads(block)["text"] for block in marked(asked(long, system="Be brief."))] == [RULES, "Good."]


def test_four_points_are_never_exceeded() -> None:
    loop = [message for number in range(30) for message in a_step(number)]
    long = [SUMMARY, Message.user(RULES), *loop, Message.assistant("Warm."), Message.user("And?")]
    told = ModelRequest(messages=long, system=RULES, tools=(WEATHER._replace(description=RULES), CLOCK))
    assert len(marked(told)) == 4
    body = BedrockModel("anthropic.claude-opus-4-8").body(told)
    assert str(body).count("cachePoint") == 4


def test_instructions_and_summary_are_two_parts_of_the_system_prompt_and_each_is_marked() -> None:
    body = BedrockModel("anthropic.claude-opus-4-8").body(asked([SUMMARY, Message.user("Hi")]))
    point = {"cachePoint": {"type": "default"}}
    assert body["system"] == [{"text": RULES}, point, {"text": SUMMARY.text}, point]


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-opus-5", 512),
        ("claude-fable-5", 512),
        ("claude-opus-4-8", 1024),
        ("claude-sonnet-5", 1024),
        ("us.anthropic.claude-sonnet-4-6", 1024),
        ("claude-sonnet-4-20250514", 1024),
        ("claude-opus-4-7", 2048),
        ("claude-3-5-haiku-20241022", 2048),
        ("claude-opus-4-6", 4096),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", 4096),
        ("claude-of-the-future", 512),
    ],
)
def test_the_shortest_beginning_that_is_kept_is_the_vendors(model: str, tokens: int) -> None:
    assert shortest(model) == tokens
