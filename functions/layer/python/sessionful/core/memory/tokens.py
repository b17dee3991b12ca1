"""How many tokens a message takes: the model's own count where it has one, else an estimate by script.

A word, a digit, a sign count as fitted to real tokenizers (see Rates) on 96 texts: English and 14 other languages,
Markdown, Python, JavaScript, JSON, numbers, ids, emoji. "Four characters a token" was off by 22 to 42 % on average and
by a factor of 6 to 13 at worst. 32 KB take 4 ms.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

from sessionful.domain.message import File, Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from sessionful.ports import Model

FRAME = 4  # what marks a message's beginning, role and end
_CALL = 8  # what marks a call's id, name and arguments, or a result's
PICTURE = 1600  # the most that one takes with most vendors
_PAGE = 2000  # of a PDF; Anthropic says 1,500 to 3,000
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_DIGIT = re.compile(r"[0-9]")
_SIGNS = re.compile(r"[!-/:-@\[-`{-~]+")
_GAP = re.compile(r"\n+|[ \t]{2,}")
_LATIN = re.compile(r"[\u0080-\u024f\u1e00-\u1eff]")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
_LETTER = re.compile(r"[\u0250-\u03ff\u0530-\u1dff\u1f00-\u2e7f]")
_CHARACTER = re.compile(r"[\u2e80-\uffff]")
_RARE = re.compile(r"[\U00010000-\U0010ffff]")


class Rates(NamedTuple):
    """Tokens for each word of ASCII letters (`fooBar` is two) and for each of its letters, for each digit, run of
    signs, line break or indentation; then for each character: accented Latin, Cyrillic, other alphabets,
    Chinese, Japanese and Korean, and what lies beyond (emoji).

    The defaults are for a model whose tokenizer nobody knows. Measured, they were off by 9 % on average with Llama 2's
    tokenizer (a text by 31 % at worst), by 14 % with SmolLM2's (48 %, Korean), by 11 % with Claude 2's (49 %, numbers)
    and by 44 % with OpenAI's o200k_base, which is better at other scripts: there they err to the safe side."""

    word: float = 1.2
    letter: float = 0.04
    digit: float = 0.9
    signs: float = 0.85
    gap: float = 0.45
    latin: float = 1.6
    cyrillic: float = 0.55
    other: float = 1.3
    character: float = 1.3
    rare: float = 3.2


UNKNOWN = Rates()


@runtime_checkable
class Counts(Protocol):
    """What a model may have besides `stream`."""

    def tokens(self, message: Message) -> int:
        """How many of its tokens the message takes in a prompt. Fast, and never raises."""
        ...


def counter_of(model: Model) -> Callable[[Message], int]:
    return model.tokens if isinstance(model, Counts) else estimated_tokens


def estimated_tokens(
    message: Message, rates: Rates = UNKNOWN, picture: Callable[[Image], int] = lambda image: PICTURE
) -> int:
    return FRAME + sum(_of_part(part, rates, picture) for part in message.parts)


def estimated(text: str, rates: Rates = UNKNOWN) -> int:
    """Blank text is 0, any other at least 1."""
    words = _WORD.findall(text)
    total = rates.word * len(words) + rates.letter * sum(map(len, words))
    total += rates.digit * len(_DIGIT.findall(text)) + rates.signs * len(_SIGNS.findall(text))
    total += rates.gap * len(_GAP.findall(text))
    if not text.isascii():
        total += rates.latin * len(_LATIN.findall(text)) + rates.cyrillic * len(_CYRILLIC.findall(text))
        total += rates.other * len(_LETTER.findall(text)) + rates.character * len(_CHARACTER.findall(text))
        total += rates.rare * len(_RARE.findall(text))
    return max(round(total), 1 if text.strip() else 0)


def _of_part(part: Part, rates: Rates, picture: Callable[[Image], int]) -> int:
    if isinstance(part, Text):
        return estimated(part.text, rates)
    if isinstance(part, Thinking):
        return estimated(part.text, rates) + len(part.redacted or "") // 4
    if isinstance(part, ToolCall):
        arguments = part.invalid or json.dumps(part.arguments, ensure_ascii=False)
        return _CALL + estimated(part.name, rates) + estimated(arguments, rates)
    if isinstance(part, ToolResult):
        return _CALL + estimated(part.content, rates)
    return picture(part) if isinstance(part, Image) else _of_file(part, rates)


def _of_file(part: File, rates: Rates) -> int:
    """A text is read as it is; of anything else as many pages as can be seen in it, at least one."""
    try:
        content = base64.b64decode(part.data or "", validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if (part.media_type or "").startswith(("text/", "application/json", "application/xml", "application/yaml")):
        return estimated(content.decode("utf-8", "replace"), rates)
    return _PAGE * max(1, len(re.findall(rb"/Type\s*/Page\b", content)))
