"""How many tokens a message takes with each vendor, estimated: their own counting is a request, or a download."""

import re
from math import ceil, sqrt

from sessionful.core.memory.tokens import PICTURE, Rates, estimated_tokens
from sessionful.domain.message import Image, Message
from sessionful.models.pictures import size_of

OPENAI = Rates(0.82, 0.1, 0.67, 0.71, 0.32, 0.05, 0.33, 0.4, 0.7, 1.95)
"""Fitted to o200k_base: off by 7 % on average, a text by 24 % at worst."""
CLAUDE = Rates(1.25, 0.02, 0.58, 0.82, 0.34, 1.65, 0.62, 1.38, 1.03, 2.75)
"""Fitted to the tokenizer that Anthropic published, Claude 2's: off by 8 % on average, a text by 23 % at worst. Those
of later models are not public."""
NEW_CLAUDE = CLAUDE._replace(word=1.4 * CLAUDE.word, letter=1.4 * CLAUDE.letter)
"""From Opus 4.7 on. Anthropic says up to 1.35 times as many tokens; others measured 1.2 to 1.47 for what is written in
Latin letters and 1.0 for all other scripts."""
_OLD = re.compile(r"claude-(?:v?[123]|instant|(?:opus|sonnet|haiku)-4(?:$|[-@](?:[0-6]\b|20)))")
_BY_PATCH = (("nano", 2.46), ("o4-mini", 1.72), ("mini", 1.62))
_MOST_PATCHES = 1536


def openai_tokens(model: str, message: Message) -> int:
    return estimated_tokens(message, OPENAI, lambda image: _openai_picture(model, image))


def claude_tokens(model: str, message: Message) -> int:
    new = "claude" in model and not _OLD.search(model)
    return estimated_tokens(message, NEW_CLAUDE if new else CLAUDE, lambda image: _claude_picture(new, image))


def _claude_picture(new: bool, image: Image) -> int:
    """A token for each 28 by 28 pixels, after what is too large was made smaller."""
    if (size := size_of(image)) is None:
        return PICTURE
    longest, most = (2576, 4784) if new else (1568, 1568)
    width, height = size
    scale = min(1.0, longest / max(size), sqrt(most * 28 * 28 / (width * height)))
    return min(most, ceil(width * scale / 28) * ceil(height * scale / 28))


def _openai_picture(model: str, image: Image) -> int:
    """At `detail: high`, which `auto` comes to for most: by tiles of 512 pixels after fitting into 2048 by 2048 and
    then to 768 on the short side; small models by patches of 32 pixels, times a factor."""
    if (size := size_of(image)) is None:
        return PICTURE
    width, height = size
    if "gpt-4o" not in model and (factor := next((rate for part, rate in _BY_PATCH if part in model), None)):
        return ceil(min(_MOST_PATCHES, ceil(width / 32) * ceil(height / 32)) * factor)
    scale = min(1.0, 2048 / max(size))
    scale = min(scale, 768 / min(size))
    tiles = ceil(width * scale / 512) * ceil(height * scale / 512)
    base, tile = (2833, 5667) if "gpt-4o-mini" in model else (70, 140) if "gpt-5" in model else (85, 170)
    return base + tile * tiles
