"""Reads what a docstring says of each argument, in Google's, NumPy's or reST's style."""

import inspect
import re
from typing import NamedTuple

_GOOGLE_SECTION = re.compile(r"(?:args|arguments|params|parameters|keyword arg(?:ument)?s)\s*:\s*", re.IGNORECASE)
_GOOGLE_ITEM = re.compile(r"\*{0,2}(\w+)(?:\s*\(.*?\))?\s*:\s*(.*)")
_NUMPY_SECTION = re.compile(r"(?:other )?parameters\s*", re.IGNORECASE)
_NUMPY_UNDERLINE = re.compile(r"-{3,}\s*")
_NUMPY_ITEM = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?")
_REST_ITEM = re.compile(r":(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)")
_REST_TYPE = re.compile(r":type\s+\w+\s*:.*")


class Docstring(NamedTuple):
    """`description` is the docstring without what it says of the arguments."""

    description: str
    arguments: dict[str, str]


def read_docstring(text: str | None) -> Docstring:
    lines = inspect.cleandoc(text or "").splitlines()
    kept: list[str] = []
    found: dict[str, str] = {}
    at = 0
    while at < len(lines):
        line = lines[at]
        if _GOOGLE_SECTION.fullmatch(line):
            end = _end_of_block(lines, at + 1)
            found.update(_google_items(lines[at + 1 : end]))
        elif _NUMPY_SECTION.fullmatch(line) and _underlined(lines, at):
            end = next((n for n in range(at + 2, len(lines)) if _underlined(lines, n)), len(lines))
            found.update(_numpy_items(lines[at + 2 : end]))
        elif item := _REST_ITEM.fullmatch(line):
            end = _end_of_block(lines, at + 1)
            found[item[1]] = _joined([item[2], *lines[at + 1 : end]])
        else:
            end = at + 1
            if not _REST_TYPE.fullmatch(line):
                kept.append(line)
        at = end
    return Docstring(re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip(), found)


def _end_of_block(lines: list[str], start: int) -> int:
    return next((n for n in range(start, len(lines)) if lines[n] and not lines[n][0].isspace()), len(lines))


def _underlined(lines: list[str], at: int) -> bool:
    return bool(lines[at].strip()) and at + 1 < len(lines) and bool(_NUMPY_UNDERLINE.fullmatch(lines[at + 1]))


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines if line.strip())


def _google_items(lines: list[str]) -> dict[str, str]:
    """Items stand at the indentation of the first; what is deeper goes on with the item before."""
    texts: dict[str, list[str]] = {}
    current: list[str] = []
    block = inspect.cleandoc("\n".join(["", *lines])).splitlines()
    for line in block:
        if not line[:1].isspace() and (item := _GOOGLE_ITEM.fullmatch(line)):
            current = texts.setdefault(item[1], [item[2]])
        else:
            current.append(line)
    return {name: _joined(text) for name, text in texts.items()}


def _numpy_items(lines: list[str]) -> dict[str, str]:
    """`a, b : int` describes two; the indented lines below are the description."""
    texts: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        if not line[:1].isspace() and (item := _NUMPY_ITEM.fullmatch(line)):
            current = []
            for name in item[1].split(","):
                texts[name.strip().lstrip("*")] = current
        else:
            current.append(line)
    return {name: _joined(text) for name, text in texts.items()}
