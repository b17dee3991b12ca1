"""The event that tells what was recalled: heard live, in one JSON form, and of no place on the tape."""

from sessionful.core.feed import Feed
from sessionful.core.groups import read_group, write_group
from sessionful.domain.event import (
    EVENT,
    AnyEvent,
    Cursor,
    MemoryRecalled,
    MessageStart,
    RecalledMemory,
    TextDelta,
    Told,
    TurnStarted,
)

STARTED = TurnStarted(turn_id="turn_1_x", session_id="s", agent="guide")
RECALLED = MemoryRecalled(memories=(RecalledMemory(id="mem_1", score=0.8),))


def a_feed(*events: AnyEvent) -> Feed:
    feed = Feed(1, 1)
    for event in events:
        feed.tell(event)
    return feed


async def heard(feed: Feed, cursor: Cursor | None = None) -> list[Told]:
    feed.close()
    return [told async for told in feed.read(cursor)]


def test_its_json_has_ids_and_scores() -> None:
    written = RECALLED.model_dump_json()
    assert written == '{"type":"memory_recalled","memories":[{"id":"mem_1","score":0.8}]}'
    assert EVENT.validate_json(written) == RECALLED


async def test_what_is_told_behind_it_has_the_places_that_it_has_without_it() -> None:
    rest = [MessageStart(step=1), TextDelta(text="hello")]
    with_it = await heard(a_feed(STARTED, RECALLED, *rest))
    without = await heard(a_feed(STARTED, *rest))
    assert [told.event.type for told in with_it] == ["turn_started", "memory_recalled", "message_start", "text_delta"]
    assert [told for told in with_it if told.event != RECALLED] == without


async def test_a_reader_that_goes_on_behind_it_is_told_everything_else_once() -> None:
    feed = a_feed(STARTED, RECALLED, MessageStart(step=1), TextDelta(text="hello"))
    later = await heard(feed, feed.told[1].cursor)
    assert [told.event.type for told in later] == ["message_start", "text_delta"]


def test_a_flush_keeps_the_places_behind_it() -> None:
    told = a_feed(STARTED, RECALLED, MessageStart(step=1), TextDelta(text="hello")).told[1:]
    assert read_group(write_group(1, told), 1).told == told
