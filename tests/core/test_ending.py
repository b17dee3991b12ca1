"""How a session ends at its owner's word: ended it leaves its last memories, deleted it leaves nothing."""

import contextlib
from collections.abc import AsyncIterator
from itertools import count

import pytest

from sessionful.core.pace import Pace
from sessionful.core.service import Service
from sessionful.domain.error import SessionNotFound
from sessionful.domain.memory import Scope
from sessionful.domain.session import NewSession
from sessionful.ports import Wake
from tests.contracts.clock import ManualClock
from tests.core.conversation import until
from tests.core.ending_sessions import FACT, House, Process, Storage, opened, put


@pytest.fixture(params=["in_memory", "sqlite", "dynamodb"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async with opened(request.param, ManualClock()) as house:
        yield house


class Alarms:
    """Rings when the test says so."""

    def __init__(self) -> None:
        self.set_for: list[tuple[Wake, float]] = []

    async def set(self, wake: Wake, delay: float) -> None:
        self.set_for.append((wake, delay))


async def test_an_ended_session_leaves_what_had_waited_to_be_remembered(house: House) -> None:
    service = house.service()
    await house.talk(service)
    assert await house.common() == []
    ended = await service.end_session("ada", "guide", "trip")
    assert ended.status == "ended"
    await until(lambda: house.asked_for_facts() == 1)
    await service.let_go()
    assert await house.common() == [FACT]
    assert [said.text for said in await service.messages("ada", "guide", "trip")][-1] == "Noted."


async def test_ending_twice_remembers_once(house: House) -> None:
    service = house.service()
    await house.talk(service)
    for _ in range(3):
        await service.end_session("ada", "guide", "trip")
        await until(lambda: house.asked_for_facts() == 1)
    await service.let_go()
    assert (house.asked_for_facts(), await house.common()) == (1, [FACT])


@pytest.mark.parametrize("lingers", [True, False])
async def test_where_there_are_workers_one_is_woken_to_remember(house: House, lingers: bool) -> None:
    await house.talk(house.service())
    alarms = Alarms()
    service = Service(
        list(house.service().agents.values()), clock=house.clock, pace=Pace(lingers=lingers), alarm=alarms
    )
    await service.end_session("ada", "guide", "trip")
    await service.rest()
    [(wake, delay)] = alarms.set_for
    assert (wake.key.id, delay, house.asked_for_facts()) == ("trip", 0.0, 0)
    worker = house.service()
    await worker.look_after(wake)
    assert await house.common() == [FACT]
    await worker.look_after(wake)
    assert house.asked_for_facts() == 1


async def test_without_long_term_memory_nobody_is_woken(house: House) -> None:
    alarms = Alarms()
    service = Service(list(house.service(None).agents.values()), clock=house.clock, alarm=alarms)
    await service.create_session("ada", "guide", NewSession(session_id="trip"))
    await service.end_session("ada", "guide", "trip")
    await service.rest()
    assert alarms.set_for == []


async def test_a_process_that_closes_right_after_an_end_has_remembered(house: House) -> None:
    service = house.service()
    await house.talk(service)
    await service.end_session("ada", "guide", "trip")
    await service.let_go()
    assert await house.common() == [FACT]


@pytest.mark.parametrize("storage", ["session", "conversational", "all", "summaries_only", None])
async def test_of_a_deleted_session_nothing_is_left_anywhere(house: House, storage: Storage | None) -> None:
    service = house.service(storage)
    clean = await house.raw_count()
    session = await house.talk(service)
    await house.leave(session)
    for scope in {"conversational": [Scope("guide", "ada")], "all": [Scope("guide")]}.get(storage or "", []):
        await put(house.bank, scope, "said here only", session.log)
    await service.delete_session("ada", "guide", "trip")
    assert await house.raw_count() == clean
    again = await service.create_session("ada", "guide", NewSession(session_id="trip"))
    assert await house.own() == []
    assert again.log != session.log


async def test_what_was_said_elsewhere_too_outlives_a_deleted_session(house: House) -> None:
    service = house.service()
    session, other = await house.talk(service), await house.talk(service, "other")
    mine = Scope("guide", "ada")
    await put(house.bank, mine, "said here only", session.log)
    await put(house.bank, mine, "said in both", session.log, other.log)
    await put(house.bank, mine, "put in by hand")
    await house.leave(other)
    await service.delete_session("ada", "guide", "trip")
    assert sorted(await house.common()) == ["put in by hand", "said in both"]
    [both] = [one for one in (await house.bank.page(mine, 10)).memories if one.sources]
    assert [source.log for source in both.sources] == [other.log]
    assert await house.own("other") == ["left by hand"]


async def test_an_expired_session_is_deleted_with_all_that_it_left(house: House) -> None:
    service = house.service("session")
    clean = await house.raw_count()
    await house.leave(await house.talk(service))
    house.clock.advance(60_000)
    await service.delete_session("ada", "guide", "trip")
    assert await house.raw_count() == clean
    with pytest.raises(SessionNotFound):
        await service.delete_session("ada", "guide", "trip")


@pytest.mark.parametrize("storage", ["session", "conversational"])
async def test_the_id_of_an_expired_session_starts_empty(house: House, storage: Storage) -> None:
    service = house.service(storage)
    old = await house.talk(service)
    await house.leave(old)
    house.clock.advance(60_000)
    new = await service.create_session("ada", "guide", NewSession(session_id="trip"))
    assert await house.own() == []
    assert await house.bank.summary("ada", "guide", old.log) is None
    await house.leave(new, "of the new one")
    house.clock.advance(60_000)
    await service.create_session("ada", "guide", NewSession(session_id="source"))
    await service.fork_session("ada", "guide", "source", "trip")
    assert await house.own() == []


async def test_asking_for_an_id_that_is_taken_costs_its_session_nothing(house: House) -> None:
    service = house.service("session")
    await house.leave(await house.talk(service))
    for made_with in (None, "once"):
        with pytest.raises(Exception, match="exists"):
            await service.create_session("ada", "guide", NewSession(session_id="trip", made_with=made_with))
    assert await house.own() == ["left by hand"]


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_deletion_that_dies_anywhere_can_be_asked_for_again(done: bool) -> None:
    for number in count(1):
        async with opened("in_memory", ManualClock()) as house:
            service = house.service()
            clean = await house.raw_count()
            session = await house.talk(service)
            await house.leave(session)
            await put(house.bank, Scope("guide", "ada"), "said here only", session.log)
            process = Process(number, done)
            try:
                await process.house(house).service().delete_session("ada", "guide", "trip")
            except Exception:
                assert process.dead
            with contextlib.suppress(SessionNotFound):
                await service.delete_session("ada", "guide", "trip")
            assert await house.raw_count() == clean
        if not process.dead:
            break
    assert number > 5
