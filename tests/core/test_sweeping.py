"""The end of expired sessions: last memories first, then nothing of them is left; and nothing of others is touched."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from sessionful.core.sweeping import GRACE_SECONDS, Sweeper, Swept
from sessionful.domain.error import ModelUnavailable, SessionExpired, SessionNotFound
from sessionful.domain.memory import Scope
from sessionful.domain.session import NewSession, Session, SessionKey
from sessionful.stores.dynamodb.table import GRACE_SECONDS as GRACE_OF_THE_TABLE
from tests.contracts.bank_samples import texts_in
from tests.contracts.clock import ManualClock
from tests.core.ending_sessions import DAY_MS, FACT, WEEK_MS, Between, House, Process, Storage, opened, put


@pytest.fixture(params=["in_memory", "sqlite"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async with opened(request.param, ManualClock()) as house:
        yield house


async def test_an_expired_session_leaves_its_last_memories_and_nothing_else(house: House) -> None:
    service = house.service()
    clean = await house.raw_count()
    await house.leave(await house.talk(service))
    house.clock.advance(WEEK_MS + 60_000)
    assert await house.common() == []
    assert await house.sweeper(service).sweep() == Swept(1, 0)
    assert await house.common() == [FACT]
    await house.bank.erase(Scope("guide", "ada"))
    assert await house.raw_count() == clean


@pytest.mark.parametrize("storage", ["session", "summaries_only", None])
async def test_what_would_go_with_the_session_is_not_looked_for(house: House, storage: Storage | None) -> None:
    service = house.service(storage)
    clean = await house.raw_count()
    await house.leave(await house.talk(service))
    house.clock.advance(WEEK_MS + 60_000)
    assert await house.sweeper(service).sweep() == Swept(1, 0)
    assert house.asked_for_facts() == 0
    assert await house.raw_count() == clean


async def test_until_the_grace_is_over_a_session_is_known_to_have_expired(house: House) -> None:
    service = house.service()
    await house.talk(service)
    house.clock.advance(WEEK_MS + 59_999)
    assert await house.sweeper(service).sweep() == Swept(0, 0)
    with pytest.raises(SessionExpired):
        await service.get_session("ada", "guide", "trip")
    house.clock.advance(1)
    await house.sweeper(service).sweep()
    with pytest.raises(SessionNotFound):
        await service.get_session("ada", "guide", "trip")


def test_all_stores_tell_of_an_expired_session_for_as_long() -> None:
    assert GRACE_SECONDS == GRACE_OF_THE_TABLE


async def test_sessions_that_live_keep_everything(house: House) -> None:
    service = house.service()
    for session_id in ("gone", "ended", "lives"):
        await house.leave(await house.talk(service, session_id), f"of {session_id}")
    await service.end_session("ada", "guide", "ended")
    house.clock.advance(30_000)
    await house.talk(service, "lives")
    house.clock.advance(30_000)
    assert await house.sweeper(service).sweep(grace=0) == Swept(2, 0)
    assert await house.own("lives") == ["of lives"]
    assert await house.own("gone") == await house.own("ended") == []
    assert [said.text for said in await service.messages("ada", "guide", "lives")] == [
        "My sister Mia lives in Oslo",
        "Noted.",
    ] * 2


async def test_sessions_of_agents_that_are_configured_elsewhere_are_left_to_others(house: House) -> None:
    other = house.service(names=("other",))
    await house.talk(other, agent="other")
    house.clock.advance(60_000)
    assert await house.sweeper(house.service()).sweep(grace=0) == Swept(0, 0)
    assert await house.sweeper(other).sweep(grace=0) == Swept(1, 0)


async def test_a_session_of_no_agent_is_swept_with_what_each_of_them_keeps_of_it(house: House) -> None:
    service = house.service(names=("guide", "other"))
    clean = await house.raw_count()
    await service.create_session("ada", None, NewSession(session_id="open"))
    session = await service.get_session("ada", None, "open")
    assert session.key == SessionKey("ada", "*", "open")
    await house.leave(session)
    house.clock.advance(60_000)
    assert await house.sweeper(service).sweep(grace=0) == Swept(1, 0)
    assert await house.raw_count() == clean


async def test_of_a_session_that_any_agent_may_answer_in_only_those_who_did_remember(house: House) -> None:
    service = house.service(names=("guide", "other"))
    await service.create_session("ada", "guide", NewSession(session_id="shared", sharing=True))
    await house.talk(service, "shared")
    house.clock.advance(60_000)
    assert await house.sweeper(service).sweep(grace=0) == Swept(1, 0)
    assert await house.common() == [FACT]
    assert await texts_in(house.bank, Scope("other", "ada")) == []


async def test_while_the_model_fails_the_session_waits_for_a_day_and_holds_up_no_other(house: House) -> None:
    service = house.service()
    clean = await house.raw_count()
    await house.talk(service, "first")
    house.clock.advance(1_000)
    await house.talk(service, "second")
    house.clock.advance(60_000)
    house.failures = [ModelUnavailable("it sleeps")]
    assert await house.sweeper(service).sweep(grace=0) == Swept(1, 1)
    await service.log_of("guide").head(SessionKey("ada", "guide", "first"))
    house.failures = [ModelUnavailable("it sleeps")]
    house.clock.advance(DAY_MS - 2_000)
    assert await house.sweeper(service).sweep(grace=0) == Swept(0, 1)
    house.failures = [ModelUnavailable("it sleeps")]
    house.clock.advance(2_000)
    assert await house.sweeper(service).sweep(grace=0) == Swept(1, 0)
    await house.bank.erase(Scope("guide", "ada"))
    assert await house.raw_count() == clean


async def test_what_could_not_be_remembered_is_when_the_model_is_there_again(house: House) -> None:
    service = house.service()
    await house.talk(service)
    house.clock.advance(60_000)
    house.failures = [ModelUnavailable("it sleeps")]
    assert await house.sweeper(service).sweep(grace=0) == Swept(0, 1)
    assert await house.sweeper(service).sweep(grace=0) == Swept(1, 0)
    assert await house.common() == [FACT]


async def test_more_sessions_than_are_looked_for_at_a_time_are_swept_at_once(house: House) -> None:
    service = house.service(None)
    for number in range(60):
        await service.create_session("ada", "guide", NewSession(session_id=str(number)))
    house.clock.advance(60_000)
    assert await house.sweeper(service).sweep(grace=0) == Swept(60, 0)


async def test_several_sweepers_at_once_do_it_once(house: House) -> None:
    service = house.service()
    clean = await house.raw_count()
    for number in range(5):
        await house.leave(await house.talk(service, str(number)))
    house.clock.advance(60_000)
    swept = await asyncio.gather(*(house.sweeper(service).sweep(grace=0) for _ in range(4)))
    assert all(one.left == 0 for one in swept)
    assert await house.common() == [FACT]
    await house.bank.erase(Scope("guide", "ada"))
    assert await house.raw_count() == clean


async def test_a_new_session_that_took_the_id_meanwhile_is_untouched(house: House) -> None:
    service = house.service()
    await house.talk(service)
    house.clock.advance(60_000)
    made: list[Session] = []

    async def somebody(name: str) -> None:
        if name == "expired" and not made:
            made.append(await service.create_session("ada", "guide", NewSession(session_id="trip")))
            await put(house.bank, Scope("guide", "ada", "trip"), "of the new one", made[0].log)

    async def nobody(name: str) -> None: ...

    late: Any = Between(house.log, nobody, somebody)
    sweeper = Sweeper(House(late, house.bank, house.raw_count, house.clock).service(), house.clock)
    await sweeper.sweep(grace=0)
    assert await house.own() == ["of the new one"]
    assert await service.get_session("ada", "guide", "trip") == made[0]


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_sweep_that_dies_anywhere_is_finished_by_the_next(done: bool) -> None:
    for number in count(1):
        async with opened("in_memory", ManualClock()) as house:
            service = house.service()
            clean = await house.raw_count()
            await house.leave(await house.talk(service))
            house.clock.advance(60_000)
            process = Process(number, done)
            await Sweeper(process.house(house).service(), house.clock).sweep(grace=0)
            assert (await house.sweeper(service).sweep(grace=0)).left == 0
            assert await house.common() == [FACT]
            await house.bank.erase(Scope("guide", "ada"))
            assert await house.raw_count() == clean
        if not process.dead:
            break
    assert number > 5
