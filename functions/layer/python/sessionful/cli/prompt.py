"""Lines from the keyboard, or from a pipe."""

import sys
from collections.abc import Iterator
from typing import TextIO

_MARK = "> "


class Prompt:
    """`interactive`: a person types; on a terminal with line editing, and a history of this conversation's lines."""

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self.interactive = source.isatty()
        self._edits = self.interactive and source is sys.stdin and sys.stdout.isatty()

    def __iter__(self) -> Iterator[str]:
        """Until the end of the input (Ctrl-D). Blank lines are passed over."""
        if self._edits:
            _load_line_editor()
        while (line := self._line()) is not None:
            if line.strip():
                yield line.strip()

    def _line(self) -> str | None:
        if self._edits:
            try:
                return input(_MARK)
            except EOFError:
                sys.stdout.write("\n")
                return None
        if self.interactive:
            sys.stderr.write(_MARK)
            sys.stderr.flush()
        return self._source.readline() or None


def _load_line_editor() -> None:
    """Importing it is what makes `input` edit; where it is missing, the terminal's own editing does."""
    try:
        import readline  # noqa: F401
    except ImportError:
        return
