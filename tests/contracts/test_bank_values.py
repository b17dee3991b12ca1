"""What goes in comes out: every field, every character."""

import pytest

from sessionful.domain.error import InvalidRequest
from sessionful.domain.identity import sortable_id
from sessionful.domain.memory import Memory, Scope, Source, digest_of
from sessionful.domain.session import Position
from sessionful.ports import MemoryBank
from tests.contracts.bank_samples import EAST, HERE, MINE, MODEL, a_memory, a_source, a_summary, alike, everything
from tests.contracts.banks import OpenedBank
from tests.contracts.clock import NOON
from tests.contracts.odd_values import ODD_IDS, ODD_TEXTS, untouched


async def test_every_field_of_a_memory_is_kept(bank: MemoryBank) -> None:
    memory = Memory(
        id="whole \u0000🦊",
        scope=HERE,
        kind="summary",
        text="Ada \u0000🦊",
        digest="digest \u0000🦊",
        created_at=NOON - 5,
        sources=(
            Source(owner="ada \u0000", session_id="trip \u0000", log="log \u0000🦊", at=Position(2**40, 3)),
            a_source(owner="bo", session_id=""),
        ),
        ended_at=NOON + 4,
        superseded_by="other \u0000",
        supersedes=("a", "b \u0000"),
        expires_at=NOON + 10**9,
        model="titan \u0000🦊",
        vector=(0.6, -0.8, 0.0),
    )
    assert untouched(memory) == set()
    (kept,) = await bank.store([memory])
    assert alike(kept, memory)
    assert alike(await bank.get(HERE, memory.id), memory)
    assert [alike(one, memory) for one in await everything(bank, HERE)] == [True]
    assert await everything(bank, HERE, ended=False) == []


@pytest.mark.parametrize("text", [text for text in ODD_TEXTS if text])
async def test_every_text_is_kept_as_it_is(bank: MemoryBank, text: str) -> None:
    memory = a_memory(text, sources=(a_source(),))
    await bank.store([memory])
    assert await bank.get(MINE, memory.id) == memory
    assert await everything(bank) == [memory]
    await bank.keep_summary("ada", "guide", a_summary(text))
    assert await bank.summary("ada", "guide", "log") == a_summary(text)


@pytest.mark.parametrize("character", ["x", "🦊", "\u0000", '"', "é", "漢"])
async def test_the_longest_text_is_kept_and_found(bank: MemoryBank, character: str) -> None:
    memory = a_memory(f"Rome {character * 3995}", model=MODEL, vector=EAST, sources=(a_source(),))
    await bank.store([memory])
    assert alike(await bank.get(MINE, memory.id), memory)
    (found,) = await bank.search(MINE, EAST, MODEL, ["rome"], 5)
    assert alike(found.memory, memory)


async def test_every_id_is_one_of_its_own(bank: MemoryBank) -> None:
    given = [a_memory(f"memory {number}", id=id) for number, id in enumerate(ODD_IDS)]
    await bank.store(given)
    for memory in given:
        assert await bank.get(MINE, memory.id) == memory
    for memory in given:
        await bank.delete(MINE, memory.id)
        assert memory.id not in [one.id for one in await everything(bank)]


async def test_every_digest_is_one_of_its_own(bank: MemoryBank) -> None:
    given = [a_memory("Rome", digest=digest) for digest in ODD_IDS]
    await bank.store(given)
    assert len(await everything(bank)) == len(ODD_IDS)
    assert {one.id for one in await bank.store(given[::-1])} == {one.id for one in given}
    assert len(await everything(bank)) == len(ODD_IDS)


async def test_digests_tell_apart_what_differs_in_more_than_its_form(bank: MemoryBank) -> None:
    texts = [
        "Ada lives in Rome",
        "ada  LIVES in\nrome.",
        "\uff21da lives in Rome",
        "Ada lives in Rome?",
        "Ada lives in R ome",
    ]
    await bank.store([a_memory(text, digest=digest_of(text)) for text in texts])
    assert {one.text for one in await everything(bank)} == {texts[0], texts[3], texts[4]}


@pytest.mark.parametrize("size", [1, 3, 256, 1024, 3072])
async def test_vectors_of_every_size_are_kept(bank: MemoryBank, size: int) -> None:
    vector = tuple((-1) ** number * size**-0.5 for number in range(size))
    memory = a_memory(model=MODEL, vector=vector)
    await bank.store([memory])
    (found,) = await bank.search(MINE, vector, MODEL, [], 5)
    assert alike(found.memory, memory)
    assert found.score == pytest.approx(1.0, abs=0.01)


HALF = "half \ud800"


@pytest.mark.parametrize(
    "memory",
    [
        a_memory(id=HALF),
        a_memory(digest=HALF),
        a_memory(model=HALF, vector=EAST),
        a_memory(scope=Scope("guide", HALF)),
        a_memory(sources=(a_source(HALF),)),
        a_memory(sources=(a_source(owner=HALF),)),
        a_memory(superseded_by=HALF, ended_at=NOON),
    ],
    ids=["id", "digest", "model", "scope", "log", "owner", "link"],
)
async def test_half_a_surrogate_pair_is_refused_or_kept(opened_bank: OpenedBank, memory: Memory) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    try:
        await bank.store([a_memory("fine", memory.scope), memory])
    except InvalidRequest:
        assert await opened_bank.raw_count() == clean
    else:
        assert alike(await bank.get(memory.scope, memory.id), memory)
        assert len(await everything(bank, memory.scope)) == 2


async def test_half_a_surrogate_pair_in_a_summary_is_refused_or_kept(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    for summary in (a_summary(HALF), a_summary(model=HALF), a_summary(log=HALF)):
        try:
            await bank.keep_summary("ada", "guide", summary)
        except InvalidRequest:
            assert await opened_bank.raw_count() == clean
        else:
            assert await bank.summary("ada", "guide", summary.log) == summary
            await bank.forget_summaries("ada", "guide", summary.log)


async def test_a_vector_that_is_out_of_range_is_refused_whole_or_kept(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    try:
        await bank.store([a_memory("fine"), a_memory("huge", model=MODEL, vector=(1e300, 0.0, 0.0, 0.0))])
    except InvalidRequest:
        assert await opened_bank.raw_count() == clean
    else:
        assert len(await everything(bank)) == 2


async def test_what_a_caller_holds_is_not_what_the_bank_keeps(bank: MemoryBank) -> None:
    vector = [1.0, 0.0, 0.0, 0.0]
    memory = a_memory(id=sortable_id())
    await bank.store([memory])
    await bank.revector(MINE, [(memory.id, MODEL, vector)])  # type: ignore[list-item]
    vector[0] = 0.0
    assert (await bank.get(MINE, memory.id)).vector == pytest.approx(EAST, abs=0.01)
