"""A blocking iterator in a thread of its own: in order, bounded, interruptible."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from sessionful.models.threaded import Interrupt, from_thread


async def test_items_come_in_order_and_end() -> None:
    assert [item async for item in from_thread(lambda _: iter(range(1000)))] == list(range(1000))


async def test_an_error_comes_where_it_happened() -> None:
    def produce(_: Interrupt) -> Iterator[int]:
        yield 1
        raise KeyError("lost")

    items = from_thread(produce)
    assert await anext(items) == 1
    with pytest.raises(KeyError, match="lost"):
        await anext(items)


async def test_a_slow_reader_slows_the_thread() -> None:
    made: list[int] = []

    def produce(_: Interrupt) -> Iterator[int]:
        for number in range(10_000):
            made.append(number)
            yield number

    items = from_thread(produce)
    await anext(items)
    await asyncio.sleep(0.1)
    assert len(made) < 100
    assert [item async for item in items] == list(range(1, 10_000))


async def test_closing_unblocks_the_thread_and_finishes_its_iterator() -> None:
    told, finished = threading.Event(), threading.Event()

    def produce(interrupt: Interrupt) -> Iterator[int]:
        interrupt.on(told.set)
        try:
            yield 1
            told.wait(10)
        finally:
            finished.set()

    items = from_thread(produce)
    assert await anext(items) == 1
    await items.aclose()
    assert await asyncio.to_thread(finished.wait, 2)


async def test_closing_ends_a_thread_that_waits_for_room() -> None:
    finished = threading.Event()

    def produce(_: Interrupt) -> Iterator[int]:
        try:
            yield from range(10_000)
        finally:
            finished.set()

    items = from_thread(produce)
    await anext(items)
    await items.aclose()
    assert await asyncio.to_thread(finished.wait, 2)


def test_an_interrupt_that_came_first_is_heard_at_once() -> None:
    heard: list[str] = []
    interrupt = Interrupt()
    interrupt.set()
    interrupt.on(lambda: heard.append("now"))
    interrupt.set()
    assert heard == ["now"]


async def test_no_item_waits_for_milliseconds() -> None:
    """The way from the thread to the reader, on an idle loop: far below what a model needs for a token."""

    def produce(_: Interrupt) -> Iterator[float]:
        for _number in range(50):
            time.sleep(0.002)
            yield time.perf_counter()

    delays = sorted([time.perf_counter() - sent async for sent in from_thread(produce)])
    assert delays[len(delays) // 4] < 0.001  # the quicker half, because a test machine has other work too


def test_a_loop_that_is_gone_ends_the_thread() -> None:
    go_on, finished = threading.Event(), threading.Event()

    def produce(_: Interrupt) -> Iterator[int]:
        try:
            yield 1
            go_on.wait(10)
            yield 2
        finally:
            finished.set()

    async def leave() -> None:
        await anext(from_thread(produce))

    asyncio.run(leave())
    go_on.set()
    assert finished.wait(2)
