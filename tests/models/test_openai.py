"""Chat Completions against a server that speaks it: what is sent, and what is made of the answer."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sessionful.domain.error import (
    ConfigError,
    InvalidRequest,
    ModelAuthentication,
    ModelError,
    ModelUnavailable,
    RateLimited,
)
from sessionful.domain.message import File, Image, Message, Text
from sessionful.domain.usage import Usage
from sessionful.models.openai import OpenAIModel
from sessionful.ports import Finish, ModelRequest, TextPiece, ThinkingPiece
from tests.models.asking import (
    PIXEL,
    PLACE,
    Naps,
    a_request,
    a_tool_turn,
    answer,
    calls_of,
    finish_of,
    patient,
    text_of,
)
from tests.models.vendor import Vendor, breaks_off, refuses, streams
from tests.models.wire import call_fragment, delta, openai_stream, usage_chunk

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


@pytest.mark.parametrize("cut", [None, 1, 2, 7])
async def test_text_and_usage_arrive_however_the_bytes_are_cut(cut: int | None) -> None:
    async with Vendor([streams(HELLO, cut)]) as vendor:
        model = OpenAIModel("gpt-5.5", base_url=vendor.url + "/v1")
        pieces = await answer(model)
        await model.close()
    assert pieces == [
        TextPiece("Grüß"),
        TextPiece(" Gott 🌍"),
        Finish("end_turn", Usage(input_tokens=12, output_tokens=5, cached_tokens=8)),
    ]


async def test_crlf_comments_and_a_missing_done_are_borne() -> None:
    spoken = openai_stream(": OPENROUTER PROCESSING", delta(content="hi"), delta("stop"), newline="\r\n", done=False)
    async with Vendor([streams(spoken, 3)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        pieces = await answer(model)
        await model.close()
    assert pieces == [TextPiece("hi"), Finish("end_turn", Usage())]


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


FRAGMENTED = [
    delta(tool_calls=[call_fragment(0, "", "call_a", "weather")]),
    delta(tool_calls=[call_fragment(1, "", "call_b", "clock")]),
    delta(tool_calls=[call_fragment(0, '{"city"')]),
    delta(tool_calls=[call_fragment(1, ""), call_fragment(0, ': "Rome"}')]),
    delta("tool_calls"),
]
WHOLE_AS_NUMBER_0 = [
    delta(tool_calls=[call_fragment(0, '{"city": "Rome"}', "call_a", "weather")]),
    delta(tool_calls=[call_fragment(0, "{}", "call_b", "clock")]),
    delta("stop"),
]
WHOLE_WITHOUT_NUMBER = [
    delta(
        tool_calls=[
            {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}},
            {"id": "call_b", "type": "function", "function": {"name": "clock", "arguments": {}}},
        ]
    ),
    delta("tool_calls"),
]
ID_IN_EVERY_FRAGMENT = [
    delta(tool_calls=[call_fragment(0, '{"city"', "call_a", "weather")]),
    delta(tool_calls=[call_fragment(0, ': "Rome"}', "call_a")]),
    delta(tool_calls=[call_fragment(1, "{}", "call_b", "clock")]),
    delta("tool_calls"),
]


@pytest.mark.parametrize("chunks", [FRAGMENTED, WHOLE_AS_NUMBER_0, WHOLE_WITHOUT_NUMBER, ID_IN_EVERY_FRAGMENT])
async def test_tool_calls_are_told_apart_in_every_servers_manner(chunks: list[Mapping[str, Any]]) -> None:
    async with Vendor([streams(openai_stream(*chunks), 11)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        pieces = await answer(model)
        await model.close()
    told = [(call_id, name, json.loads(arguments)) for call_id, name, arguments in calls_of(pieces)]
    assert told == [("call_a", "weather", {"city": "Rome"}), ("call_b", "clock", {})]
    assert finish_of(pieces).stop_reason == "tool_use"


NAMED = {"function": {"name": "weather", "arguments": '{"city": "Rome"}'}}


@pytest.mark.parametrize(
    "fragments",
    [
        [call_fragment(0, "{}", None, "weather"), call_fragment(1, "{}", None, "clock")],
        [call_fragment(0, "{}", "same", "weather"), call_fragment(1, "{}", "same", "clock")],
        [NAMED, NAMED],
    ],
)
async def test_calls_without_an_id_of_their_own_get_one(fragments: list[dict[str, Any]]) -> None:
    async with Vendor([streams(openai_stream(delta(tool_calls=fragments), delta("tool_calls")))]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        calls = calls_of(await answer(model))
        await model.close()
    ids = [call_id for call_id, _, _ in calls]
    assert len(set(ids)) == 2
    assert all(ids)


async def test_reasoning_is_thinking() -> None:
    chunks = [delta(reasoning_content="Hm, "), delta(reasoning="well."), delta(content="Yes."), delta("stop")]
    async with Vendor([streams(openai_stream(*chunks))]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        pieces = await answer(model)
        await model.close()
    assert pieces[:3] == [ThinkingPiece("Hm, "), ThinkingPiece("well."), TextPiece("Yes.")]


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([delta("stop")], "end_turn"),
        ([delta("length")], "max_tokens"),
        ([delta("content_filter")], "content_filter"),
        ([delta(refusal="I will not."), delta("stop")], "content_filter"),
        ([delta("eos")], "end_turn"),
        ([delta(content="no reason, but [DONE]")], "end_turn"),
    ],
)
async def test_each_finish_reason_has_its_meaning(chunks: list[Mapping[str, Any]], reason: str) -> None:
    async with Vendor([streams(openai_stream(*chunks))]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        pieces = await answer(model)
        await model.close()
    assert finish_of(pieces).stop_reason == reason


async def test_parts_of_a_content_list_are_read() -> None:
    parts = [
        {"type": "text", "text": "one "},
        {"type": "reference", "reference_ids": [1]},
        {"type": "text", "text": "two"},
    ]
    async with Vendor([streams(openai_stream(delta(content=parts), delta("stop")))]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        pieces = await answer(model)
        await model.close()
    assert text_of(pieces) == "one two"


@pytest.mark.parametrize(
    "spoken",
    [
        openai_stream(delta(content="half an ans"), done=False),
        b"",
        b"data: {not json\n\n",
        b'data: [1, 2]\n\ndata: "three"\n\n',
        openai_stream(delta(tool_calls=["what"])),
        b'data: {"choices": [{"delta": {}}], "usage": {"prompt_tokens": "many"}}\n\n',
    ],
)
async def test_an_answer_that_breaks_off_or_cannot_be_read_is_an_error(spoken: bytes) -> None:
    async with Vendor([streams(spoken)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        with pytest.raises(ModelError):
            await answer(model)
        await model.close()
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    ("frame", "kind", "requests"),
    [
        ('data: {"error": {"message": "boom", "type": "server_error"}}', ModelError, 3),
        ('event: error\ndata: {"message": "boom"}', ModelError, 1),
        ('data: {"error": {"message": "boom", "code": 503}}', ModelUnavailable, 3),
        ('data: {"error": {"message": "boom", "code": "rate_limit_exceeded"}}', RateLimited, 3),
        ('data: {"error": "boom"}', ModelError, 1),
    ],
)
async def test_an_error_inside_the_stream_is_raised(frame: str, kind: type[Exception], requests: int) -> None:
    async with Vendor([streams(openai_stream(frame, done=False))]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url, retry=patient(Naps()))
        with pytest.raises(kind, match="boom"):
            await answer(model)
        await model.close()
    assert len(vendor.requests) == requests


async def test_an_error_after_the_first_piece_is_not_retried() -> None:
    broken = openai_stream(delta(content="half"), 'data: {"error": {"message": "boom", "code": 500}}', done=False)
    async with Vendor([streams(broken)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url, retry=patient(Naps()))
        with pytest.raises(ModelError, match="boom"):
            await answer(model)
        await model.close()
    assert len(vendor.requests) == 1


async def test_too_many_requests_is_waited_out() -> None:
    naps = Naps()
    busy = refuses(429, {"error": {"message": "slow down"}}, {"retry-after": "3"})
    async with Vendor([busy, streams(HELLO)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url, retry=patient(naps))
        assert text_of(await answer(model)) == "Grüß Gott 🌍"
        await model.close()
    assert len(vendor.requests) == 2
    assert naps.seconds == [3.0]


async def test_a_dropped_connection_is_tried_again() -> None:
    async with Vendor([breaks_off, streams(HELLO)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url, retry=patient(Naps()))
        assert text_of(await answer(model)) == "Grüß Gott 🌍"
        await model.close()
    assert len(vendor.requests) == 2


async def test_nobody_listening_is_unavailable() -> None:
    async with Vendor([breaks_off]) as vendor:
        url = vendor.url
    model = OpenAIModel("m", base_url=url, retry=patient(Naps()))
    with pytest.raises(ModelUnavailable, match="could not be reached"):
        await answer(model)
    await model.close()


@pytest.mark.parametrize("status", [400, 401, 403, 500])
async def test_no_error_and_no_repr_tells_the_key(status: int) -> None:
    async with Vendor([refuses(status, {"error": {"message": f"wrong key {KEY}, really {KEY}"}})]) as vendor:
        model = OpenAIModel("m", KEY, vendor.url, retry=patient(Naps()))
        with pytest.raises(ModelError) as caught:
            await answer(model)
        await model.close()
    assert KEY not in f"{caught.value} {caught.value.details} {caught.value!r} {model!r}"
    assert isinstance(caught.value, ModelAuthentication) == (status in (401, 403))


async def test_the_official_host_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelAuthentication, match="OPENAI_API_KEY"):
        await answer(OpenAIModel("m"))


async def test_the_key_in_the_environment_goes_where_the_environment_says_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    async with Vendor([streams(HELLO)]) as vendor:
        stranger = OpenAIModel("m", base_url=vendor.url)
        await answer(stranger)
        await stranger.close()
        monkeypatch.setenv("OPENAI_BASE_URL", vendor.url + "/")
        named = OpenAIModel("m", base_url=vendor.url)
        await answer(named)
        await named.close()
    assert "authorization" not in vendor.requests[0].headers
    assert vendor.requests[1].headers["authorization"] == f"Bearer {KEY}"


def test_an_address_that_is_none_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="base_url"):
        OpenAIModel("m", base_url="localhost:8000/v1")


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
