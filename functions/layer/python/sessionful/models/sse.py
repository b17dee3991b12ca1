"""Server-sent events, read from bytes that are cut anywhere (WHATWG HTML, 9.2 "Server-sent events")."""

from typing import NamedTuple

from sessionful.domain.error import ModelError

_LONGEST = 4 * 1024 * 1024  # bytes of one event: above any vendor's, and an end to servers that never break a line


class Frame(NamedTuple):
    """`event` is empty where the stream named none."""

    event: str
    data: str


class FrameDecoder:
    """Feed it the chunks of a body; it gives back the frames that are whole. `id` and `retry` mean nothing here."""

    def __init__(self) -> None:
        self._rest = b""
        self._after_cr = False
        self._first = True
        self._event = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[Frame]:
        """Raises ModelError for an event without end."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")  # the second half of a CRLF that was cut in two
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        lines = (self._rest + chunk).splitlines(keepends=True)
        self._rest = b"" if lines[-1].endswith((b"\n", b"\r")) else lines.pop()
        frames = [frame for line in lines if (frame := self._line(line.rstrip(b"\r\n")))]
        if self._size + len(self._rest) > _LONGEST:
            raise ModelError(f"the model's server sent an event of more than {_LONGEST} bytes")
        return frames

    def close(self) -> list[Frame]:
        """What the end of the body leaves: servers forget the last blank line, so an unfinished event counts."""
        frame = self._line(self._rest) or self._line(b"")
        self._rest = b""
        return [frame] if frame else []

    def _line(self, line: bytes) -> Frame | None:
        if self._first:
            self._first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._data.append(text)
            self._size += len(value)
        elif name == b"event":
            self._event = text
        return None

    def _dispatch(self) -> Frame | None:
        frame = Frame(self._event, "\n".join(self._data)) if self._data else None
        self._event, self._data, self._size = "", [], 0
        return frame
