"""A small model inside this process: SmolLM2-135M-Instruct (or any chat model in a GGUF file) on llama.cpp.

The runtime pushes its chunks from a thread of its own, so this is the one adapter that has to turn a push into a pull.
A worker with one thread is both the queue (one generation at a time) and the place where nothing blocks a loop.
"""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from sessionful.core.memory.tokens import estimated
from sessionful.domain.error import AgentError, InvalidRequest, ModelError, ModelUnavailable
from sessionful.domain.message import Message, Text, Value
from sessionful.models.dialogue import alternating, in_words, system_prompt
from sessionful.models.llama_cpp import WEIGHTS, Call, Reading, Runtime, load, threads, weights
from sessionful.models.llama_cpp_tokens import Tokenizer
from sessionful.ports import ModelRequest, Piece

SYSTEM = "You are a helpful AI assistant."  # without one the template puts in its own, which derails this small model

_FRAME = 5  # <|im_start|>, the role, a line break; <|im_end|>, a line break


class Sampling(Value):
    """What `options` may hold. The defaults are those of the model's card; `max_tokens` bounds its loops."""

    temperature: float = Field(default=0.2, ge=0, le=2)
    top_p: float = Field(default=0.9, gt=0, le=1)
    max_tokens: int = Field(default=1024, ge=1)
    seed: int | None = Field(default=None, ge=0, lt=2**32 - 1)
    stop: str | tuple[str, ...] = ()


class LocalModel:
    """Loads on first use. `n_ctx` is the window in tokens, prompt and answer together; `n_threads` defaults to
    half of the cores; `options` stand in for those a request leaves out.

    Takes text only. Tools are refused: the template has no place for them, and when a grammar forced the form, a model
    of this size called a tool at every question, also at "Hello!". A `schema` is enforced by a grammar.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        n_ctx: int = 8192,
        n_threads: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._path = None if path is None else Path(path)
        self._n_ctx = n_ctx
        self._threads = n_threads or threads()
        self._options = dict(options or {})
        self._name = _name(WEIGHTS if self._path is None else self._path.name)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="local-model")
        self._closed = threading.Event()
        self._runtime: Runtime | None = None
        self._tokenizer: Tokenizer | None = None

    @property
    def name(self) -> str:
        return self._name

    async def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:
        """Raises ModelUnavailable when a package or the file is missing, InvalidRequest for tools, images, unknown
        options, a schema that no grammar can be made of, and a prompt that does not fit into the window."""
        body = self._body(request)
        call = Call(asyncio.get_running_loop(), self._closed)
        if self._closed.is_set():
            raise ModelUnavailable(f"{self._name} was closed")
        job = self._worker.submit(self._generate, body, call)
        reading = Reading(self._name)
        try:
            while (chunk := await call.next()) is not None:
                for piece in reading.pieces(chunk):
                    yield piece
            yield reading.finish()
        finally:
            call.stopped.set()
            job.cancel()

    def tokens(self, message: Message) -> int:
        """See core.memory.tokens. Exact once the model is loaded, where it frames messages as SmolLM2 does (ChatML);
        before that an estimate."""
        text = _plain("\n\n".join(part.text for part in in_words(message).parts if isinstance(part, Text)))
        counted = self._tokenizer.count(text) if self._tokenizer is not None else None
        frame = _FRAME + (message.role == "assistant")  # a word of two tokens
        return frame + (estimated(text) if counted is None else counted)

    async def close(self) -> None:
        """Stop what runs and free the memory."""
        if not self._closed.is_set():
            self._closed.set()
            unloaded = self._worker.submit(self._unload)
            self._worker.shutdown(wait=False)
            await asyncio.wrap_future(unloaded)

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        if request.tools:
            raise InvalidRequest(f"{self._name} does not support tools; configure a larger model", field="tools")
        sampling = self._sampling({**self._options, **request.options})
        system = system_prompt(request) or ("" if self._path else SYSTEM)
        messages = [{"role": m.role, "content": self._text(m)} for m in alternating(request.messages, tools=False)]
        body: dict[str, Any] = {
            "messages": [{"role": "system", "content": _plain(system)}, *messages] if system else messages,
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
            **sampling.model_dump(exclude_none=True, exclude={"stop"}),
        }
        if sampling.stop:
            body["stop"] = [sampling.stop] if isinstance(sampling.stop, str) else list(sampling.stop)
            body["verbose"] = True  # only then does the last chunk say that a stop sequence ended it
        if request.schema is not None:
            schema = {"name": "answer", "schema": dict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _sampling(self, options: Mapping[str, Any]) -> Sampling:
        try:
            return Sampling.model_validate({k: v for k, v in options.items() if v is not None})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = f"options.{first['loc'][0]}"
            problem = f"does not know {field}" if first["type"] == "extra_forbidden" else f"{field}: {first['msg']}"
            raise InvalidRequest(f"{self._name}: {problem}", field=field) from None

    def _text(self, message: Message) -> str:
        for part in message.parts:
            if not isinstance(part, Text):
                raise InvalidRequest(f"{self._name} takes text only, no {part.type}", field="messages")
        return _plain("\n\n".join(part.text for part in message.parts if isinstance(part, Text)))

    def _generate(self, body: dict[str, Any], call: Call) -> None:
        """In the worker's thread. Whatever happens is told to the caller, who would else wait for ever."""
        end: AgentError | None = None
        try:
            if not call.stopped.is_set():
                self._loaded().server.handle_chat_completions(body, call.hear)
        except AgentError as error:
            end = error
        except Exception as error:
            if "response_format" in body and isinstance(error, ValueError):
                end = InvalidRequest(f"{self._name} cannot enforce this schema: {error}", field="schema")
            else:
                end = ModelError(f"{self._name} failed: {str(error)[:200]}")
        call.put(end)

    def _loaded(self) -> Runtime:
        if self._runtime is None:
            self._runtime = load(self._path or weights(), self._n_ctx, self._threads)
            self._tokenizer = Tokenizer(self._runtime)
        return self._runtime

    def _unload(self) -> None:
        self._runtime = self._tokenizer = None


def _plain(text: str) -> str:
    """The template's own marks (`<|im_start|>`) in somebody's text would forge a message of another role."""
    return re.sub(r"<\|(\w+)\|>", r"< |\1| >", text).encode("utf-8", "replace").decode()


def _name(file: str) -> str:
    stem = file.removesuffix(".gguf")
    if found := re.fullmatch(r"(.+)[.-](I?Q\d\w*|[FB]+\d+)", stem, re.IGNORECASE):
        return f"local:{found[1]} ({found[2]})"
    return f"local:{stem}"
