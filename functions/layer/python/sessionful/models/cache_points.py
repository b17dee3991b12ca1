"""Where a prompt is cut for the vendor's cache: at most four points, each behind what the next request begins with.

A prompt is, in this order, tools, system prompt, messages. What the cache holds is found again by its whole beginning,
from a point backwards over at most 20 blocks.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sessionful.core.memory.tokens import estimated
from sessionful.domain.message import Message, ToolResult
from sessionful.ports import ToolSpec

_MOST = 4
_LOOKS_BACK = 18  # blocks; two less, for what the vendor may count otherwise
_LENIENCE = 0.7  # estimates may be a third too low, and a point that comes too early does no harm
_SHORTEST = (
    (re.compile(r"haiku-4-5|opus-4-[56]"), 4096),
    (re.compile(r"opus-4-7|3-5-haiku|3-haiku"), 2048),
    (re.compile(r"(?:opus|sonnet)-4|sonnet-5(?!-)|3-[57]-sonnet|3-opus|amazon\.nova"), 1024),
)
_SHORTEST_OF_ALL = 512  # Opus 5, Fable 5; also for models that nobody knows yet


class Points(NamedTuple):
    """`system` and `messages` by their index."""

    tools: bool = False
    system: tuple[int, ...] = ()
    messages: tuple[int, ...] = ()


def shortest(model: str) -> int:
    """Tokens that a prompt's beginning must have to be kept, by the vendors' tables of 2026."""
    return next((tokens for pattern, tokens in _SHORTEST if pattern.search(model)), _SHORTEST_OF_ALL)


def points(
    model: str,
    count: Callable[[Message], int],
    tools: Sequence[ToolSpec],
    system: Sequence[str],
    messages: Sequence[Message],
) -> Points:
    """`messages` take turns and end with the user's. The last and the last but one of the user's are always marked: the
    last but one was the last one a step or a turn ago. So is what never changes, and what is left of four goes to the
    start of the former turn, to a summary behind the instructions, to the tools. No point stands where the beginning
    is too short to be kept."""
    first = 1 + len(system)  # places: 0 the tools, then the system prompt's parts, then the messages
    said = [place for place, message in enumerate(messages) if message.role == "user"]
    wanted = [first + place for place in said[-2:]]
    wanted += [1] if system else []
    wanted += [first + place for place in _start_of_former_turn(messages, said)]
    wanted += [2] if len(system) > 1 else []
    wanted += [0] if tools else []
    long_enough = _long_enough(shortest(model) * _LENIENCE, count, tools, system, messages)
    chosen = sorted(place for place in wanted[:_MOST] if place >= long_enough)
    return Points(
        0 in chosen,
        tuple(place - 1 for place in chosen if 0 < place < first),
        tuple(place - first for place in chosen if place >= first),
    )


def _start_of_former_turn(messages: Sequence[Message], said: Sequence[int]) -> list[int]:
    """What a turn thought between its tool calls is not shown to the next one, so all its steps look different then.
    What was cached when it began is still found, if a point is near it."""
    opening = [place for place in said if any(not isinstance(part, ToolResult) for part in messages[place].parts)]
    if len(opening) < 2 or opening[-1] != said[-1]:
        return []
    blocks = sum(len(message.parts) for message in messages[opening[-2] + 1 : said[-2] + 1])
    return [opening[-2]] if blocks > _LOOKS_BACK else []


def _long_enough(
    least: float,
    count: Callable[[Message], int],
    tools: Sequence[ToolSpec],
    system: Sequence[str],
    messages: Sequence[Message],
) -> int:
    """The first place whose beginning has so many tokens; behind the last, if none has."""
    total = sum(estimated(f"{tool.name} {tool.description} {json.dumps(dict(tool.schema))}") for tool in tools)
    if total >= least:
        return 0
    for place, text in enumerate(system, 1):
        total += estimated(text)
        if total >= least:
            return place
    for place, message in enumerate(messages, 1 + len(system)):
        total += count(message)
        if total >= least:
            return place
    return 1 + len(system) + len(messages)
