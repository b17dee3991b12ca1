"""Anthropic's Messages API against a server that speaks it: its events, its refusals, its keys."""

import pytest

from sessionful.domain.error import AgentError, ModelAuthentication, ModelError, ModelUnavailable, RateLimited
from sessionful.domain.usage import Usage
from sessionful.models.anthropic import AnthropicModel
from sessionful.ports import CallPiece, Finish, TextPiece, ThinkingPiece
from tests.models.asking import Naps, answer, finish_of, patient, text_of
from tests.models.vendor import Vendor, refuses, streams
from tests.models.wire import anthropic_message, anthropic_stream, block, text_block

KEY = "sk-ant-0123456789"
HELLO = anthropic_message([text_block(0, "Grüß", " Gott 🌍")])


@pytest.mark.parametrize("cut", [None, 1, 2, 7])
async def test_text_and_usage_arrive_however_the_bytes_are_cut(cut: int | None) -> None:
    spoken = anthropic_message(
        [text_block(0, "Grüß", " Gott 🌍")], cache_read_input_tokens=1000, cache_creation_input_tokens=200
    )
    async with Vendor([streams(spoken, cut)]) as vendor:
        model = AnthropicModel("claude-opus-5-5", KEY, vendor.url)
        pieces = await answer(model)
        await model.close()
    usage = Usage(input_tokens=1225, output_tokens=15, cached_tokens=1000, cache_write_tokens=200)
    assert pieces == [TextPiece("Grüß"), TextPiece(" Gott 🌍"), Finish("end_turn", usage)]


async def test_thinking_and_calls_come_as_pieces() -> None:
    spoken = anthropic_message(
        [
            block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "Rome, "},
                {"type": "thinking_delta", "thinking": "then."},
                {"type": "signature_delta", "signature": "EqQBCg"},
            ),
            block(1, {"type": "redacted_thinking", "data": "EmwKAhgB"}),
            text_block(2, "Looking."),
            block(3, {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}),
            block(
                4,
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}},
                {"type": "input_json_delta", "partial_json": ""},
                {"type": "input_json_delta", "partial_json": '{"city": "R'},
                {"type": "input_json_delta", "partial_json": 'ome"}'},
            ),
            block(
                5,
                {"type": "tool_use", "id": "toolu_2", "name": "clock", "input": {}},
                {"type": "input_json_delta", "partial_json": ""},
            ),
        ],
        stop="tool_use",
    )
    async with Vendor([streams(spoken, 13)]) as vendor:
        model = AnthropicModel("m", KEY, vendor.url)
        pieces = await answer(model)
        await model.close()
    assert pieces == [
        ThinkingPiece("Rome, "),
        ThinkingPiece("then."),
        ThinkingPiece(signature="EqQBCg"),
        ThinkingPiece(redacted="EmwKAhgB"),
        TextPiece("Looking."),
        CallPiece(4, "toolu_1", "weather"),
        CallPiece(4, json='{"city": "R'),
        CallPiece(4, json='ome"}'),
        CallPiece(5, "toolu_2", "clock"),
        CallPiece(5, json="{}"),
        Finish("tool_use", Usage(input_tokens=25, output_tokens=15)),
    ]


async def test_thinking_that_is_not_shown_still_has_its_signature() -> None:
    silent = block(
        0, {"type": "thinking", "thinking": "", "signature": ""}, {"type": "signature_delta", "signature": "EqQBCg"}
    )
    async with Vendor([streams(anthropic_message([silent, text_block(1, "Yes.")]))]) as vendor:
        model = AnthropicModel("m", KEY, vendor.url)
        pieces = await answer(model)
        await model.close()
    assert pieces[:2] == [ThinkingPiece(signature="EqQBCg"), TextPiece("Yes.")]


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", "end_turn"),
        ("max_tokens", "max_tokens"),
        ("stop_sequence", "stop_sequence"),
        ("refusal", "content_filter"),
        ("model_context_window_exceeded", "max_tokens"),
        ("pause_turn", "end_turn"),
    ],
)
async def test_each_stop_reason_has_its_meaning(stop: str, reason: str) -> None:
    async with Vendor([streams(anthropic_message([], stop=stop))]) as vendor:
        model = AnthropicModel("m", KEY, vendor.url)
        pieces = await answer(model)
        await model.close()
    assert finish_of(pieces).stop_reason == reason


@pytest.mark.parametrize(
    ("kind", "error", "requests"),
    [
        ("overloaded_error", ModelUnavailable, 3),
        ("rate_limit_error", RateLimited, 3),
        ("api_error", ModelError, 3),
        ("authentication_error", ModelAuthentication, 1),
        ("invalid_request_error", ModelError, 1),
        ("a_later_error", ModelError, 1),
    ],
)
async def test_an_error_inside_the_stream_is_raised(kind: str, error: type[AgentError], requests: int) -> None:
    spoken = anthropic_stream({"type": "error", "error": {"type": kind, "message": "Overloaded"}})
    async with Vendor([streams(spoken)]) as vendor:
        model = AnthropicModel("m", KEY, vendor.url, retry=patient(Naps()))
        with pytest.raises(error):
            await answer(model)
        await model.close()
    assert len(vendor.requests) == requests


async def test_an_error_after_the_first_piece_is_not_retried() -> None:
    begun = HELLO.partition(b"event: content_block_stop")[0]
    error = anthropic_stream({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    async with Vendor([streams(begun + error)]) as vendor:
        model = AnthropicModel("m", KEY, vendor.url, retry=patient(Naps()))
        with pytest.raises(ModelUnavailable, match="Overloaded"):
            await answer(model)
        await model.close()
    assert len(vendor.requests) == 1


async def test_overload_and_limits_are_waited_out() -> None:
    naps = Naps()
    overloaded = refuses(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    limited = refuses(429, {"type": "error", "error": {"message": "slow"}}, {"retry-after": "2"})
    async with Vendor([overloaded, limited, streams(HELLO)]) as vendor:
        model = AnthropicModel("m", KEY, vendor.url, retry=patient(naps))
        assert text_of(await answer(model)) == "Grüß Gott 🌍"
        await model.close()
    assert len(vendor.requests) == 3
    assert naps.seconds == [0.5, 2.0]


@pytest.mark.parametrize("end", [b"event: message_delta", b"event: content_block_stop", b"event: content_block_start"])
async def test_an_answer_that_breaks_off_is_an_error(end: bytes) -> None:
    async with Vendor([streams(HELLO.partition(end)[0])]) as vendor:
        model = AnthropicModel("m", KEY, vendor.url)
        with pytest.raises(ModelError, match="broke off"):
            await answer(model)
        await model.close()


@pytest.mark.parametrize("spoken", [b"data: {}\n\ndata: nonsense\n\n", b'data: {"type": "content_block_delta"}\n\n'])
async def test_an_answer_that_cannot_be_read_is_an_error(spoken: bytes) -> None:
    async with Vendor([streams(spoken)]) as vendor:
        model = AnthropicModel("m", KEY, vendor.url)
        with pytest.raises(ModelError, match="form of its API"):
            await answer(model)
        await model.close()


@pytest.mark.parametrize("status", [400, 401, 403, 500])
async def test_no_error_and_no_repr_tells_the_key(status: int) -> None:
    async with Vendor([refuses(status, {"error": {"message": f"invalid x-api-key {KEY}"}})]) as vendor:
        model = AnthropicModel("m", KEY, vendor.url, retry=patient(Naps()))
        with pytest.raises(ModelError) as caught:
            await answer(model)
        await model.close()
    assert KEY not in f"{caught.value} {caught.value.details} {caught.value!r} {model!r}"


async def test_the_official_host_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(ModelAuthentication, match="ANTHROPIC_API_KEY"):
        await answer(AnthropicModel("m"))
