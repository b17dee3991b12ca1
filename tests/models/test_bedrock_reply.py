"""Events and exceptions of ConverseStream, in AWS's own framing, through a real boto3 client."""

import base64

import pytest

from sessionful.domain.error import AgentError, ModelError, ModelUnavailable, RateLimited
from sessionful.domain.usage import Usage
from sessionful.ports import CallPiece, Finish, TextPiece, ThinkingPiece
from tests.models.asking import Naps, answer, finish_of, patient
from tests.models.bedrock_server import HELLO, Made, says
from tests.models.eventstream import block, exception, reply
from tests.models.vendor import Vendor


@pytest.mark.parametrize("cut", [None, 7, 100])
async def test_text_and_usage_arrive_however_the_bytes_are_cut(at: Made, cut: int | None) -> None:
    frames = reply(
        block(0, {"text": "Grüß"}, {"text": " Gott 🌍"}), cacheReadInputTokens=1000, cacheWriteInputTokens=200
    )
    async with Vendor([says(frames, cut)]) as vendor:
        model = at(vendor)
        pieces = await answer(model)
    usage = Usage(input_tokens=1225, output_tokens=15, cached_tokens=1000, cache_write_tokens=200)
    assert pieces == [TextPiece("Grüß"), TextPiece(" Gott 🌍"), Finish("end_turn", usage)]


async def test_thinking_and_calls_come_as_pieces(at: Made) -> None:
    frames = reply(
        block(
            0,
            {"reasoningContent": {"text": "Rome, "}},
            {"reasoningContent": {"text": "then."}},
            {"reasoningContent": {"signature": "EqQBCg"}},
        ),
        block(1, {"reasoningContent": {"redactedContent": b"\x00\xffsecret"}}),
        block(2, {"text": "Looking."}),
        block(
            3,
            {"toolUse": {"input": '{"city": "R'}},
            {"toolUse": {"input": 'ome"}'}},
            tool={"toolUseId": "tooluse_1", "name": "weather"},
        ),
        block(4, tool={"toolUseId": "tooluse_2", "name": "clock"}),
        block(5, {"toolUse": {"input": "{}"}}, tool={"toolUseId": "s", "name": "nova", "type": "server_tool_use"}),
        stop="tool_use",
    )
    async with Vendor([says(frames)]) as vendor:
        model = at(vendor)
        pieces = await answer(model)
    assert pieces == [
        ThinkingPiece("Rome, "),
        ThinkingPiece("then."),
        ThinkingPiece(signature="EqQBCg"),
        ThinkingPiece(redacted=base64.b64encode(b"\x00\xffsecret").decode()),
        TextPiece("Looking."),
        CallPiece(3, "tooluse_1", "weather"),
        CallPiece(3, json='{"city": "R'),
        CallPiece(3, json='ome"}'),
        CallPiece(4, "tooluse_2", "clock"),
        CallPiece(4, json="{}"),
        Finish("tool_use", Usage(input_tokens=25, output_tokens=15)),
    ]


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", "end_turn"),
        ("max_tokens", "max_tokens"),
        ("stop_sequence", "stop_sequence"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("model_context_window_exceeded", "max_tokens"),
    ],
)
async def test_each_stop_reason_has_its_meaning(at: Made, stop: str, reason: str) -> None:
    async with Vendor([says(reply(stop=stop))]) as vendor:
        model = at(vendor)
        pieces = await answer(model)
    assert finish_of(pieces).stop_reason == reason


@pytest.mark.parametrize(
    ("kind", "error", "requests"),
    [
        ("throttlingException", RateLimited, 3),
        ("serviceUnavailableException", ModelUnavailable, 3),
        ("internalServerException", ModelError, 3),
        ("modelStreamErrorException", ModelError, 3),
        ("validationException", ModelError, 1),
    ],
)
async def test_an_exception_inside_the_stream_is_raised(
    at: Made, kind: str, error: type[AgentError], requests: int
) -> None:
    async with Vendor([says([HELLO[0], exception(kind, "no more today")])]) as vendor:
        model = at(vendor, retry=patient(Naps()))
        with pytest.raises(error, match="no more today"):
            await answer(model)
    assert len(vendor.requests) == requests


async def test_an_exception_after_the_first_piece_is_not_retried(at: Made) -> None:
    async with Vendor([says([*HELLO[:2], exception("throttlingException", "slow down")])]) as vendor:
        model = at(vendor, retry=patient(Naps()))
        with pytest.raises(RateLimited):
            await answer(model)
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("frames", [HELLO[:2], [HELLO[0][:-1] + b"\x00"], [b"not a frame at all, but long enough"], []])
async def test_an_answer_that_breaks_off_or_cannot_be_read_is_an_error(at: Made, frames: list[bytes]) -> None:
    async with Vendor([says(frames)]) as vendor:
        model = at(vendor)
        with pytest.raises(ModelError, match="broke off"):
            await answer(model)


async def test_a_malformed_reply_is_an_error(at: Made) -> None:
    async with Vendor([says(reply(stop="malformed_tool_use"))]) as vendor:
        model = at(vendor)
        with pytest.raises(ModelError, match="malformed tool use"):
            await answer(model)
