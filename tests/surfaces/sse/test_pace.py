"""Cutting a text anew."""

import asyncio
import time
from itertools import pairwise

from sessionful.domain.event import ThinkingDelta, Told
from sessionful.surfaces.sse import Chunks, Style, Typed
from tests.surfaces.frames import chunk_text, read
from tests.surfaces.sse.tape import CODING, COMPLETED, STARTED, following, step, stream, texts, told

WORDS = told([STARTED, *step(1, *texts("The cap", "ital", " of ", "France is Paris", ".")), COMPLETED])


async def test_chunks_have_the_size_that_is_asked_for_whatever_the_model_gives() -> None:
    frames = read(b"".join(await stream(Chunks(Style(chunk_size=10)), WORDS)))
    assert [frame.json["chunk"] for frame in frames[:-1]] == ["The capita", "l of Franc", "e is Paris", "."]
    assert [frame.id for frame in frames[:-1]] == ["1.1.12", "1.1.22", "1.1.32", "1.1.33"]


async def test_a_chunk_ends_with_its_block() -> None:
    frames = read(b"".join(await stream(Chunks(Style(chunk_size=1000)), CODING)))
    assert len(frames) == 4
    assert len(read(b"".join(await stream(Chunks(Style(chunk_size=1000, tools=True)), CODING)))) == 8


async def test_no_character_is_cut_in_two() -> None:
    text = "🇫🇷 é👩‍👩‍👧"
    tape = told([STARTED, *step(1, *texts(text)), COMPLETED])
    frames = read(b"".join(await stream(Chunks(Style(chunk_size=1)), tape)))
    assert len(frames) == len(text) + 1
    assert chunk_text(frames) == text


async def test_between_two_chunks_there_is_the_pause_that_is_asked_for() -> None:
    frames = Chunks(Style(chunk_size=8, delay=0.02)).frames(following(WORDS)(None))
    at = [time.monotonic() async for _ in frames]
    pauses = [later - sooner for sooner, later in pairwise(at)]
    assert all(pause >= 0.018 for pause in pauses[:3])


async def test_thinking_that_is_not_shown_takes_no_pauses() -> None:
    thoughts = [ThinkingDelta(text="hm " * 100) for _ in range(100)]
    tape = told([STARTED, *step(1, *thoughts, *texts("Yes.", index=1)), COMPLETED])
    async with asyncio.timeout(8):
        for style in (Style(chunk_size=3, delay=0.1), Style(delay=0.1)):
            for dialect in (Chunks(style), Typed(style)):
                assert "hm" not in b"".join(await stream(dialect, tape)).decode()


async def test_a_new_attempt_is_not_glued_to_the_text_before_it() -> None:
    tape = told([STARTED, *texts("abc")]) + told([STARTED, *texts("defghi"), COMPLETED], attempt=2)
    frames = read(b"".join(await stream(Chunks(Style(chunk_size=4)), tape)))
    assert [frame.json["chunk"] for frame in frames[:-1]] == ["abc", "defg", "hi"]


async def test_a_long_text_in_one_piece_is_put_together_in_linear_time() -> None:
    tape = told([STARTED, *step(1, *texts(*["x" * 10] * 50_000)), COMPLETED])
    assert isinstance(tape[0], Told)
    async with asyncio.timeout(20):
        written = b"".join(await stream(Typed(Style(streaming=False)), tape))
    assert written.count(b"event: text_delta") == 1 and len(written) > 500_000
