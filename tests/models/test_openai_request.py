"""Requests in the form of Chat Completions, for every server's reading of it."""

from typing import Any

import pytest

from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import File, Image, Message, Text
from sessionful.models.openai import OpenAIModel
from sessionful.ports import ModelRequest
from tests.models.asking import PIXEL, PLACE, a_request, a_tool_turn, answer
from tests.models.vendor import Vendor, streams
from tests.models.wire import delta, openai_stream, usage_chunk

HELLO = openai_stream(
    delta(role="assistant", content="", refusal=None),
    delta(content="Grüß"),
    delta(content=" Gott 🌍"),
    delta("stop"),
    usage_chunk(12, 5, prompt_tokens_details={"cached_tokens": 8}),
)
KEY = "sk-proj-0123456789"


def body_of(request: ModelRequest, **settings: Any) -> dict[str, Any]:
    return OpenAIModel("m", base_url=settings.pop("base_url", "http://127.0.0.1:1/v1"), **settings).body(request)


async def test_a_turn_with_tools_is_sent_as_the_api_wants_it() -> None:
    async with Vendor([streams(HELLO)]) as vendor:
        model = OpenAIModel("gpt-5.5", KEY, vendor.url + "/v1/", options={"temperature": 0.2}, headers={"x-team": "a"})
        await answer(model, a_tool_turn(options={"max_tokens": 99, "stop": "END", "seed": 7}))
        await model.close()
    (request,) = vendor.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-team"] == "a"
    assert request.body == {
        "model": "gpt-5.5",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.2,
        "max_tokens": 99,
        "stop": ["END"],
        "seed": 7,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this, and how is the weather there?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                ],
            },
            {
                "role": "assistant",
                "content": "Let me look.",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
                    },
                    {"id": "call_2", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny, 24 °C"},
            {"role": "tool", "tool_call_id": "call_2", "content": "no clock here"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "weather", "description": "The weather in a city.", "parameters": PLACE},
            },
            {
                "type": "function",
                "function": {
                    "name": "clock",
                    "description": "What time it is.",
                    "parameters": {"type": "object", "properties": {}},
                },
            },
        ],
    }


def test_an_option_that_the_wire_lacks_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="top_k") as caught:
        body_of(a_request(options={"top_k": 5}))
    assert caught.value.details["field"] == "options.top_k"


@pytest.mark.parametrize(
    ("base_url", "field"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://mine.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("http://127.0.0.1:11434/v1", "max_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_host_knows(base_url: str, field: str) -> None:
    assert body_of(a_request(options={"max_tokens": 5}), base_url=base_url)[field] == 5
    named = body_of(a_request(options={"max_tokens": 5}), base_url=base_url, max_tokens_field="num_predict")
    assert named["num_predict"] == 5


def test_usage_is_not_asked_of_servers_that_refuse_it() -> None:
    assert "stream_options" not in body_of(a_request(), include_usage=False)


def test_reasoning_behind_calls_goes_back_where_it_is_wanted() -> None:
    def said(**settings: Any) -> dict[str, Any]:
        found: dict[str, Any] = next(m for m in body_of(a_tool_turn(), **settings)["messages"] if "tool_calls" in m)
        return found

    assert said(base_url="https://api.deepseek.com")["reasoning_content"] == "Looks like Rome."
    assert said(thinking_field="reasoning")["reasoning"] == "Looks like Rome."
    assert "reasoning_content" not in said()


def test_a_schema_becomes_a_strict_response_format() -> None:
    form = body_of(a_request(schema=PLACE))["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"] == {"name": "answer", "schema": {**PLACE, "additionalProperties": False}, "strict": True}


def test_a_schema_without_strict_form_is_sent_as_it_is() -> None:
    free = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert body_of(a_request(schema=free))["response_format"]["json_schema"] == {
        "name": "answer",
        "schema": free,
        "strict": False,
    }


def test_openai_is_not_asked_for_what_is_no_object() -> None:
    numbers = {"type": "array", "items": {"type": "integer"}}
    assert "response_format" in body_of(a_request(schema=numbers))
    assert "response_format" not in body_of(a_request(schema=numbers), base_url="https://api.openai.com/v1")


def test_files_are_sent_as_text_or_as_a_file_or_named() -> None:
    notes = File(name="notes.txt", media_type="text/plain", data="aGVsbG8=")
    paper = File(name="paper.pdf", media_type="application/pdf", data="JVBERg==")
    song = File(name="song.mp3", media_type="audio/mpeg", data="AAAA")
    linked = Image(url="https://example.com/cat.png")
    message = Message.user([Text(text="Look."), notes, paper, song, linked])
    (sent,) = body_of(ModelRequest(messages=(message,)))["messages"]
    assert sent["content"] == [
        {"type": "text", "text": "Look."},
        {"type": "text", "text": "[file notes.txt]\nhello"},
        {"type": "file", "file": {"filename": "paper.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}},
        {"type": "text", "text": "[file song.mp3 (audio/mpeg): this model cannot read it]"},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
    ]


def test_a_model_that_only_reads_is_told_that_there_was_a_picture() -> None:
    sent = body_of(a_tool_turn(), images=False)["messages"][1]
    assert sent["content"].endswith("[image without a name (image/png): this model cannot read it]")


def test_extra_fields_are_sent_as_they_are() -> None:
    assert body_of(a_request(), extra={"reasoning_effort": "low"})["reasoning_effort"] == "low"
