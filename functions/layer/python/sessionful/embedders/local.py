"""WordLlama's static embeddings inside this process: a text is the mean of its tokens, whose vectors lie in a file.

Only the package's files are used. Its code would bring NumPy, requests and 100 MB of memory, and sets up logging for
the whole process; the mean of a sentence takes 0.2 ms without all that. The tokenizer is its own, from `tokenizers`.
"""

import asyncio
import importlib
import json
import mmap
import struct
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from sessionful.domain.error import ConfigError, ModelUnavailable
from sessionful.embedders.vectors import embeddable, nowhere, unit

INSTALL = "pip install --no-deps tokenizers wordllama==0.2.2.post0"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_WIDTH = 256
_SHORTER = (64, 128, _WIDTH)  # it was trained so that a vector's beginning is a vector, too


class _Loaded(NamedTuple):
    """`start`: where in the file the vectors begin; each is 256 numbers of two bytes."""

    tokenizer: Any
    file: mmap.mmap
    start: int


class LocalEmbedder:
    """Loads on first use (0.3 s, 40 MB). `dimensions`: 256, 128 or 64. Made for English: of questions in another
    language than the memory's, only names and loanwords find it. Raises ConfigError for other dimensions."""

    related = 0.2  # measured: 0.05 to 0.56 for questions with their facts, at most 0.19 for others

    def __init__(self, dimensions: int = _WIDTH) -> None:
        if dimensions not in _SHORTER:
            known = [str(length) for length in _SHORTER]
            raise ConfigError(f"the local embedder gives vectors of {', '.join(known)}", key="dimensions", known=known)
        self._dimensions = dimensions
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def name(self) -> str:
        return f"local:wordllama-l2-supercat:{self._dimensions}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """See ports.Embedder. Raises ModelUnavailable when a package is missing."""
        return await asyncio.to_thread(self._embed, texts)

    async def close(self) -> None:
        self._loaded = None

    def _embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        with self._lock:
            self._loaded = loaded = self._loaded or _load()
        row = struct.Struct(f"<{self._dimensions}e")
        vectors = []
        for text in texts:
            ids = loaded.tokenizer.encode(embeddable(text), add_special_tokens=False).ids
            rows = [row.unpack_from(loaded.file, loaded.start + 2 * _WIDTH * number) for number in ids]
            total = [sum(column) for column in zip(*rows, strict=True)]
            vectors.append(unit(total, self._dimensions, self.name) if total else nowhere(self._dimensions))
        return vectors


def installed() -> bool:
    """Whether the tokenizer's runtime and the weights are there; imports neither."""
    return find_spec("tokenizers") is not None and find_spec("wordllama") is not None


def _load() -> _Loaded:
    spec = find_spec("wordllama")
    folder = next((Path(folder) for folder in (spec and spec.submodule_search_locations) or ()), None)
    if folder is None:
        raise ModelUnavailable(f"the local embedder needs its weights: {INSTALL}", install=INSTALL)
    try:
        runtime = importlib.import_module("tokenizers")
    except ImportError as error:
        raise ModelUnavailable(f"the local embedder needs its tokenizer: {INSTALL}", install=INSTALL) from error
    try:
        tokenizer = runtime.Tokenizer.from_file(str(folder / _TOKENIZER))
        with (folder / _WEIGHTS).open("rb") as weights:
            file = mmap.mmap(weights.fileno(), 0, access=mmap.ACCESS_READ)
        # A safetensors file: the header's length in 8 bytes, the header, the numbers.
        (length,) = struct.unpack_from("<Q", file)
        told = json.loads(file[8 : 8 + length])["embedding.weight"]
    except Exception as error:  # `tokenizers` raises bare exceptions
        raise ModelUnavailable(f"the local embedder cannot read its files: {INSTALL}", install=INSTALL) from error
    tokens, width = told["shape"]
    if told["dtype"] != "F16" or width != _WIDTH or tokenizer.get_vocab_size() > tokens:
        raise ModelUnavailable(f"another WordLlama is installed than the one meant: {INSTALL}", install=INSTALL)
    return _Loaded(tokenizer, file, 8 + length + told["data_offsets"][0])
