"""Logs, metrics and traces of the doors, through Powertools, which nothing else imports.

On Lambda a line of the log is a JSON object that says which door, request, session and turn it is about: the package's
own lines and those of the libraries alike. A line tells of an exception what it was and where, but not its text unless
it is one of the house's own: the text of others may quote what a person wrote. What is told once is not told again.
"""

import json
import logging
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from traceback import extract_tb
from types import TracebackType
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics

from sessionful.core.about import about, ids
from sessionful.domain.error import AgentError

_NAME = "sessionful"
_TRACE = "_X_AMZN_TRACE_ID"
_FRAMES = 30
_ID = re.compile(r"[\w.:=;+/-]{1,256}", re.ASCII)

Handler = Callable[[Any, Any], Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_logger = logging.getLogger(f"{_NAME}.door")
_cold = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "provisioned-concurrency"


class DoorFailed(Exception):
    """In place of an exception whose text is nobody's business: Lambda writes it into the log once more."""


def observed(door: str) -> Callable[[Handler], Handler]:
    """For a handler of Lambda's: `observed("worker")(handler)`. An answer of 500 or above and each failed item of a
    batch count as errors. What the handler raises is logged; what is not an AgentError goes on as a DoorFailed."""

    def decorate(handler: Handler) -> Handler:
        def call(event: Any, context: Any) -> Any:
            try:
                with _running(door, _id(getattr(context, "aws_request_id", None))) as run:
                    answer = handler(event, context)
                    run.errors += _errors_in(answer)
                    return answer
            except AgentError:
                raise
            except Exception as error:
                raise DoorFailed(f"the door {door} failed with {type(error).__name__}; the log says where") from None

        return call

    return decorate


class Observed:
    """For an ASGI application under the Lambda Web Adapter, where no handler runs: the adapter's headers tell what a
    handler is told. A request without them is no invocation (the adapter's own, to see whether the application is
    ready) and passes by. Everything is told before the end of an answer is sent, because after it Lambda stops the
    process where it stands."""

    def __init__(self, app: App, door: str = "stream") -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers") or ())
        if scope["type"] != "http" or b"x-amzn-lambda-context" not in headers:
            await self._app(scope, receive, send)
            return
        context, request = (_json(headers.get(b"x-amzn-" + name)) for name in (b"lambda-context", b"request-context"))
        if trace := _id(context.get("xray_trace_id")):
            os.environ[_TRACE] = trace  # as the runtime does, where there is one
        with _running(self._door, _id(context.get("request_id")) or _id(request.get("requestId"))) as run:

            async def tell(message: Message) -> None:
                if message["type"] == "http.response.start":
                    run.errors += message["status"] >= 500
                elif message["type"] == "http.response.body" and not message.get("more_body"):
                    run.finish()
                await send(message)

            await self._app(scope, receive, tell)


def count(name: str, value: int = 1) -> None:
    """Adds to a metric of the door that runs."""
    if (run := _current.get()) is not None:
        run.counts[name] = run.counts.get(name, 0) + value


class _Run:
    """One invocation of a door."""

    def __init__(self, door: str, cold: bool) -> None:
        self._door, self._cold = door, cold
        self._begun = time.perf_counter()
        self._finished = False
        self.errors = 0
        self.counts: dict[str, int] = {}
        self._segment: Any = None
        if _tracer is not None:
            with suppress(Exception):  # whatever becomes of the trace, the request is served
                self._segment = _tracer.provider.begin_subsegment(f"## {door}")
                self._segment.put_annotation("ColdStart", cold)

    def finish(self) -> None:
        """Tell the metrics and end the trace; the second time it does nothing."""
        if self._finished:
            return
        self._finished = True
        if self._segment is not None:
            with suppress(Exception):
                if self.errors:
                    self._segment.add_fault_flag()
                _tracer.provider.end_subsegment()
        counts = {"requests": 1, "errors": self.errors, "cold_starts": int(self._cold), **self.counts}
        # The door is all that anybody asks for, and every dimension more is paid for by the month: hence no service.
        metrics = EphemeralMetrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or _NAME, service="")
        metrics.add_dimension("door", self._door)
        for name, value in counts.items():
            metrics.add_metric(name, "Count", value)
        metrics.add_metric("duration", "Milliseconds", (time.perf_counter() - self._begun) * 1000)
        for name, text in ids.get().items():
            metrics.add_metadata(name, text)
        metrics.flush_metrics()
        sys.stdout.flush()


_current: ContextVar[_Run | None] = ContextVar("sessionful_run", default=None)


@contextmanager
def _running(door: str, request_id: str | None) -> Iterator[_Run]:
    global _cold
    cold, _cold = _cold, False
    # A surface puts its own id in place of `request_id`: the one that the client is told.
    known = {} if request_id is None else {"request_id": request_id, "function_request_id": request_id}
    with about(door=door, cold_start=str(cold).lower(), **known):
        run = _Run(door, cold)
        before = _current.set(run)
        try:
            yield run
        except Exception as error:
            run.errors += 1
            _logger.error("the door %s failed", door, exc_info=error)
            raise
        finally:
            run.finish()
            _current.reset(before)


def _errors_in(answer: Any) -> int:
    said = answer if isinstance(answer, dict) else {}
    return len(said.get("batchItemFailures", ())) + (int(said.get("statusCode", 200)) >= 500)


def _id(value: Any) -> str | None:
    """Only what can be logged and put into the environment."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _json(header: bytes | None) -> dict[str, Any]:
    try:
        said = json.loads(header or b"{}")
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {}


class _Lines(LambdaPowertoolsFormatter):
    def formatException(self, ei: tuple[type[BaseException] | None, BaseException | None, TracebackType | None]) -> str:
        return "" if ei[1] is None else "\n".join(_told(ei[1]))


def _told(error: BaseException, because: str = "") -> Iterator[str]:
    said = f": {error.message} ({error.code})" if isinstance(error, AgentError) else ""
    yield f"{because}{type(error).__module__}.{type(error).__qualname__}{said}"
    for frame in extract_tb(error.__traceback__)[-_FRAMES:]:
        yield f"  {frame.filename}:{frame.lineno} {frame.name}"
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _told(inner, "among them ")
    if (cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        yield from _told(cause, "because of ")


class _Stdout(logging.Handler):
    """Whatever stdout is at the time: Lambda puts another in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(f"{self.format(record)}\n")
        sys.stdout.flush()


def _complete(record: logging.LogRecord) -> bool:
    """Adds the ids. False for an exception that was told before, on its way from one to the next."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        if getattr(error, "was_told", False):
            return False
        with suppress(AttributeError):
            error.was_told = True  # type: ignore[attr-defined]
    for name, text in ids.get().items():
        setattr(record, name, text)
    return True


def _set_up_logs() -> None:
    """The package's lines go to stdout, at the level that POWERTOOLS_LOG_LEVEL or the function's own setting asks for;
    so do those of others, which have a level of their own."""
    logging.root.handlers = [_Stdout()]  # Lambda's own would not end a line
    lines = _Lines(serialize_stacktrace=False, use_rfc3339=True, utc=True)
    Logger(service=_NAME, logger_handler=_Stdout(), logger_formatter=lines)  # keeps its own out of root's handlers
    for handler in (*logging.getLogger(_NAME).handlers, *logging.root.handlers):
        handler.setFormatter(lines)
        handler.addFilter(_complete)
    uvicorn = logging.getLogger("uvicorn")
    uvicorn.handlers, uvicorn.propagate = [], True


def _new_tracer() -> Any:
    """None where nothing is traced: X-Ray's library takes longer to load than the rest of a door."""
    env = os.environ
    off = env.get("POWERTOOLS_TRACE_DISABLED", "").lower() in ("1", "true", "yes", "on") or "AWS_SAM_LOCAL" in env
    if off or "AWS_XRAY_DAEMON_ADDRESS" not in env or "LAMBDA_TASK_ROOT" not in env:
        return None
    from aws_lambda_powertools import Tracer

    # Only botocore: its calls are made in threads, one at a time in each, as the recorder needs it.
    return Tracer(service=_NAME, auto_patch=True, patch_modules=("botocore",))


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _set_up_logs()
_tracer = _new_tracer()
