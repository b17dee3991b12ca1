"""How each vendor counts: its rates, and its formula for pictures."""

import base64
import struct

import pytest

from sessionful.core.memory.tokens import PICTURE, counter_of
from sessionful.domain.message import Image, Message
from sessionful.models.anthropic import AnthropicModel
from sessionful.models.bedrock import BedrockModel
from sessionful.models.deferred import DeferredModel
from sessionful.models.openai import OpenAIModel
from sessionful.models.pictures import size_of
from sessionful.ports import Model

ENGLISH = "The harbour was quiet when we arrived, and nobody had told us that the last ferry left at six. " * 20
RUSSIAN = "Вчера вечером мы долго гуляли по набережной и говорили, что случилось зимой. " * 20


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0)


def jpeg(width: int, height: int, before: bytes = b"") -> bytes:
    exif = b"\xff\xe1" + struct.pack(">H", 2 + len(before)) + before
    tables = b"\xff\xc4\x00\x04\x00\x00" + b"\xff\xff"
    return b"\xff\xd8" + exif + tables + b"\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x00" * 3


def riff(kind: bytes, content: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 12 + len(content)) + b"WEBP" + kind + struct.pack("<I", len(content)) + content


FILES = {
    "image/png": png(640, 480),
    "image/gif": b"GIF89a" + struct.pack("<HH", 640, 480),
    "image/jpeg": jpeg(640, 480, b"Exif\x00\x00" + b"\xff\xc0" * 20_000),
    "image/webp": riff(b"VP8 ", b"\x00" * 3 + b"\x9d\x01\x2a" + struct.pack("<HH", 640 | 1 << 14, 480)),
}
WEBP = {
    "lossless": riff(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14)),
    "extended": riff(b"VP8X", b"\x00" * 4 + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
}


def an_image(raw: bytes, media_type: str = "image/png") -> Image:
    return Image(media_type=media_type, data=base64.b64encode(raw).decode())


def pictured(model: Model, width: int, height: int) -> int:
    """What a picture of that size adds to a message."""
    count = counter_of(model)
    return count(Message.user([an_image(png(width, height))])) - count(Message(role="user", parts=()))


@pytest.mark.parametrize("media_type", list(FILES))
def test_a_size_is_read_from_the_head_of_each_type(media_type: str) -> None:
    assert size_of(an_image(FILES[media_type], media_type)) == (640, 480)


@pytest.mark.parametrize("kind", list(WEBP))
def test_every_kind_of_webp_has_its_size_elsewhere(kind: str) -> None:
    assert size_of(an_image(WEBP[kind], "image/webp")) == (640, 480)


@pytest.mark.parametrize("raw", [*FILES.values(), *WEBP.values(), b"not a picture at all"])
def test_a_head_that_is_cut_anywhere_has_no_size_and_is_no_failure(raw: bytes) -> None:
    head = raw[:64]
    assert {size_of(an_image(head[:length])) for length in range(len(head))} <= {None, (640, 480)}
    assert size_of(Image(url="https://example.com/cat.png")) is None
    assert size_of(Image(media_type="image/png", data="no base64!")) is None


@pytest.mark.parametrize(
    ("model", "size", "tokens"),
    [
        (AnthropicModel("claude-sonnet-4-6"), (200, 200), 64),
        (AnthropicModel("claude-sonnet-4-6"), (1000, 1000), 1296),
        (AnthropicModel("claude-sonnet-4-6"), (3840, 2160), 1560),
        (AnthropicModel("claude-opus-4-7"), (1920, 1080), 2691),
        (BedrockModel("us.anthropic.claude-opus-4-8"), (1920, 1080), 2691),
        (OpenAIModel("gpt-4o"), (1024, 1024), 765),
        (OpenAIModel("gpt-4o"), (2048, 4096), 1105),
        (OpenAIModel("gpt-5.5"), (1024, 1024), 630),
        (OpenAIModel("gpt-4.1-mini"), (1024, 1024), 1659),
    ],
)
def test_a_picture_takes_what_the_vendor_documents(model: Model, size: tuple[int, int], tokens: int) -> None:
    assert pictured(model, *size) == pytest.approx(tokens, rel=0.02)


def test_a_picture_of_unknown_size_takes_the_usual_most() -> None:
    far = Message.user([Image(url="https://example.com/cat.png")])
    for model in (AnthropicModel("claude-opus-5"), OpenAIModel("gpt-4o"), BedrockModel("amazon.nova-pro-v1:0")):
        assert PICTURE <= model.tokens(far) < PICTURE + 10


@pytest.mark.parametrize(
    ("model", "new"),
    [
        ("claude-3-5-sonnet-20241022", False),
        ("claude-sonnet-4-20250514", False),
        ("claude-opus-4-1-20250805", False),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", False),
        ("claude-opus-4-6", False),
        ("claude-opus-4-7", True),
        ("eu.anthropic.claude-opus-4-8", True),
        ("claude-sonnet-5", True),
        ("claude-opus-5-5", True),
    ],
)
def test_claude_counts_latin_letters_higher_since_opus_4_7(model: str, new: bool) -> None:
    old, this = AnthropicModel("claude-opus-4"), AnthropicModel(model)
    english, russian = Message.user(ENGLISH), Message.user(RUSSIAN)
    assert (this.tokens(english) > 1.2 * old.tokens(english)) is new
    assert this.tokens(russian) == old.tokens(russian)


def test_openai_has_the_better_tokenizer_for_other_scripts() -> None:
    russian = Message.user(RUSSIAN)
    assert OpenAIModel("gpt-5.5").tokens(russian) < 0.7 * AnthropicModel("claude-opus-4").tokens(russian)


def test_a_deferred_model_counts_as_the_one_it_stands_for() -> None:
    message = Message.user([an_image(png(1000, 1000))])
    real = OpenAIModel("gpt-4o")
    assert DeferredModel("gpt-4o", lambda: real).tokens(message) == real.tokens(message)
