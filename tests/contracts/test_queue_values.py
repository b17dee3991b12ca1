"""What a turn was asked with is kept while it waits and while it runs, whole, and goes with its session."""

from typing import Any

import pytest

from sessionful.domain.message import Image, Message, Text
from sessionful.domain.turn import NewTurn
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.odd_values import DEEP, ODD_TEXTS, untouched
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, bulk, texts
from tests.contracts.stores import Opened
from tests.contracts.writer import begin, begin_next, take_over, take_turn, wait_in_line

KEPT = ("agent", "message", "idempotency_key", "request_hash", "options", "answer_schema")


def a_full_turn() -> NewTurn:
    message = Message.user([Text(text="what is \u0000🦊?"), Image(media_type="image/png", data="AAAA")])
    fields: dict[str, Any] = {"idempotency_key": "ключ", "request_hash": "h", "options": DEEP, "answer_schema": DEEP}
    return a_turn(agent="clerk", message=message, **fields)


def asked(turn: Any) -> dict[str, Any]:
    return {name: getattr(turn, name) for name in KEPT}


async def test_all_that_a_turn_was_asked_with_is_kept_while_it_runs(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    turn = a_full_turn()
    admitted = await log.begin(KEY, turn, WINDOW)
    assert asked(admitted.session.running) == asked(turn)
    assert (await log.get(KEY)) == admitted.session
    clock.advance(LEASE_MS)
    assert asked((await take_over(log)).session.running) == asked(turn)


async def test_all_that_a_turn_was_asked_with_is_kept_while_it_waits(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    turn = a_full_turn().model_copy(update={"wait": True, "undo": True})
    await log.begin(KEY, turn, WINDOW)
    (waiting,) = await log.queued(KEY)
    assert untouched(waiting) == {"cancel_asked"}
    assert asked(waiting) == asked(turn)
    await holder.settle()
    following = await begin_next(log)
    assert asked(following.session.running) == asked(turn)
    assert await log.get(KEY) == following.session
    assert (await log.watch(KEY)).session == following.session


async def test_what_was_not_asked_for_is_not_invented(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    assert holder.session.running is not None
    await wait_in_line(log)
    (waiting,) = await log.queued(KEY)
    for turn in (holder.session.running, waiting):
        assert (turn.options, turn.answer_schema, turn.idempotency_key, turn.request_hash) == ({}, None, None, None)
    await holder.settle()
    assert (await wait_in_line(log, answer_schema={})).session.queued == 2
    assert (await log.queued(KEY))[1].answer_schema == {}


async def test_any_text_is_kept_while_it_waits(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    for text in ODD_TEXTS:
        await wait_in_line(log, text=text, options={text: text})
    assert [(one.message.text, one.options) for one in await log.queued(KEY)] == [(t, {t: t}) for t in ODD_TEXTS]
    await holder.settle()
    for text in ODD_TEXTS:
        writer = await begin_next(log)
        assert writer.session.running is not None
        assert (writer.session.running.message.text, writer.session.running.options) == (text, {text: text})
        await writer.settle()
    assert texts(await log.read(await log.get(KEY), 100))[2::2] == ODD_TEXTS


@pytest.mark.parametrize(("size", "many"), [(900_000, 3), (5_000_000, 1)])
async def test_large_messages_wait_and_run_like_small_ones(opened: Opened, size: int, many: int) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    holder = await begin(log, text="small")
    messages = [bulk(size, f"🦊{number}") for number in range(many)]
    for message in messages:
        await wait_in_line(log, text=message, options={"large": bulk(100_000)})
    assert [turn.message.text for turn in await log.queued(KEY)] == messages
    await holder.settle()
    for message in messages:
        writer = await begin_next(log)
        assert writer.session.running is not None
        assert writer.session.running.message.text == message
        assert await log.get(KEY) == writer.session
        assert texts([await writer.append("half")]) == [message, "half"]
        await writer.settle()
    assert texts(await log.read(await log.get(KEY), 100))[2::3] == messages
    await log.delete(KEY)
    assert await opened.raw_count() == clean


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_the_queue_is_erased_with_its_session(opened: Opened, withdrawn: bool) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    await take_turn(log)
    await log.fork(KEY, None, a_session(a_key("child")))
    await begin(log)
    for number, size in enumerate((10, 900_000, 10), start=3):
        await wait_in_line(log, text=bulk(size), idempotency_key=str(number))
        if withdrawn:
            await log.ask_cancel(KEY, number)
    await log.delete(KEY)
    again = await log.create(a_session())
    assert (await log.get(KEY), again.queued, await log.queued(KEY)) == (again, 0, [])
    assert await log.begin_next(KEY, LEASE_MS, WINDOW) is None
    assert await log.turn_for(KEY, "4") is None
    assert (await begin(log)).lease.turn == 1
    await log.delete(KEY)
    await log.delete(a_key("child"))
    assert await opened.raw_count() == clean


async def test_the_queue_of_an_expired_session_goes_when_it_is_replaced(opened: Opened, clock: ManualClock) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session(timeout=10))
    holder = await begin(log)
    await wait_in_line(log, text=bulk(900_000))
    await holder.settle()
    clock.advance(10_000)
    await log.create(a_session(at=clock()))
    assert await log.queued(KEY) == []
    assert (await begin(log)).lease.turn == 1
    await log.delete(KEY)
    assert await opened.raw_count() == clean


async def test_a_turn_that_waited_leaves_no_more_behind_than_its_mark(opened: Opened) -> None:
    log = opened.log
    kept = {}
    for key in (a_key("waited"), a_key("did not")):
        before = await opened.raw_count()
        await log.create(a_session(key))
        holder = await begin(log, key)
        if key.id == "waited":
            await wait_in_line(log, key, text=bulk(900_000))
        await holder.settle()
        writer = await (begin_next(log, key) if key.id == "waited" else begin(log, key, text=bulk(900_000)))
        await writer.settle()
        kept[key.id] = await opened.raw_count() - before
    assert kept["waited"] <= kept["did not"] + 1


async def test_what_a_caller_does_to_a_waiting_turn_does_not_reach_the_store(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    options: dict[str, Any] = {"stop": ["."]}
    await wait_in_line(log, options=options)
    options["stop"].append("!")
    (await log.queued(KEY))[0].options["stop"].append("?")
    assert (await log.queued(KEY))[0].options == {"stop": ["."]}
    await holder.settle()
    running = (await begin_next(log)).session.running
    assert running is not None
    running.options["stop"].append("?")
    running = (await log.watch(KEY)).session.running
    assert running is not None
    assert (running.options, running.started_at) == ({"stop": ["."]}, NOON)
