"""New facts: what the model found of them, held against what is known, and kept."""

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, Field

from sessionful.core.memory.junk import is_junk, is_said
from sessionful.core.memory.prompts import KNOWN, NOTHING_KNOWN, TRANSCRIPT
from sessionful.core.memory.scopes import may_change
from sessionful.core.memory.words import roots
from sessionful.domain.error import AgentError, MemoryNotFound
from sessionful.domain.identity import sortable_id
from sessionful.domain.memory import Kind, Memory, Scope, Source, digest_of
from sessionful.ports import Embedder, MemoryBank


class NewFact(BaseModel):
    text: str
    turn: int
    repeats: list[int] = Field(default_factory=list)
    replaces: list[int] = Field(default_factory=list)


class NewFacts(BaseModel):
    facts: list[NewFact] = Field(max_length=16)  # a small model may never stop by itself


class Said(NamedTuple):
    """Where something was said, and when (ms)."""

    source: Source
    at: int


def shown(known: Sequence[Memory], transcript: str) -> str:
    """What the model is given to read. It names a known memory by its number, which is shorter than its id and cannot
    be one of another scope."""
    lines = [f"{number}. {' '.join(memory.text.split())}" for number, memory in enumerate(known, start=1)]
    told = "\n".join([KNOWN, *lines]) if lines else NOTHING_KNOWN
    return f"{told}\n\n{TRANSCRIPT}\n{transcript}"


def worth_keeping(facts: Sequence[NewFact], transcript: str, restated: Sequence[str]) -> list[NewFact]:
    """`restated`: what the agent was told and nobody said."""
    tidy = [fact.model_copy(update={"text": " ".join(fact.text.split())}) for fact in facts]
    return [fact for fact in tidy if not is_junk(fact.text, restated) and is_said(fact.text, transcript)]


async def keep_facts(
    bank: MemoryBank,
    embedder: Embedder | None,
    scope: Scope,
    facts: Sequence[NewFact],
    known: Sequence[Memory],
    said: dict[int, Said],
) -> None:
    """`said`: by turn. A fact of a turn that is not among them is taken for the last one's. Doing it twice does no more
    than doing it once."""
    repeated: list[Memory] = []
    fresh: list[tuple[Memory, list[Memory]]] = []
    for fact in facts:
        source, at = said.get(fact.turn) or said[max(said)]
        same = _numbered(known, fact.repeats) or [one for one in known if roots(one.text) == roots(fact.text)]
        wrong = [one for one in _numbered(known, fact.replaces) if one.digest != digest_of(fact.text)]
        if same and not wrong:
            repeated.extend(one.model_copy(update={"sources": (source,)}) for one in same)
        elif all(one.created_at <= at for one in wrong):  # else what is known is newer than what is read only now
            fresh.append((made(scope, fact.text, "fact", at, (source,)), wrong))
    new = await with_vectors(embedder, [memory for memory, _ in fresh])
    replacing = [(memory, wrong) for memory, (_, wrong) in zip(new, fresh, strict=True)]
    for memory, wrong in replacing:
        for one in wrong:
            if may_change(memory.sources[0].owner, one):
                with contextlib.suppress(MemoryNotFound):  # somebody else was quicker
                    await bank.supersede(scope, one.id, memory)
    await bank.store([*repeated, *new])


def made(scope: Scope, text: str, kind: Kind, at: int, sources: tuple[Source, ...] = ()) -> Memory:
    return Memory(
        id=f"mem_{sortable_id(at)}",
        scope=scope,
        kind=kind,
        text=text,
        digest=digest_of(text),
        created_at=at,
        sources=sources,
    )


async def with_vectors(embedder: Embedder | None, memories: Sequence[Memory]) -> list[Memory]:
    """As they are when the embedder cannot be reached: they get their vectors later, see `embed_rest`."""
    if embedder is None or not memories:
        return list(memories)
    try:
        vectors = await embedder.embed([memory.text for memory in memories])
    except AgentError:
        return list(memories)
    return [
        memory.model_copy(update={"model": embedder.name, "vector": vector})
        for memory, vector in zip(memories, vectors, strict=True)
    ]


async def embed_rest(bank: MemoryBank, embedder: Embedder, scope: Scope, at_a_time: int = 64, most: int = 10) -> None:
    """Give vectors of this embedder to memories that have another's, or none. What `most` rounds leave over waits."""
    for _ in range(most):
        others = await bank.unlike(scope, embedder.name, at_a_time)
        if not others:
            return
        vectors = await embedder.embed([memory.text for memory in others])
        await bank.revector(
            scope, [(one.id, embedder.name, vector) for one, vector in zip(others, vectors, strict=True)]
        )


def _numbered(known: Sequence[Memory], numbers: Sequence[int]) -> list[Memory]:
    return [known[number - 1] for number in dict.fromkeys(numbers) if 1 <= number <= len(known)]
