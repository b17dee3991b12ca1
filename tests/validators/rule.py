"""What a vendor would refuse."""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any

NAME = re.compile(r"[a-zA-Z0-9_-]+")


class Refused(Exception):
    """The vendor would answer with status 400. The text says where, and which rule."""


def hold(rule: Any, where: str, says: str) -> None:
    if not rule:
        raise Refused(f"{where}: {says}")


def hold_name(name: Any, most: int, where: str) -> None:
    named = isinstance(name, str) and NAME.fullmatch(name) and len(name) <= most
    hold(named, where, f"a name is 1 to {most} of a-z, A-Z, 0-9, _ and -")


def hold_text(text: Any, where: str) -> None:
    hold(isinstance(text, str) and text.strip(), where, "text must be non-blank")


def hold_unique(names: Iterable[str], where: str, says: str) -> None:
    listed = list(names)
    hold(len(set(listed)) == len(listed), where, says)


def decoded(data: Any, where: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Refused(f"{where}: no base64") from None
