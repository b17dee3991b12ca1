"""Server-sent events: whatever way the bytes are cut, the same frames."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionful.domain.error import ModelError
from sessionful.models.sse import Frame, FrameDecoder

STREAM = (
    b"\xef\xbb\xbf: a comment first\r\n"
    b"event: greeting\r\ndata: Gr\xc3\xbc\xc3\x9fe \xf0\x9f\x8c\x8d\r\n\r\n"
    b"id: 7\nretry: 10\ndata:one\ndata: two\n\n"
    b": ping\n\n"
    b"data\n\n"
    b"data: last\r\r"
)
FRAMES = [Frame("greeting", "Grüße 🌍"), Frame("", "one\ntwo"), Frame("", ""), Frame("", "last")]


def decoded(chunks: list[bytes]) -> list[Frame]:
    decoder = FrameDecoder()
    return [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.close()


def test_reads_events_comments_and_every_line_end() -> None:
    assert decoded([STREAM]) == FRAMES


def test_a_byte_at_a_time_is_enough() -> None:
    assert decoded([bytes([byte]) for byte in STREAM]) == FRAMES


@settings(deadline=None)
@given(st.lists(st.integers(0, len(STREAM))))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    assert decoded([STREAM[start:end] for start, end in itertools.pairwise(places)]) == FRAMES


def test_a_frame_comes_with_its_blank_line_not_later() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(b"data: now\r\n\r") == [Frame("", "now")]
    assert decoder.feed(b"\ndata: then\n") == []
    assert decoder.feed(b"\n") == [Frame("", "then")]


def test_the_end_of_the_body_ends_an_event_too() -> None:
    assert decoded([b"data: [DONE]"]) == [Frame("", "[DONE]")]


def test_an_event_without_end_is_refused() -> None:
    decoder = FrameDecoder()
    with pytest.raises(ModelError, match="more than"):
        for _ in range(100):
            decoder.feed(b"data: " + b"x" * 100_000)
    decoder = FrameDecoder()
    with pytest.raises(ModelError, match="more than"):
        for _ in range(100):
            decoder.feed(b"data: " + b"x" * 100_000 + b"\n")
