"""Requests in the form of Anthropic's Messages API."""

from typing import Any

import pytest

from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import File, Image, Message, Text, Thinking
from sessionful.models.anthropic import AnthropicModel
from sessionful.ports import ModelRequest
from tests.models.asking import PIXEL, PLACE, RULES, TOOL_TURN, a_request, a_tool_turn, answer
from tests.models.vendor import Vendor, streams
from tests.models.wire import anthropic_message, text_block

KEY = "sk-ant-0123456789"
MARK = {"type": "ephemeral"}


HELLO = anthropic_message([text_block(0, "Grüß", " Gott 🌍")])


def body_of(request: ModelRequest, **settings: Any) -> dict[str, Any]:
    return AnthropicModel("m", base_url="http://127.0.0.1:1", **settings).body(request)


async def test_a_turn_with_tools_is_sent_as_the_api_wants_it() -> None:
    async with Vendor([streams(HELLO)]) as vendor:
        model = AnthropicModel("claude-opus-5-5", KEY, vendor.url + "/", extra={"thinking": {"type": "adaptive"}})
        await answer(model, a_tool_turn(RULES, options={"temperature": 0.5, "stop": "END"}))
        await model.close()
    (request,) = vendor.requests
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.headers["x-api-key"] == KEY
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert request.body == {
        "model": "claude-opus-5-5",
        "stream": True,
        "max_tokens": 8192,
        "temperature": 0.5,
        "stop_sequences": ["END"],
        "thinking": {"type": "adaptive"},
        "system": [{"type": "text", "text": RULES, "cache_control": MARK}],
        "tools": [
            {"name": "weather", "description": "The weather in a city.", "input_schema": PLACE},
            {
                "name": "clock",
                "description": "What time it is.",
                "input_schema": {"type": "object", "properties": {}},
            },
        ],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this, and how is the weather there?"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                        "cache_control": MARK,
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Looks like Rome.", "signature": "c2lnbmVk"},
                    {"type": "text", "text": "Let me look."},
                    {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Rome"}},
                    {"type": "tool_use", "id": "call_2", "name": "clock", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "sunny, 24 °C"},
                    {
                        "type": "tool_result",
                        "tool_use_id": "call_2",
                        "content": "no clock here",
                        "is_error": True,
                        "cache_control": MARK,
                    },
                ],
            },
        ],
    }


def test_the_newest_api_version_knows_no_temperature() -> None:
    with pytest.raises(InvalidRequest, match="temperature"):
        body_of(a_request(options={"temperature": 1}), version="2026-10-21")
    with pytest.raises(InvalidRequest, match="seed"):
        body_of(a_request(options={"seed": 1}))


def test_caching_can_be_longer_or_off() -> None:
    long = body_of(a_tool_turn(RULES), cache="1h")
    assert long["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert "cache_control" not in str(body_of(a_tool_turn(RULES), cache=None))


def test_only_the_last_two_user_messages_are_marked() -> None:
    talk = [message for n in range(5) for message in (Message.user(f"q{n}"), Message.assistant(f"a{n}"))]
    messages = body_of(ModelRequest(messages=[*talk, Message.user("last")], system=RULES))["messages"]
    assert [m["content"][0]["text"] for m in messages if "cache_control" in m["content"][-1]] == ["q4", "last"]


def test_thinking_goes_back_verbatim_within_the_loop_and_only_there() -> None:
    thinking = [Thinking(text="", signature="c2ln"), Thinking(redacted="EmwK"), Thinking(text="unsigned")]
    loop = (TOOL_TURN[0], Message.assistant([*thinking, *TOOL_TURN[1].tool_calls]), TOOL_TURN[2])

    def thoughts(*messages: Message) -> list[dict[str, Any]]:
        body = body_of(a_tool_turn()._replace(messages=messages))
        return [b for m in body["messages"] for b in m["content"] if "thinking" in b["type"]]

    assert thoughts(*loop) == [
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "EmwK"},
    ]
    assert thoughts(*loop, Message.assistant("Sunny."), Message.user("Thanks!")) == []


def test_a_schema_becomes_an_output_format() -> None:
    body = body_of(a_request(schema=PLACE), extra={"output_config": {"effort": "low"}})
    form = {"type": "json_schema", "schema": {**PLACE, "additionalProperties": False}}
    assert body["output_config"] == {"effort": "low", "format": form}
    assert "output_config" not in body_of(a_request(schema={"type": "object"}))
    assert "output_config" not in body_of(a_request(schema=PLACE), structured=False)


def test_files_and_links_are_sent_or_named() -> None:
    paper = File(name="paper.pdf", media_type="application/pdf", data="JVBERg==")
    linked = File(name="far.pdf", media_type="application/pdf", url="https://example.com/far.pdf")
    song = File(name="song.mp3", media_type="audio/mpeg", url="https://example.com/song.mp3")
    picture = Image(url="https://example.com/cat.png")
    inline = Image(url=f"data:image/jpg;base64,{PIXEL}")
    drawing = Image(media_type="image/svg+xml", data="PHN2Zz4=")
    request = ModelRequest(messages=(Message.user([paper, linked, song, picture, inline, drawing, Text(text="?")]),))
    assert body_of(request, cache=None)["messages"][0]["content"] == [
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/far.pdf"}},
        {"type": "text", "text": "[file song.mp3 (audio/mpeg): this model cannot read it]"},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PIXEL}},
        {"type": "text", "text": "[image without a name (image/svg+xml): this model cannot read it]"},
        {"type": "text", "text": "?"},
    ]
