"""What a server says that speaks for Bedrock."""

from collections.abc import Callable

from sessionful.models.bedrock import BedrockModel
from tests.models.eventstream import CONTENT_TYPE, block, reply
from tests.models.vendor import Script, refuses, streams

CLAUDE = "global.anthropic.claude-sonnet-4-6"
SECRET = "wJalrXUtnFEMI/K7MDENG"
HELLO = reply(block(0, {"text": "Grüß"}, {"text": " Gott 🌍"}))
STREAM = {"content-type": CONTENT_TYPE}
Made = Callable[..., BedrockModel]
"""What the fixture `at` gives: a model whose client talks to a vendor."""


def says(frames: list[bytes], cut: int | None = None) -> Script:
    return streams(b"".join(frames), cut, STREAM)


def refusal(status: int, code: str, message: str = "no", **headers: str) -> Script:
    return refuses(status, {"message": message}, {"x-amzn-errortype": f"{code}:http://internal/", **headers})
