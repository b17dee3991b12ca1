"""The tools `write_file`, `read_file` and `list_files`: the files of the session's work directory."""

from contextlib import closing
from itertools import islice
from typing import Annotated, BinaryIO

from pydantic import Field

from sessionful.domain.error import ToolError
from sessionful.ports import ToolContext
from sessionful.tools.workspace import Workspace

WRITE_BYTES = 1_000_000
READ_BYTES = 200_000
SCAN_BYTES = 50_000_000  # as far into a file as a first line is looked for
LISTED = 1000

Line = Annotated[int, Field(ge=1)]


def write_file(path: str, content: str, context: ToolContext) -> str:
    """Write a text file, replacing the one that is there. Folders on the way are made.

    Args:
        path: Where, relative to the work directory.
        content: The whole content of the file, at most 1 MB.
    """
    data = content.encode("utf-8", "replace")
    if len(data) > WRITE_BYTES:
        raise ToolError(f"the content has {len(data)} bytes; a file is written with at most {WRITE_BYTES}")
    replaced = Workspace.of(context).write(path, data)
    return f"{'Replaced' if replaced else 'Created'} {path} ({len(data)} bytes)."


def read_file(path: str, context: ToolContext, start_line: Line = 1, end_line: Line | None = None) -> str:
    """Read a text file, or some of its lines. At most 200 KB are read at once.

    Args:
        path: Which one, relative to the work directory.
        start_line: The first line to read, counted from 1.
        end_line: The last line to read; without it, all that follow.
    """
    if end_line is not None and end_line < start_line:
        raise ToolError(f"end_line ({end_line}) lies before start_line ({start_line})")
    with Workspace.of(context).file(path) as file:
        if b"\0" in file.read(8192):
            raise ToolError(f"{path} is no text file")
        file.seek(0)
        return _lines(file, path, start_line, end_line)


def list_files(context: ToolContext, path: str = ".", recursive: bool = False) -> str:
    """List the files of a folder, one a line; a folder ends with '/', a link with '@' (links are not followed).

    Args:
        path: Which folder, relative to the work directory.
        recursive: Whether to list what is in its folders, too. Folders like .git and node_modules are not entered.
    """
    marks = {"folder": "/", "link": "@", "file": "", "other": "="}
    with closing(Workspace.of(context).walk(path, 32 if recursive else 1)) as found:
        lines = [entry.path + marks[entry.kind] for entry in islice(found, LISTED + 1)]
    if len(lines) > LISTED:
        lines[LISTED:] = [f"[only the first {LISTED} are listed]"]
    return "\n".join(lines) or "(no files)"


def _lines(file: BinaryIO, path: str, first: int, last: int | None) -> str:
    """A long line comes in several pieces; the count goes up at its end only."""
    kept: list[bytes] = []
    room, number, scanned, note = READ_BYTES, 1, 0, ""
    while piece := file.readline(READ_BYTES):
        scanned += len(piece)
        if scanned > SCAN_BYTES:
            raise ToolError(f"{path} is too large: line {first} is not among its first {SCAN_BYTES} bytes")
        if number >= first:
            kept.append(piece[:room])
            if len(piece) > room:
                note = f"[cut in line {number}, at {READ_BYTES} bytes: read on with start_line={number}]\n"
                break
            room -= len(piece)
        number += piece.endswith(b"\n")
        if last is not None and number > last:
            break
    if not kept and first > 1:
        raise ToolError(f"{path} has fewer lines than {first}")
    return note + b"".join(kept).decode("utf-8", "replace")
