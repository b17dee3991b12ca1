"""A worker tells a stream: alone, up to its end, and on from where another one stopped."""

import asyncio
import json

from sessionful.core.deadline import LAST_WORDS, within
from sessionful.core.pace import Pace
from sessionful.domain.session import NewSession
from sessionful.models.scripted import ScriptedModel
from sessionful.surfaces.websocket.subscription import Subscription
from tests.functions.tellers import bureau
from tests.functions.websocket_house import assembled, is_last, text_of, told

WORDS = " ".join(f"word{number}" for number in range(40))


async def test_what_is_told_leaves_nothing_but_the_connection() -> None:
    async with bureau(WORDS) as here:
        await here.connections.add(here.connection)
        service = here.service()
        asked = await here.asked(service)
        await here.tellers(service).tell(*asked)
        assert text_of(await told(here.socket)) == WORDS
        assert here.rows() == ["H"]
        assert here.wakes.telling(asked.stream) == [17.0], "one for the case that this process had died"


async def test_a_stream_that_somebody_tells_is_left_to_them_until_the_claim_runs_out() -> None:
    async with bureau(WORDS) as here:
        service = here.service()
        asked = await here.asked(service)
        await here.connections.claim(asked.connection, asked.stream, 15)
        here.clock.advance(6_000)
        await here.tellers(service).tell(*asked)
        assert here.gateway.posts == []
        assert here.model.requests == []
        assert here.wakes.telling(asked.stream) == [11.0]


async def test_what_is_told_already_is_not_told_again_and_its_turn_is_looked_after() -> None:
    async with bureau(WORDS) as here:
        service = here.service()
        asked = await here.asked(service)
        claimed = await here.connections.claim(asked.connection, asked.stream, 15)
        await here.connections.end(claimed)  # type: ignore[arg-type]
        await here.tellers(service).tell(*asked)
        assert here.gateway.posts == []
        assert (await service.get_turn("alice", "assistant", "s1", asked.wake.turn_id)).status == "completed"


async def test_a_stream_that_gets_nowhere_is_given_up_and_its_turn_is_not() -> None:
    async with bureau(WORDS) as here:
        service = here.service()
        asked = await here.asked(service)
        for _ in range(10):
            claimed = await here.connections.claim(asked.connection, asked.stream, 15)
            await here.connections.release(claimed, None)  # type: ignore[arg-type]
        await here.tellers(service).tell(*asked)
        assert here.rows() == []
        assert here.wakes.telling(asked.stream) == [], "and nobody comes again for it"
        assert (await service.get_turn("alice", "assistant", "s1", asked.wake.turn_id)).status == "completed"


async def test_a_turn_is_carried_to_its_end_when_its_client_is_gone() -> None:
    async with bureau(WORDS, delay=0.01) as here:
        await here.connections.add(here.connection)
        service = here.service()
        asked = await here.asked(service)
        telling = asyncio.create_task(here.tellers(service).tell(*asked))
        await here.frame()
        here.gateway.sockets.clear()
        await telling
        assert here.rows() == []
        assert (await service.get_turn("alice", "assistant", "s1", asked.wake.turn_id)).status == "completed"
        assert len(here.model.requests) == 1


async def test_where_nothing_can_be_sent_it_is_told_later_and_the_turn_is_carried() -> None:
    async with bureau(WORDS, delay=0.01) as here:
        service = here.service()
        asked = await here.asked(service)
        here.gateway.refuse = lambda connection, text: 403 if "word20" in text else None
        await here.tellers(service).tell(*asked)
        assert here.wakes.telling(asked.stream)[1:] == [5.0]
        here.gateway.refuse = lambda connection, text: None
        await here.tellers(here.service()).tell(*asked)
        frames = await told(here.socket)
        assert len(here.model.requests) == 1
        again = [frame for frame in frames if "started" in frame]
        assert len(again) == 2, "each teller says first where it begins"
        assert text_of(frames) == WORDS


async def test_near_the_deadline_turn_and_stream_are_handed_over() -> None:
    hasty = Pace(lease_ms=15_000, flush_seconds=0.05, border_seconds=0.1, lingers=True)
    async with bureau(f"{WORDS} {WORDS}", delay=0.1) as here:
        first = here.service(hasty)
        asked = await here.asked(first)
        with within(5.5 + LAST_WORDS):
            await here.tellers(first).tell(*asked)
            await first.rest()
        assert here.wakes.telling(asked.stream)[1:] == [0]
        assert [delay for wake, delay, more in here.wakes.set_for if not more][-1] == 0, "and the turn's is set, too"
        before = [json.loads(text) for _, text in here.gateway.posts]
        here.model = ScriptedModel([f"{WORDS} {WORDS}"])
        await here.tellers(here.service()).tell(*asked)
        frames = await told(here.socket)
        assert 0 < len(text_of(before)) < 2 * len(WORDS)
        assert assembled(frames) == f"{WORDS} {WORDS}"
        assert here.rows() == []


async def test_who_follows_a_session_hears_its_next_turn() -> None:
    async with bureau(WORDS, delay=0.01) as here:
        service = here.service()
        await service.create_session("alice", "assistant", NewSession(session_id="s1"))
        following = await here.subscribed(Subscription(owner="alice", agent="assistant", session_id="s1"))
        telling = asyncio.create_task(here.tellers(here.service()).tell(*following))
        asked = await here.asked(service)
        await service.look_after(asked.wake)
        await telling
        frames = await told(here.socket)
        assert text_of(frames) == WORDS
        assert frames[0]["turn_id"] == asked.wake.turn_id


async def test_who_follows_a_session_in_vain_is_told_so() -> None:
    async with bureau() as here:
        service = here.service()
        await service.create_session("alice", "assistant", NewSession(session_id="s1"))
        following = await here.subscribed(Subscription(owner="alice", agent="assistant", session_id="s1"))
        await here.tellers(service, follow=0.1).tell(*following)
        error, closing = await told(here.socket)
        assert error["error"]["code"] == "turn_timeout"
        assert closing["done"] is True
        assert here.rows() == []


async def test_who_follows_is_not_told_twice_what_is_told_on_the_connection() -> None:
    async with bureau(WORDS, "another", delay=0.01) as here:
        await here.connections.add(here.connection)
        service = here.service()
        asked = await here.asked(service)
        telling = asyncio.create_task(here.tellers(service).tell(*asked))
        await here.frame()
        following = await here.subscribed(Subscription(owner="alice", agent="assistant", session_id="s1"))
        follower = asyncio.create_task(here.tellers(here.service()).tell(*following))
        await telling
        second = await here.asked(service, "more")
        await service.look_after(second.wake)
        await follower
        frames = await told(here.socket, turns=2)
        assert text_of([frame for frame in frames if frame["turn_id"] == asked.wake.turn_id]) == WORDS
        assert text_of([frame for frame in frames if frame["turn_id"] == second.wake.turn_id]) == "another"


async def test_two_turns_are_told_side_by_side_on_one_connection() -> None:
    async with bureau(WORDS, delay=0.02) as here:
        service = here.service()
        asked = [await here.asked(service, session=name) for name in ("s1", "s2")]
        await asyncio.gather(*(here.tellers(service).tell(*one) for one in asked))
        frames = await told(here.socket, turns=2)
        first_end = next(number for number, frame in enumerate(frames) if is_last(frame))
        assert {frame["session_id"] for frame in frames[: first_end // 2]} == {"s1", "s2"}
        for name in ("s1", "s2"):
            assert text_of([frame for frame in frames if frame["session_id"] == name]) == WORDS


async def test_a_client_that_reads_too_slowly_loses_nothing() -> None:
    async with bureau(WORDS, delay=0.005) as here:
        refused = 0

        def full(connection: str, text: str) -> int | None:
            nonlocal refused
            refused += 1
            return 429 if refused % 3 == 1 else None

        here.gateway.refuse = full
        service = here.service()
        asked = await here.asked(service)
        await here.tellers(service).tell(*asked)
        frames = await told(here.socket)
        assert refused >= 6
        assert text_of(frames) == WORDS
        assert len({frame["id"] for frame in frames}) == len(frames)


async def test_posts_are_paced_and_lose_nothing() -> None:
    async with bureau(WORDS, delay=0.002) as here:
        service = here.service()
        asked = await here.asked(service)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await here.tellers(service).tell(*asked)
        posts = len(here.gateway.posts)
        assert posts <= 3 + (loop.time() - begun) / 0.05
        assert text_of([json.loads(text) for _, text in here.gateway.posts]) == WORDS
