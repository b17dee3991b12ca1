"""Images and files on their way to a vendor; what it cannot take is named in words, so that no prompt fails over it."""

import base64
import binascii
from typing import NamedTuple

from sessionful.domain.message import File, Image, Part, Text

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_TEXTS = ("text/", "application/json", "application/xml", "application/yaml", "application/x-yaml")


class Inline(NamedTuple):
    """Base64 `data` and what it is."""

    media_type: str
    data: str


def inline(part: Image | File) -> Inline | None:
    """The content that comes with the part itself, also when it is spelled as a `data:` URL (RFC 2397)."""
    if part.data:
        return Inline(part.media_type or ("image/png" if isinstance(part, Image) else ""), part.data)
    if part.url and part.url.startswith("data:"):
        head, _, data = part.url.removeprefix("data:").partition(",")
        media_type, _, encoding = head.rpartition(";")
        return Inline(media_type.partition(";")[0], data) if encoding == "base64" and data else None
    return None


def image(part: Image) -> Inline | None:
    """An inline image of a type that the vendors read."""
    found = inline(part)
    if found and found.media_type == "image/jpg":
        found = found._replace(media_type="image/jpeg")
    return found if found and found.media_type in _IMAGES else None


def link(part: Image | File) -> str | None:
    """The address that a vendor can fetch it from."""
    return part.url if part.url and part.url.startswith(("https://", "http://")) else None


def pdf(part: File) -> Inline | None:
    found = inline(part)
    return found if found and found.media_type == "application/pdf" else None


def text_of(part: File) -> Text | None:
    """A text file, in the words of the prompt."""
    found = inline(part)
    raw = decoded(found) if found and found.media_type.startswith(_TEXTS) else None
    if raw is None:
        return None
    return Text(text=f"[file {part.name or 'without a name'}]\n{raw.decode('utf-8', 'replace')}")


def decoded(found: Inline) -> bytes | None:
    try:
        return base64.b64decode(found.data, validate=True)
    except (binascii.Error, ValueError):
        return None


def in_words(part: Part) -> str:
    """In place of something that cannot be sent."""
    if isinstance(part, Image | File):
        name = (part.name if isinstance(part, File) else "") or link(part) or "without a name"
        return f"[{part.type} {name} ({part.media_type or 'unknown type'}): this model cannot read it]"
    return f"[{part.type}: this model cannot read it]"
