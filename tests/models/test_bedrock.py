"""ConverseStream through a real boto3 client, against a loopback server that answers with AWS's own framing."""

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.validate import ParamValidator

from sessionful.domain.error import (
    AgentError,
    ConfigError,
    InvalidRequest,
    ModelAuthentication,
    ModelError,
    ModelUnavailable,
    RateLimited,
)
from sessionful.domain.message import File, Image, Message, Text, Thinking
from sessionful.domain.usage import Usage
from sessionful.models.bedrock import BedrockModel
from sessionful.ports import CallPiece, Finish, ModelRequest, TextPiece, ThinkingPiece
from tests.models.asking import (
    PIXEL,
    PLACE,
    TOOL_TURN,
    Naps,
    a_request,
    a_tool_turn,
    answer,
    finish_of,
    patient,
    text_of,
)
from tests.models.eventstream import CONTENT_TYPE, block, event, exception, reply
from tests.models.vendor import Exchange, Script, Vendor, breaks_off, refuses, streams

CLAUDE = "global.anthropic.claude-sonnet-4-6"
SECRET = "wJalrXUtnFEMI/K7MDENG"
HELLO = reply(block(0, {"text": "Grüß"}, {"text": " Gott 🌍"}))
STREAM = {"content-type": CONTENT_TYPE}
Made = Callable[..., BedrockModel]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """It reads AWS's descriptions once, which is what takes a client so long to make."""
    return boto3.Session(
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key=SECRET, region_name="eu-west-1"
    )


@pytest.fixture
def at(session: boto3.Session) -> Iterator[Made]:
    """A model whose client talks to the vendor."""
    clients: list[Any] = []

    def made(vendor: Vendor, **settings: Any) -> BedrockModel:
        config = Config(retries={"total_max_attempts": 1})
        clients.append(session.client("bedrock-runtime", endpoint_url=vendor.url, config=config))
        return BedrockModel(CLAUDE, client=clients[-1], **settings)

    yield made
    for client in clients:
        client.close()


def says(frames: list[bytes], cut: int | None = None) -> Script:
    return streams(b"".join(frames), cut, STREAM)


def body_of(request: ModelRequest, model: str = CLAUDE, **settings: Any) -> dict[str, Any]:
    return BedrockModel(model, **settings).body(request)


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


async def test_a_turn_with_tools_is_sent_as_converse_wants_it(at: Made) -> None:
    point = {"cachePoint": {"type": "default"}}
    async with Vendor([says(HELLO)]) as vendor:
        model = at(vendor, extra={"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}})
        await answer(model, a_tool_turn(options={"temperature": 0.5, "max_tokens": 99, "top_p": 0.9, "stop": "END"}))
    (request,) = vendor.requests
    assert (request.method, request.path) == ("POST", f"/model/{CLAUDE}/converse-stream")
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/")
    assert request.body == {
        "system": [{"text": "Be brief."}, point],
        "inferenceConfig": {"temperature": 0.5, "maxTokens": 99, "topP": 0.9, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"thinking": {"type": "adaptive"}},
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "weather",
                        "description": "The weather in a city.",
                        "inputSchema": {"json": PLACE},
                    }
                },
                {
                    "toolSpec": {
                        "name": "clock",
                        "description": "What time it is.",
                        "inputSchema": {"json": {"type": "object", "properties": {}}},
                    }
                },
                point,
            ]
        },
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "What is this, and how is the weather there?"},
                    {"image": {"format": "png", "source": {"bytes": PIXEL}}},
                    point,
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Looks like Rome.", "signature": "c2lnbmVk"}}},
                    {"text": "Let me look."},
                    {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Rome"}}},
                    {"toolUse": {"toolUseId": "call_2", "name": "clock", "input": {}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "toolResult": {
                            "toolUseId": "call_1",
                            "content": [{"text": "sunny, 24 °C"}],
                            "status": "success",
                        }
                    },
                    {
                        "toolResult": {
                            "toolUseId": "call_2",
                            "content": [{"text": "no clock here"}],
                            "status": "error",
                        }
                    },
                    point,
                ],
            },
        ],
    }


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


async def test_what_was_thought_goes_back_byte_for_byte(at: Made) -> None:
    redacted = base64.b64encode(b"\x00\xffsecret").decode()
    thinking = [Thinking(text="Hm.", signature="EqQBCg"), Thinking(redacted=redacted), Thinking(text="unsigned")]
    loop = (TOOL_TURN[0], Message.assistant([*thinking, *TOOL_TURN[1].tool_calls]), TOOL_TURN[2])
    async with Vendor([says(HELLO)]) as vendor:
        model = at(vendor)
        await answer(model, a_tool_turn()._replace(messages=loop))
    content = vendor.requests[0].body["messages"][1]["content"]
    assert content[:2] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "EqQBCg"}}},
        {"reasoningContent": {"redactedContent": redacted}},
    ]
    assert len(content) == 4


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


class Slow:
    """Sends `first`, then waits to be told; notes whether the client stayed."""

    def __init__(self, first: list[bytes], rest: list[bytes]) -> None:
        self._first, self._rest = first, rest
        self.go_on, self.left = asyncio.Event(), asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.head(headers=STREAM)
        await exchange.chunk(b"".join(self._first))
        going, leaving = asyncio.create_task(self.go_on.wait()), asyncio.create_task(exchange.client_left())
        await asyncio.wait({going, leaving}, return_when=asyncio.FIRST_COMPLETED)
        going.cancel()
        if leaving.done():
            self.left.set()
            return
        leaving.cancel()
        await exchange.chunk(b"".join(self._rest))
        await exchange.end()


async def test_the_first_piece_comes_before_the_last_is_sent(at: Made) -> None:
    slow = Slow(HELLO[:2], HELLO[2:])
    async with Vendor([slow]) as vendor:
        model = at(vendor)
        pieces = model.stream(a_request())
        assert await asyncio.wait_for(anext(pieces), 5) == TextPiece("Grüß")
        slow.go_on.set()
        assert text_of([piece async for piece in pieces]) == " Gott 🌍"


async def test_closing_the_iterator_hangs_up_while_the_thread_is_reading(at: Made) -> None:
    slow = Slow(HELLO[:2], [])
    async with Vendor([slow]) as vendor:
        model = at(vendor)
        pieces = model.stream(a_request())
        await anext(pieces)
        began = time.monotonic()
        await pieces.aclose()
        assert time.monotonic() - began < 0.5
        await asyncio.wait_for(slow.left.wait(), 2)


async def test_cancelling_the_task_hangs_up(at: Made) -> None:
    slow = Slow([event("messageStart", {"role": "assistant"})], [])
    async with Vendor([slow]) as vendor:
        model = at(vendor)
        asking = asyncio.create_task(answer(model))
        await vendor.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(slow.left.wait(), 2)


async def test_a_connection_is_kept_for_the_next_request(at: Made) -> None:
    async with Vendor([says(HELLO)]) as vendor:
        model = at(vendor)
        for _ in range(3):
            assert text_of(await answer(model)) == "Grüß Gott 🌍"
    assert vendor.connections == 1


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


def refusal(status: int, code: str, message: str = "no", **headers: str) -> Script:
    return refuses(status, {"message": message}, {"x-amzn-errortype": f"{code}:http://internal/", **headers})


async def test_its_own_client_leaves_the_retries_to_us(monkeypatch: pytest.MonkeyPatch) -> None:
    naps = Naps()
    throttled = refusal(429, "ThrottlingException")
    async with Vendor([throttled, breaks_off, says(HELLO)]) as vendor:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", vendor.url)
        model = BedrockModel(CLAUDE, retry=patient(naps))
        assert text_of(await answer(model)) == "Grüß Gott 🌍"
        await model.close()
    assert len(vendor.requests) == 3
    assert naps.seconds == [0.5, 1.0]
    assert "/eu-central-1/bedrock/" in vendor.requests[0].headers["authorization"]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "ValidationException", ModelError),
        (403, "AccessDeniedException", ModelAuthentication),
        (403, "UnrecognizedClientException", ModelAuthentication),
        (403, "ExpiredTokenException", ModelAuthentication),
        (404, "ResourceNotFoundException", ModelError),
        (408, "ModelTimeoutException", ModelError),
        (424, "ModelErrorException", ModelError),
        (429, "ThrottlingException", RateLimited),
        (429, "ModelNotReadyException", ModelUnavailable),
        (400, "ServiceQuotaExceededException", RateLimited),
        (500, "InternalServerException", ModelError),
        (503, "ServiceUnavailableException", ModelUnavailable),
    ],
)
async def test_each_refusal_has_its_error(at: Made, status: int, code: str, error: type[AgentError]) -> None:
    message = f"User: arn:aws:iam::123456789012:user/x with {SECRET}" if status == 403 else "because"
    async with Vendor([refusal(status, code, message)]) as vendor:
        model = at(vendor, max_retries=0)
        with pytest.raises(AgentError) as caught:
            await answer(model)
    assert type(caught.value) is error
    assert code in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "123456789012" not in str(caught.value)


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


async def test_a_client_that_is_given_is_used_and_left_open() -> None:
    async with Vendor([says(HELLO)]) as vendor:
        client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=vendor.url)
        model = BedrockModel(CLAUDE, client=client)
        await answer(model)
        await model.close()
        assert text_of(await answer(model)) == "Grüß Gott 🌍"
        client.close()
    assert "/us-east-1/bedrock/" in vendor.requests[0].headers["authorization"]


async def test_no_credentials_and_no_region_are_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    model = BedrockModel(CLAUDE)
    with pytest.raises(ModelAuthentication, match="no AWS credentials"):
        await answer(model)
    await model.close()
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigError, match="region"):
        await answer(BedrockModel(CLAUDE))


def test_an_option_that_converse_lacks_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="seed"):
        body_of(a_request(options={"seed": 7}))


@pytest.mark.parametrize(
    ("model", "cached"),
    [
        ("anthropic.claude-opus-4-8", True),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", True),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", True),
        ("anthropic.claude-3-haiku-20240307-v1:0", False),
        ("anthropic.claude-v2:1", False),
        ("amazon.nova-pro-v1:0", False),
        ("meta.llama3-3-70b-instruct-v1:0", False),
        ("arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc", False),
    ],
)
def test_cache_points_are_set_where_they_are_known_to_work(model: str, cached: bool) -> None:
    assert ("cachePoint" in str(body_of(a_tool_turn(), model))) is cached
    assert "cachePoint" not in str(body_of(a_tool_turn(), model, cache=False))
    assert "cachePoint" in str(body_of(a_tool_turn(), model, cache=True))


def test_nova_gets_no_cache_point_behind_its_tools() -> None:
    body = body_of(a_tool_turn(), "us.amazon.nova-pro-v1:0", cache=True)
    assert "cachePoint" not in str(body["toolConfig"])
    assert "cachePoint" in str(body["system"])


@pytest.mark.parametrize(
    ("model", "held"),
    [
        (CLAUDE, True),
        ("anthropic.claude-opus-4-1-20250805-v1:0", False),
        ("anthropic.claude-sonnet-4-20250514-v1:0", False),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", True),
        ("meta.llama3-3-70b-instruct-v1:0", False),
    ],
)
def test_a_schema_is_sent_to_models_that_can_be_held_to_it(model: str, held: bool) -> None:
    body = body_of(a_request(schema=PLACE), model)
    assert ("outputConfig" in body) is held
    assert "outputConfig" in body_of(a_request(schema=PLACE), model, structured=True)


def every_body() -> Iterator[dict[str, Any]]:
    yield body_of(a_request(schema=PLACE))
    yield body_of(a_tool_turn(options={"max_tokens": 5}))
    yield body_of(a_tool_turn()._replace(tools=()))
    yield body_of(ModelRequest(messages=()))
    yield body_of(ModelRequest(messages=(Message.assistant("I begin."),)))
    pdf = File(name="our  plan (v2)!.pdf", media_type="application/pdf", data="JVBERg==")
    yield body_of(ModelRequest(messages=(Message.user(pdf),)))
    far = Image(url="https://example.com/cat.png")
    broken = Image(media_type="image/png", data="no base64!")
    yield body_of(ModelRequest(messages=(Message.user([far, broken, Text(text=" ")]),)))


@pytest.mark.parametrize("body", list(every_body()))
def test_what_is_sent_passes_botocores_own_validation(session: boto3.Session, body: dict[str, Any]) -> None:
    client = session.client("bedrock-runtime")
    shape = client.meta.service_model.operation_model("ConverseStream").input_shape
    assert not ParamValidator().validate(body, shape).has_errors()


def test_a_document_comes_with_a_text_and_a_plain_name() -> None:
    pdf = File(name="our  plan (v2)!.pdf", media_type="application/pdf", data="JVBERg==")
    (message,) = body_of(ModelRequest(messages=(Message.user(pdf),)), cache=False)["messages"]
    assert message["content"] == [
        {"document": {"format": "pdf", "name": "our plan (v2)", "source": {"bytes": b"%PDF"}}},
        {"text": "(see the attached file)"},
    ]


def test_pictures_that_converse_cannot_fetch_are_named() -> None:
    far = Image(url="https://example.com/cat.png")
    (message,) = body_of(ModelRequest(messages=(Message.user(far),)), cache=False)["messages"]
    assert message["content"] == [
        {"text": "[image https://example.com/cat.png (unknown type): this model cannot read it]"}
    ]
