"""Chunks of a chat completion, from a server that speaks it in every manner."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sessionful.domain.error import ModelError, ModelUnavailable, RateLimited
from sessionful.domain.usage import Usage
from sessionful.models.openai import OpenAIModel
from sessionful.ports import Finish, TextPiece, ThinkingPiece
from tests.models.asking import Naps, answer, calls_of, finish_of, patient, text_of
from tests.models.vendor import Vendor, streams
from tests.models.wire import call_fragment, delta, openai_stream, usage_chunk

HELLO = openai_stream(
    delta(role="assistant", content="", refusal=None),
    delta(content="Grüß"),
    delta(content=" Gott 🌍"),
    delta("stop"),
    usage_chunk(12, 5, prompt_tokens_details={"cached_tokens": 8}),
)


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
