"""Texts that are ready together go as one frame; nothing else is joined, and nothing changes places."""

import asyncio
import json
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from functions.connections.batches import Ready, joined
from sessionful.domain.event import Cursor
from sessionful.surfaces.sse.frame import json_text
from sessionful.surfaces.websocket.forms import ChunkForm, TaskForm
from sessionful.surfaces.websocket.pieces import LIMIT
from sessionful.surfaces.websocket.teller import Frame
from tests.functions.websocket_house import is_last, text_of

CHUNKS, TASK = ChunkForm({"session_id": "s1", "turn_id": "turn_1_x"}), TaskForm("t1", {"sessionId": "s1"})
TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(["x" * 9_000, "é" * 5_000, '"' * 6_000]))
KINDS = st.lists(st.one_of(TEXTS, st.sampled_from([{"superseded": 3}, {"error": 1}])), max_size=12)


def frames_of(kinds: list[str | dict[str, int]], form: ChunkForm | TaskForm) -> list[Frame]:
    made = [form.started("assistant")]
    for kind in kinds:
        if isinstance(kind, str):
            made.append(form.text(kind))
        else:
            made.append(form.superseded(3) if "superseded" in kind else form.error({"code": "x", "message": ""}))
    made.append(form.done("completed"))
    return [
        Frame(
            Cursor(1, 1, number),
            json_text({**fields, "id": f"1.1.{number}"}),
            number == len(made) - 1,
            f"1.1.{number}",
        )
        for number, fields in enumerate(made)
    ]


@given(kinds=KINDS, form=st.sampled_from([CHUNKS, TASK]))
def test_the_same_is_told_in_fewer_frames(kinds: list[str | dict[str, int]], form: ChunkForm | TaskForm) -> None:
    single = frames_of(kinds, form)
    together = joined(single)
    before, after = ([json.loads(frame.text) for frame in some] for some in (single, together))
    assert text_of(after) == text_of(before)
    others = [frame for frame in before if "chunk" not in frame and frame.get("chunkType") != "text"]
    assert [frame for frame in after if "chunk" not in frame and frame.get("chunkType") != "text"] == others
    assert all(len(frame.text.encode()) <= LIMIT for frame in together)
    assert [frame["id"] for frame in after] == [frame.id for frame in together], "each has the place behind it all"
    assert is_last(after[-1]) and together[-1].last
    assert len(together) <= len(single)


def test_neighbouring_texts_are_one_frame_with_the_last_ones_place() -> None:
    _, text, _ = joined(frames_of(["one ", "two ", "three"], CHUNKS))
    assert json.loads(text.text)["chunk"] == "one two three"
    assert (text.id, text.cursor) == ("1.1.3", Cursor(1, 1, 3))


def test_what_was_superseded_is_not_joined_with_what_comes_instead() -> None:
    told = [json.loads(frame.text) for frame in joined(frames_of(["old", {"superseded": 3}, "new"], CHUNKS))]
    assert [frame.get("chunk") for frame in told] == [None, "old", None, "new", None]


async def test_what_is_there_is_taken_at_once_and_the_rest_is_waited_for() -> None:
    more = asyncio.Event()
    single = frames_of(["one", "two"], CHUNKS)

    async def coming() -> AsyncIterator[Frame]:
        for frame in single[:3]:
            yield frame
        await more.wait()
        yield single[3]

    ready = Ready(coming())
    assert await ready.take(1) == single[:3]
    assert await ready.take(0.01) == [], "silence"
    more.set()
    assert await ready.take(1) == single[3:]
    await ready.close()
