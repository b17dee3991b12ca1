"""The tool `search`: looks for text in the files of the session's work directory."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Annotated, Literal

from pydantic import Field

from sessionful.domain.error import ToolError
from sessionful.ports import ToolContext
from sessionful.tools.workspace import Found, Workspace, open_in

SECONDS = 10.0
FILES = 20_000
FILE_BYTES = 1_000_000
LINE_CHARS = 200

Kind = Literal["content", "file", "function", "struct"]
Rank = Callable[[str], int]
"""2 for a text with the whole query, 1 for one with all its words, 0 for another."""

_DEFINITION = {
    "function": re.compile(r"\b(?:def|func|function|fn|fun|sub)\s+(?:\([^)]{0,100}\)\s*)?([\w$]+)"),
    "struct": re.compile(r"\b(?:class|struct|interface|enum|trait|type|record)\s+([\w$]+)"),
}


def search(
    query: str,
    context: ToolContext,
    limit: Annotated[int, Field(ge=1, le=50)] = 10,
    type: Kind = "content",
) -> str:
    """Search the files of the work directory. Upper and lower case are the same; a line with the whole query comes
    before one that only has all its words.

    Args:
        query: The text to look for.
        limit: How many matches to give.
        type: Where to look: in the lines ("content"), the names of files ("file"), of functions, or of classes and
            other types ("struct").
    """
    words = query.casefold().split()
    if not words:
        raise ToolError("the query is empty")
    rank = _ranking(words)
    hits: tuple[list[str], list[str]] = ([], [])
    stopped = ""
    until = min(time.monotonic() + SECONDS, context.deadline - 1)
    with closing(Workspace.of(context).walk()) as walk:
        files = (entry for entry in walk if entry.kind == "file")
        for count, entry in enumerate(files):
            for found, text in _matches(entry, type, rank):
                if len(hits[2 - found]) < limit:
                    hits[2 - found].append(text)
            if len(hits[0]) == limit:
                break
            if count == FILES or time.monotonic() > until:
                stopped = "\n[not every file was looked at: there are too many]"
                break
    best = [*hits[0], *hits[1]][:limit]
    return ("\n".join(best) or f"Nothing matches {query!r}.") + stopped


def _ranking(words: list[str]) -> Rank:
    whole = " ".join(words)

    def rank(text: str) -> int:
        folded = text.casefold()
        return 2 if whole in folded else int(all(word in folded for word in words))

    return rank


def _matches(entry: Found, kind: Kind, rank: Rank) -> Iterator[tuple[int, str]]:
    if kind == "file":
        if found := rank(entry.path):
            yield found, entry.path
        return
    text = _text(entry)
    if not rank(text):
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if found := rank(_subject(line, kind)):
            yield found, f"{entry.path}:{number}: {line.strip()[:LINE_CHARS]}"


def _subject(line: str, kind: Kind) -> str:
    """The part of the line that the query is looked for in."""
    if kind not in _DEFINITION:
        return line
    definition = _DEFINITION[kind].search(line[:2000])
    return definition[1] if definition else ""


def _text(entry: Found) -> str:
    """Empty for a file that is no text, too large, or closed to us."""
    try:
        with open_in(entry.folder, entry.name) as file:
            data = file.read(FILE_BYTES + 1)
    except (OSError, ToolError):
        return ""
    return "" if len(data) > FILE_BYTES or b"\0" in data[:8192] else data.decode("utf-8", "replace")
