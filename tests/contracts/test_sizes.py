"""No size limit of any store shows: what is larger than an item or a page is split, and nobody above knows."""

from sessionful.domain.message import Message, ToolCall
from sessionful.domain.session import Position
from sessionful.ports import SessionLog
from tests.contracts.samples import KEY, WINDOW, a_key, a_session, an_entry, bulk, places, texts
from tests.contracts.stores import Opened
from tests.contracts.writer import begin, take_over, take_turn

FIVE_MB = 5_000_000
LEASE_END = 2_000_000_000_000


async def test_a_message_a_reply_and_a_tool_result_of_five_megabytes_are_kept(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    message, reply, result = bulk(FIVE_MB, "m0"), bulk(FIVE_MB, "r1"), bulk(FIVE_MB, "🦊 ")
    writer = await begin(log, text=message)
    assert (await log.get(KEY)).running == writer.session.running
    call = ToolCall(id="c1", name="look")
    entry = await writer.append(reply=Message.assistant([call]), results=Message.tool(result, "c1", "look"))
    head = await writer.settle(reply)
    assert await log.read(head, 10) == writer.stored
    assert (await log.read(head, 1))[0] == entry
    following = await begin(log)
    assert following.past[-1] == writer.stored[-1]
    await following.settle()
    await log.delete(KEY)
    assert await opened.raw_count() == clean


async def test_a_large_message_survives_the_change_of_its_holder(log: SessionLog, clock: object) -> None:
    await log.create(a_session())
    writer = await begin(log, text=bulk(1_000_000), lease_ms=-1)
    taken = await take_over(log, lease_until=LEASE_END)
    assert taken.session.running is not None
    assert writer.session.running is not None
    assert taken.session.running.message == writer.session.running.message
    head = await taken.settle("done")
    assert texts(await log.read(head, 10)) == [bulk(1_000_000), "done"]


async def test_large_entries_are_shared_and_erased_like_small_ones(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    await take_turn(log, KEY, "one", bulk(1_000_000), bulk(900_000))
    child = await log.fork(KEY, Position(1, 1), a_session(a_key("child")))
    await log.delete(KEY)
    assert texts(await log.read(child, 10)) == ["one", bulk(1_000_000)]
    await log.delete(a_key("child"))
    assert await opened.raw_count() == clean


async def test_a_session_can_be_made_with_a_large_past(log: SessionLog) -> None:
    entries = [an_entry(bulk(300_000), Position(turn, 1), message_count=turn) for turn in range(1, 9)]
    entries.append(an_entry(bulk(2_000_000), Position(9, 1), message_count=9))
    made = await log.create(a_session(turns=9, last=Position(9, 1), message_count=9), entries)
    assert await log.read(made, 100) == entries


async def test_large_settings_are_kept(log: SessionLog) -> None:
    made = await log.create(a_session(system=bulk(100_000), metadata={"m": bulk(50_000)}, state={"s": bulk(50_000)}))
    assert await log.get(KEY) == made
    head = await take_turn(log)
    assert (head.system, head.metadata, head.state) == (made.system, made.metadata, made.state)
    assert (await log.list_sessions("ada", ["guide"], 10)).sessions == [head]


async def test_the_pages_of_a_store_do_not_show(log: SessionLog) -> None:
    entries = [an_entry(bulk(60_000), Position(turn, 1)) for turn in range(1, 61)]
    made = await log.create(a_session(turns=60, last=Position(60, 1), message_count=60), entries)
    forward = [(turn, 1) for turn in range(1, 61)]
    assert places(await log.read(made, 100)) == forward
    assert places(await log.read(made, 100, newest_first=True)) == forward[::-1]
    assert places(await log.read(made, 45)) == forward[:45]
    writer = await begin(log, window=WINDOW._replace(bytes=10**9))
    assert places(writer.past) == forward


async def test_a_turn_of_many_steps_is_kept_whole(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    for step in range(1, 41):
        await writer.append(f"step {step}")
    head = await writer.settle()
    assert await log.turn(head, 1) == writer.stored
    assert places(await log.read(head, 3, after=Position(1, 9))) == [(1, 10), (1, 11), (1, 12)]


async def test_a_page_of_large_heads_is_listed(log: SessionLog) -> None:
    for number in range(15):
        await log.create(a_session(a_key(f"s{number:02}"), state={"s": bulk(150_000)}))
    page = await log.list_sessions("ada", ["guide"], 15)
    assert sorted(session.key.id for session in page.sessions) == [f"s{number:02}" for number in range(15)]
