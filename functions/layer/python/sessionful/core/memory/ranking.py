"""What is remembered, by how much it has to do with a text: meaning and words, fused.

A score is from 0 to 1; 0.7 stands for the cosine from which on the embedder's vectors are of related texts.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from sessionful.core.memory.words import NEGATIONS, content_words, root, roots
from sessionful.domain.error import AgentError
from sessionful.domain.memory import Found, Memory, Scope
from sessionful.ports import Embedder, MemoryBank

RELATED = 0.7

_FUSION = 60  # the usual constant of reciprocal rank fusion: how little a first place counts more than a second one
_BY_ID = 0.85  # passes for that share of the words: related, by its square
_LOOKED_AT = 20  # by meaning and by words, at least

logger = logging.getLogger("sessionful.memory")


class Query(NamedTuple):
    """Without a vector only words are compared."""

    text: str
    vector: Sequence[float] = ()
    model: str = ""


async def queries(embedder: Embedder | None, texts: Sequence[str]) -> list[Query]:
    """An embedder that cannot be reached takes the meaning away, not the words."""
    if embedder is None:
        return [Query(text) for text in texts]
    try:
        vectors = await embedder.embed(texts)
    except AgentError as error:
        logger.warning("embedder=<%s> code=<%s> | only words are compared", embedder.name, error.code)
        return [Query(text) for text in texts]
    return [Query(text, vector, embedder.name) for text, vector in zip(texts, vectors, strict=True)]


async def ranked(bank: MemoryBank, scope: Scope, query: Query, related: float, limit: int) -> list[Found]:
    """Best first. `related` is the embedder's."""
    words = content_words(query.text)
    if not words and not query.vector:
        return []
    found = await bank.search(scope, query.vector, query.model, words, max(limit * 4, _LOOKED_AT))
    wanted = [root(word) for word in words if word not in NEGATIONS]
    shared = {one.memory.id: _shared(wanted, one.memory) for one in found}
    by_meaning = sorted((one for one in found if one.score > 0), key=lambda one: -one.score)
    by_words = sorted((one for one in found if shared[one.memory.id]), key=lambda one: -shared[one.memory.id])
    fused = dict.fromkeys(shared, 0.0)
    for ranking in (by_meaning, by_words):
        for place, one in enumerate(ranking):
            fused[one.memory.id] += 1 / (_FUSION + place)
    best = sorted(found, key=lambda one: (-fused[one.memory.id], -one.memory.created_at))
    return [Found(one.memory, _score(one.score, related, shared[one.memory.id])) for one in best[:limit]]


def _score(cosine: float, related: float, shared: float) -> float:
    """Words count by the square of their share: that of a whole question proves more than twice that of half of it."""
    meant = RELATED * cosine / related if cosine < related else RELATED + (1 - RELATED) * _part(cosine, related)
    return round(1 - (1 - min(meant, 1.0)) * (1 - shared * shared), 4)


def _part(cosine: float, related: float) -> float:
    return (cosine - related) / (1 - related) if related < 1 else 1.0


def _shared(wanted: Sequence[str], memory: Memory) -> float:
    """How much of the words the memory has: a share of them, and half a word more, so that one or two alone prove less.
    A longer number or an id is not there by chance."""
    there = set(roots(memory.text))
    shared = [word for word in wanted if word in there]
    share = len(shared) / (len(wanted) + 0.5)
    return max(share, _BY_ID) if any(map(_is_id, shared)) else share


def _is_id(word: str) -> bool:
    return len(word) > 3 and any(map(str.isdigit, word))
