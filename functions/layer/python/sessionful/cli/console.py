"""What goes to a terminal: nothing that it would obey, and colours only where they are wanted."""

import os
import re
import sys
from pathlib import Path
from typing import TextIO

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str, stream: TextIO) -> str:
    """Without control characters where a terminal would obey them: the text is a model's, a tool's or a stranger's."""
    return _CONTROL.sub("", text) if stream.isatty() else text


def dim(text: str, stream: TextIO) -> str:
    """Faint on a terminal that knows colours (https://no-color.org)."""
    plain = not stream.isatty() or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return text if plain or not text else f"\x1b[2m{text}\x1b[22m"


def say(text: str) -> None:
    """A line to the person at the terminal, beside the command's output."""
    sys.stderr.write(dim(printable(text, sys.stderr), sys.stderr) + "\n")
    sys.stderr.flush()


def out(text: str) -> None:
    """A line of the command's output."""
    sys.stdout.write(printable(text, sys.stdout) + "\n")
    sys.stdout.flush()


def program() -> str:
    """How this program was called: by its name, or as a module."""
    module = Path(sys.argv[0]).name == "__main__.py"
    return f"{Path(sys.executable).name} -m sessionful" if module else "sessionful"
