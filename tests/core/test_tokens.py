"""Tokens by estimate: near a real tokenizer's count for every script, and nothing in a message is for nothing."""

import base64
import os
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from sessionful.core.memory.tokens import PICTURE, counter_of, estimated, estimated_tokens
from sessionful.domain.message import File, Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from sessionful.models.scripted import ScriptedModel

WRITTEN = {
    "English": "The harbour was quiet when we arrived, and nobody had told us that the last ferry left at six. " * 3,
    "German": "Die Straßenbahn hält heute wegen Bauarbeiten nicht am Rathaus, bitte benutzen Sie die Buslinie. " * 3,
    "French": "Elle a oublié ses clés à la gare, mais un employé très gentil les lui a gardées jusqu'au soir. " * 3,
    "Polish": "Jutro rano pojedziemy nad jezioro, jeżeli pogoda będzie ładna i samochód wreszcie zapali. " * 3,
    "Russian": "Вчера вечером мы долго гуляли по набережной и говорили, что случилось зимой. " * 3,
    "Chinese": "我们明天早上要去火车站接她,然后一起在老城吃饭,晚上再看一场电影。" * 3,
    "Japanese": "昨日は図書館で古い地図を見つけて、町の歴史について友達と長く話しました。" * 3,
    "Arabic": "ذهبنا أمس إلى السوق القديم واشترينا الخبز والزيتون ثم عدنا إلى البيت قبل المطر. " * 3,
    "Python": "def total(rows: list[Row]) -> int:\n    return sum(row.price * row.count for row in rows if row.paid)\n"
    * 3,
    "JSON": '{"orders": [{"id": 4711, "total_price": 23.5, "customer": {"name": "Ada", "isActive": true}}]}' * 3,
    "numbers": "2026-11-25 18:37:23 4.0 31.25 1024 99812 0.5 7731\n" * 6,
}


def tokenizer() -> Any:
    """Llama 2's, which the local embedder brings."""
    spec = find_spec("wordllama")
    if spec is None or find_spec("tokenizers") is None:
        if "CI" in os.environ:
            raise ModuleNotFoundError("wordllama and tokenizers")
        pytest.skip("the local embedder is not installed")
    (folder,) = spec.submodule_search_locations or ()
    file = Path(folder) / "tokenizers" / "l2_supercat_tokenizer_config.json"
    return import_module("tokenizers").Tokenizer.from_file(str(file))


@pytest.mark.parametrize("kind", list(WRITTEN))
def test_an_estimate_is_near_a_real_tokenizers_count(kind: str) -> None:
    real = len(tokenizer().encode(WRITTEN[kind], add_special_tokens=False).ids)
    assert 0.6 < estimated(WRITTEN[kind]) / real < 1.6


def test_blank_text_is_nothing_and_any_other_is_something() -> None:
    assert estimated("") == estimated("  ") == 0
    assert min(estimated(text) for text in ("a", "1", ".", "ü", "日", "🌍")) == 1


def test_a_long_text_is_estimated_quickly() -> None:
    text = WRITTEN["English"] * 3500
    start = time.monotonic()
    assert 150_000 < estimated(text) < 350_000
    assert time.monotonic() - start < 3, "1 MB takes 0.13 s on an idle machine"


@pytest.mark.parametrize(
    "part",
    [
        Text(text="some words"),
        Thinking(text="some words"),
        Thinking(redacted="EmwKAhgB" * 9),
        ToolCall(id="1", name="weather", arguments={"city": "Rome"}),
        ToolCall(id="1", name="weather", invalid='{"city": "Ro'),
        ToolResult(call_id="1", content="sunny, 24 degrees"),
        Image(url="https://example.com/cat.png"),
        File(name="a.txt", media_type="text/plain", data=base64.b64encode(b"some words in a file").decode()),
        File(name="a.pdf", media_type="application/pdf", url="https://example.com/a.pdf"),
        File(name="a.bin", data="no base64!"),
    ],
)
def test_every_part_of_a_message_counts(part: Part) -> None:
    more = Message(role="user", parts=(Text(text="Hello"), part))
    assert estimated_tokens(more) > estimated_tokens(Message.user("Hello"))


def test_the_arguments_of_a_call_and_the_words_of_a_result_count_as_text_does() -> None:
    words = WRITTEN["English"]
    as_text = estimated_tokens(Message.user(words))
    for part in (ToolCall(id="1", name="f", arguments={"text": words}), ToolResult(call_id="1", content=words)):
        assert as_text <= estimated_tokens(Message(role="assistant", parts=(part,))) < as_text + 30


def test_a_picture_counts_by_its_model_and_a_pdf_by_its_pages() -> None:
    picture = Message.user([Image(media_type="image/png", data="iVBORw0KGgo=")])
    assert estimated_tokens(picture) - estimated_tokens(picture, picture=lambda image: 0) == PICTURE
    pages = base64.b64encode(b"%PDF <</Type /Pages>> " + b"<< /Type /Page >> <</Type/Page/Parent 1 0 R>>").decode()
    one = Message.user([File(media_type="application/pdf", url="https://example.com/a.pdf")])
    two = Message.user([File(media_type="application/pdf", data=pages)])
    assert estimated_tokens(two) - 4 == 2 * (estimated_tokens(one) - 4)


def test_a_model_that_counts_is_asked_and_any_other_estimated() -> None:
    class Counting(ScriptedModel):
        def tokens(self, message: Message) -> int:
            return 42

    message = Message.user("Hello")
    assert counter_of(Counting())(message) == 42
    assert counter_of(ScriptedModel())(message) == estimated_tokens(message)
