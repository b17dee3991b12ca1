"""Requests in the form of Converse, as a real boto3 client sends them."""

import base64
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import File, Image, Message, Text, Thinking
from sessionful.models.bedrock import BedrockModel
from sessionful.ports import ModelRequest
from tests.models.asking import PIXEL, PLACE, RULES, TOOL_TURN, WEATHER, a_request, a_tool_turn, answer
from tests.models.bedrock_server import CLAUDE, HELLO, Made, says
from tests.models.vendor import Vendor


def body_of(request: ModelRequest, model: str = CLAUDE, **settings: Any) -> dict[str, Any]:
    return BedrockModel(model, **settings).body(request)


async def test_a_turn_with_tools_is_sent_as_converse_wants_it(at: Made) -> None:
    point = {"cachePoint": {"type": "default"}}
    async with Vendor([says(HELLO)]) as vendor:
        model = at(vendor, extra={"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}})
        options = {"temperature": 0.5, "max_tokens": 99, "top_p": 0.9, "stop": "END"}
        await answer(model, a_tool_turn(RULES, options=options))
    (request,) = vendor.requests
    assert (request.method, request.path) == ("POST", f"/model/{CLAUDE}/converse-stream")
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/")
    assert request.body == {
        "system": [{"text": RULES}, point],
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
    assert ("cachePoint" in str(body_of(a_tool_turn(RULES), model))) is cached
    assert "cachePoint" not in str(body_of(a_tool_turn(RULES), model, cache=False))
    assert "cachePoint" in str(body_of(a_tool_turn(RULES), model, cache=True))


def test_nova_gets_no_cache_point_behind_its_tools() -> None:
    told = WEATHER._replace(description=RULES)
    request = a_tool_turn()._replace(tools=(told,))
    body = body_of(request, "us.amazon.nova-pro-v1:0", cache=True)
    assert "cachePoint" not in str(body["toolConfig"])
    assert "cachePoint" in str(body["system"])
    assert "cachePoint" in str(body_of(request)["toolConfig"])


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
