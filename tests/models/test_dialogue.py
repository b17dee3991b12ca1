"""Whatever history comes in, what goes out is one that each vendor accepts; a valid one loses nothing."""

import itertools
import json
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sessionful.domain.message import File, Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from sessionful.models.anthropic import AnthropicModel
from sessionful.models.bedrock import BedrockModel
from sessionful.models.dialogue import alternating, settled, system_prompt
from sessionful.models.openai import OpenAIModel
from sessionful.ports import ModelRequest
from tests.models.asking import CLOCK, PIXEL

WORDS = st.sampled_from(["", " ", "\n", "hello", "wie geht's?", "[x]"])
IDS = st.sampled_from(["call_0", "call_1", "functions.clock:0", "", "é", "x" * 60])
PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, text=WORDS),
    st.builds(
        Thinking, text=WORDS, signature=st.sampled_from([None, "c2ln"]), redacted=st.sampled_from([None, "EmwK"])
    ),
    st.builds(ToolCall, id=IDS, name=st.just("clock"), arguments=st.just({"zone": "CET"})),
    st.builds(ToolResult, call_id=IDS, content=WORDS, is_error=st.booleans()),
    st.just(Image(media_type="image/png", data=PIXEL)),
    st.just(Image(url="https://example.com/cat.png")),
    st.just(File(name="x.pdf", media_type="application/pdf", data="JVBERg==")),
)
ROLES = st.sampled_from(["system", "user", "assistant", "tool"])
ANYTHING = st.lists(st.builds(Message, role=ROLES, parts=st.lists(PARTS, max_size=4).map(tuple)), max_size=8)
TOOLS = st.sampled_from([(), (CLOCK,)])


@st.composite
def valid_dialogues(draw: st.DrawFn) -> list[Message]:
    """As the log holds them: turns that start with the user, every call answered in one tool message right behind. Call
    ids are unique within a reply, not beyond it; words are, so that nothing can be lost unseen."""
    messages: list[Message] = []
    for turn in range(draw(st.integers(1, 4))):
        messages.append(Message.user(f"question {turn}"))
        for step in range(draw(st.integers(0, 3))):
            count = draw(st.integers(1, 3))
            calls: list[Part] = [
                ToolCall(id=f"call_{n}", name="clock", arguments={"for": f"{turn}.{step}.{n}"}) for n in range(count)
            ]
            said: list[Part] = [Text(text=f"looking {turn}.{step}")] if draw(st.booleans()) else []
            messages.append(Message.assistant([*said, *calls]))
            results = tuple(ToolResult(call_id=f"call_{n}", content=f"at {turn}.{step}.{n}") for n in range(count))
            messages.append(Message(role="tool", parts=results))
        if draw(st.booleans()):
            messages.append(Message.assistant(f"answer {turn}"))
    return messages


@settings(deadline=None)
@given(ANYTHING, TOOLS)
def test_anthropic_accepts_whatever_comes(messages: list[Message], tools: Any) -> None:
    request = ModelRequest(messages=messages, tools=tools)
    sent = AnthropicModel("m", base_url="http://x", cache=None).body(request)["messages"]
    check_turns(sent)
    expected: list[str] = []
    seen: set[str] = set()
    for message in sent:
        kinds = [block["type"] for block in message["content"]]
        results = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
        assert results == expected
        assert kinds[: len(results)] == ["tool_result"] * len(results)
        expected = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
        assert not seen & set(expected)
        assert len(set(expected)) == len(expected)
        seen |= set(expected)
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call_id) for call_id in expected)
        if message["role"] == "assistant":
            assert not {"tool_result", "image", "document"} & set(kinds)
            assert kinds[-1] not in ("thinking", "redacted_thinking")
        else:
            assert not {"tool_use", "thinking", "redacted_thinking"} & set(kinds)
        texts = [block.get("text", block.get("content", "x")) for block in message["content"]]
        assert all(text.strip() for text in texts)
    assert tools or "tool_use" not in json.dumps(sent)


@settings(deadline=None)
@given(ANYTHING, TOOLS)
def test_bedrock_accepts_whatever_comes(messages: list[Message], tools: Any) -> None:
    request = ModelRequest(messages=messages, tools=tools)
    sent = BedrockModel("m", cache=True).body(request)["messages"]
    check_turns(sent)
    expected: list[str] = []
    for message in sent:
        results = [block["toolResult"] for block in message["content"] if "toolResult" in block]
        assert [result["toolUseId"] for result in results] == expected
        assert all(result["content"][0]["text"].strip() for result in results)
        expected = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]
        assert all(block["text"].strip() for block in message["content"] if "text" in block)
        assert not any("document" in b for b in message["content"]) or any("text" in b for b in message["content"])
    assert tools or "toolUse" not in str(sent)


@settings(deadline=None)
@given(ANYTHING)
def test_openai_accepts_whatever_comes(messages: list[Message]) -> None:
    sent = OpenAIModel("m", base_url="http://x").body(ModelRequest(messages=messages))["messages"]
    expected: list[str] = []
    for message in sent:
        if message["role"] == "tool":
            assert message["tool_call_id"] == expected.pop(0)
            assert message["content"].strip()
            continue
        assert expected == []
        expected = [call["id"] for call in message.get("tool_calls", [])]
        assert message["role"] in ("system", "user", "assistant")
        assert message["content"] or expected
    assert expected == []
    assert "system" not in [message["role"] for message in sent[1:]]


@settings(deadline=None)
@given(valid_dialogues())
def test_a_valid_history_loses_no_word_and_no_answer(messages: list[Message]) -> None:
    for vendors in (alternating(messages), settled(messages)):
        assert [(r, p) for r, p in told(vendors) if p not in ("Continue.",)] == told(messages)


@settings(deadline=None)
@given(valid_dialogues())
def test_what_went_before_is_spelled_the_same_a_step_later(messages: list[Message]) -> None:
    """Otherwise no vendor's cache would ever match."""
    ends = [place for place, message in enumerate(messages) if message.role != "assistant"]
    prompts = [alternating(messages[: end + 1]) for end in ends]
    for earlier, later in itertools.pairwise(prompts):
        assert later[: len(earlier) - 1] == earlier[:-1]
        assert later[len(earlier) - 1].parts[: len(earlier[-1].parts)] == earlier[-1].parts


def test_system_messages_join_the_system_prompt_in_their_order() -> None:
    history = (Message.system("Speak German."), Message.user("Hi"), Message.system("Be kind."), Message.user("Hi!"))
    request = ModelRequest(messages=history, system="You are a clerk.")
    assert system_prompt(request) == "You are a clerk.\n\nSpeak German.\n\nBe kind."
    assert [message.text for message in settled(history)] == ["HiHi!"]
    assert system_prompt(ModelRequest(messages=(), system="  ")) is None


def test_a_result_goes_to_the_nearest_call_of_its_id() -> None:
    call = ToolCall(id="call_0", name="clock")
    history = [
        Message.user("What time is it?"),
        Message.assistant(call),
        Message.user("Well?"),
        Message.assistant(call),
        Message.tool("noon", "call_0"),
    ]
    results = [part for message in settled(history) for part in message.tool_results]
    assert [(result.content, result.is_error) for result in results] == [
        ("no result of this call was kept", True),
        ("noon", False),
    ]


def test_without_tools_calls_are_told_in_words() -> None:
    history = [
        Message.user("What time is it?"),
        Message.assistant([Thinking(text="Hm.", signature="c2ln"), ToolCall(id="1", name="clock")]),
        Message.tool("noon", "1", name="clock"),
    ]
    asked, said, heard = alternating(history, tools=False)
    assert (asked.text, said.text, heard.text) == (
        "What time is it?",
        "[called clock with {}]",
        "[clock answered: noon]",
    )
    assert (said.role, heard.role) == ("assistant", "user")


def check_turns(sent: Sequence[dict[str, Any]]) -> None:
    roles = [message["role"] for message in sent]
    assert roles == ["user", *(["assistant", "user"] * (len(roles) // 2))]
    assert all(message["content"] for message in sent)


def told(messages: Sequence[Message]) -> list[tuple[str, Any]]:
    """Who said what: texts, the arguments of calls, and the contents of results behind the arguments they answer."""
    out: list[tuple[str, Any]] = []
    waiting: list[ToolCall] = []
    for message in messages:
        for part in message.parts:
            if isinstance(part, Text):
                out.append((message.role, part.text))
            elif isinstance(part, ToolCall):
                waiting.append(part)
            elif isinstance(part, ToolResult):
                call = next(call for call in waiting if call.id == part.call_id)
                waiting.remove(call)
                out.append((call.arguments["for"], part.content))
    return out
