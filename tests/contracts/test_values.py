"""What goes in comes out: every field, every character."""

from typing import Any

import pytest

from sessionful.domain.identity import sortable_id
from sessionful.domain.message import File, Image, Message, Part, Text, Thinking, ToolCall
from sessionful.domain.session import Position, Session
from sessionful.domain.turn import Ending, Entry
from sessionful.domain.usage import Usage
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON
from tests.contracts.odd_values import DEEP, ODD_IDS, ODD_TEXTS, a_checkpoint, untouched
from tests.contracts.samples import KEY, WINDOW, a_key, a_session, a_turn, texts
from tests.contracts.writer import begin, take_turn


async def test_every_field_of_a_session_is_kept(log: SessionLog) -> None:
    session = Session(
        key=a_key("whole", agent="*"),
        log=sortable_id(),
        created_at=NOON - 5,
        updated_at=NOON - 3,
        title="Rome \u0000🦊",
        system="Be kind.\u0000",
        work_dir="/data/it's here",
        metadata=DEEP,
        state={"state": DEEP},
        sharing=True,
        timeout=0.5,
        max_duration=86_400.25,
        ended_at=NOON - 1,
        version=7,
        epoch=3,
        turns=4,
        last=Position(4, 2),
        message_count=9,
        usage=Usage(input_tokens=1, output_tokens=2, cached_tokens=3, cache_write_tokens=4),
        state_at=Position(3, 1),
        state_moved=True,
        checkpoints=(a_checkpoint("noon \u0000🦊"), a_checkpoint("")),
        made_with="digest",
    )
    assert untouched(session) == {"parent", "past", "own_after", "running", "queued"}
    assert untouched(session.checkpoints[0]) == set()
    assert await log.create(session) == session
    assert await log.get(session.key) == session
    assert await log.find("ada", "whole", ["*"]) == [session]
    assert (await log.list_sessions("ada", ["*"], 10)).sessions == [session]


async def test_every_field_of_an_entry_is_kept(log: SessionLog) -> None:
    await log.create(a_session(state=DEEP, state_moved=True))
    writer = await begin(log, idempotency_key="once", request_hash="h")
    parts: list[Part] = [
        Thinking(text="hm\u0000", signature="c2ln", redacted="cmVk"),
        Text(text="🦊"),
        ToolCall(id="c1", name="look", arguments=DEEP),
        ToolCall(id="c2", name="look", invalid='{"broken": '),
    ]
    entry = Entry(
        position=Position(1, 1),
        turn_id="turn_1_x",
        attempt=2,
        agent="clerk",
        at=NOON + 1,
        started_at=NOON - 1,
        given=(
            Message.user([Image(media_type="image/png", data="AAAA"), File(name="a b.txt", url="https://x.test/")]),
            Message.system("aside"),
        ),
        reply=Message.assistant(parts),
        results=Message.tool("it failed \u0000", "c1", "look", is_error=True),
        torn=True,
        stop_reason="max_tokens",
        usage=Usage(input_tokens=1, output_tokens=2, cached_tokens=3, cache_write_tokens=4),
        ending=Ending(
            status="failed",
            ended_at=NOON + 2,
            steps=1,
            usage=Usage(input_tokens=5),
            error={"code": "model_error", "message": "\u0000", "details": DEEP},
            output=[DEEP, None, "x"],
        ),
        idempotency_key="once",
        message_count=4,
        usage_total=Usage(input_tokens=6, output_tokens=7, cached_tokens=8, cache_write_tokens=9),
    )
    assert untouched(entry) == {"state", "state_at"}
    assert entry.ending is not None
    assert untouched(entry.ending) == set()
    head = await log.settle(writer.lease, entry)
    stated = entry.model_copy(update={"state": DEEP})
    assert await log.read(head, 10) == [stated]
    assert await log.turn(head, 1) == [stated]
    following = await begin(log)
    assert following.past == [stated]
    await following.settle()
    assert (await begin(log)).past[-1].state_at == Position(1, 1)


@pytest.mark.parametrize("output", [None, False, 0, "", [], {}, "text", 1.5, {"a": [1]}])
async def test_a_typed_answer_keeps_its_type(log: SessionLog, output: Any) -> None:
    await log.create(a_session())
    ending = Ending(status="completed", ended_at=NOON, steps=1, output=output)
    head = await (await begin(log)).settle(ending=ending)
    (entry,) = await log.read(head, 10)
    assert entry.ending is not None
    assert (type(entry.ending.output), entry.ending.output) == (type(output), output)


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
async def test_any_text_is_kept(log: SessionLog, text: str) -> None:
    await log.create(a_session(title=text, metadata={text: text}))
    admitted = await begin(log, text=text)
    assert admitted.session.running is not None
    assert admitted.session.running.message.text == text
    assert (await log.get(KEY)).running == admitted.session.running
    head = await admitted.settle(text)
    assert (head.title, head.metadata) == (text, {text: text})
    assert texts(await log.read(head, 10)) == [text, text]


async def test_ids_differ_when_any_character_does(log: SessionLog) -> None:
    for id in ODD_IDS:
        await log.create(a_session(a_key(id), title=id))
    for id in ODD_IDS:
        await take_turn(log, a_key(id), id)
    for id in ODD_IDS:
        head = await log.get(a_key(id))
        assert (head.key.id, head.title, head.turns) == (id, id, 1)
        assert texts(await log.read(head, 10)) == [id, "done"]
    page = await log.list_sessions("ada", ["guide"], 100)
    assert sorted(session.key.id for session in page.sessions) == sorted(ODD_IDS)


async def test_owners_and_agents_differ_when_any_character_does(log: SessionLog) -> None:
    names = ["a", "A", "a ", "a#b", "a|b", "🦊", "a/b", "%", "*", "x" * 200]
    for name in names:
        await log.create(a_session(a_key(owner=name)))
        await log.create(a_session(a_key(agent=name)))
    await log.create(a_session(a_key("b#trip", owner="a")))
    for name in names:
        assert (await log.get(a_key(owner=name))).key.owner == name
        found = (await log.list_sessions(name, ["guide"], 100)).sessions
        assert {session.key.owner for session in found} == {name}
        found = (await log.list_sessions("ada", [name], 100)).sessions
        assert [session.key for session in found] == [a_key(agent=name)]


async def test_a_parts_border_is_not_taken_for_anothers(log: SessionLog) -> None:
    keys = [a_key("c", owner="a", agent="b#x"), a_key("x#c", owner="a", agent="b"), a_key("c", owner="a#b", agent="x")]
    for key in keys:
        await log.create(a_session(key))
    for key in keys:
        assert (await log.get(key)).key == key
    await log.delete(keys[0])
    assert [(await log.get(key)).key for key in keys[1:]] == keys[1:]


async def test_an_agents_name_of_a_turn_is_its_own(log: SessionLog) -> None:
    await log.create(a_session())
    admitted = await log.begin(KEY, a_turn(agent="wild card *"), WINDOW)
    assert admitted.session.running is not None
    assert (admitted.session.key.agent, admitted.session.running.agent) == ("guide", "wild card *")
