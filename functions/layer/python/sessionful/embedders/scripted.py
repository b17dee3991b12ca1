"""An embedder that needs no model: for tests, samples and trying things without any."""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from sessionful.embedders.vectors import unit


class ScriptedEmbedder:
    """A text's vector is the sum of its words', and a word's is made of its hash: texts are near one another as far as
    they share words, in every process the same. `vectors` says what a text's vector is instead, at any length above 0.
    `failures` are raised first, one a call. `texts` keeps what it was asked, a list a call."""

    related = 0.3

    def __init__(
        self,
        vectors: Mapping[str, Sequence[float]] | None = None,
        *,
        dimensions: int = 64,
        name: str | None = None,
        failures: Sequence[Exception] = (),
    ) -> None:
        self._vectors = vectors or {}
        self._dimensions = dimensions
        self._name = name or f"scripted:{dimensions}"
        self._failures = list(failures)
        self.texts: list[list[str]] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        self.texts.append(list(texts))
        if self._failures:
            raise self._failures.pop(0)
        return [unit(self._vectors.get(text) or self._sum(text), self._dimensions, self._name) for text in texts]

    async def close(self) -> None: ...

    def _sum(self, text: str) -> list[float]:
        total = [0.0] * self._dimensions
        for word in re.findall(r"\w+", text.casefold()):
            seed = blake2b(word.encode("utf-8", "replace")).digest()
            for place in range(self._dimensions):
                total[place] += 1 if seed[place // 8 % len(seed)] >> place % 8 & 1 else -1
        return total
