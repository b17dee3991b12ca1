"""An image's width and height, from the first bytes of its data."""

import struct

from sessionful.domain.message import Image
from sessionful.models import media

_ENOUGH = 4 * 65_536  # characters of base64: a photograph's head may hold a preview
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's markers that tell the size
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # those without a length


def size_of(part: Image) -> tuple[int, int] | None:
    """None for a link, another type, or data that is broken or cut."""
    found = media.image(part)
    head = media.decoded(found._replace(data=found.data[:_ENOUGH])) if found else None
    if head is None:
        return None
    try:
        size = _size(head)
    except struct.error:  # it ends too early
        return None
    return size if size and all(size) else None


def _size(head: bytes) -> tuple[int, int] | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        width, height = struct.unpack_from(">II", head, 16)
        return width, height
    if head.startswith((b"GIF87a", b"GIF89a")):
        width, height = struct.unpack_from("<HH", head, 6)
        return width, height
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    return _jpeg(head) if head.startswith(b"\xff\xd8") else None


def _webp(head: bytes) -> tuple[int, int] | None:
    """RFC 9649: lossy, lossless and extended files."""
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and len(head) >= 30:
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    """Segment by segment (ITU-T T.81, B.1.1) to the one that describes the frame."""
    place = 2
    while True:
        mark, marker = struct.unpack_from(">BB", head, place)
        if mark != 0xFF:
            return None
        if marker == 0xFF or marker in _BARE:
            place += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", head, place + 5)
            return width, height
        (length,) = struct.unpack_from(">H", head, place + 2)
        place += 2 + length
