"""SQS for the tests: moto's server, set right where a queue of AWS's is stricter, on a clock that tests move."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest

from tests.loopback import Loopback

_GLANCE_SECONDS = 0.02

Application = Callable[..., Iterable[bytes]]


@cache
def sqs_url() -> str:
    """Where it listens; started once, until the process of tests ends."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = _Turnstile(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


@cache
def sqs_client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "sqs",
        endpoint_url=sqs_url(),
        region_name="eu-central-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(max_pool_connections=32),
    )


@contextmanager
def a_queue(**attributes: str) -> Iterator[str]:
    """A new queue's URL; it is gone afterwards."""
    client = sqs_client()
    url: str = client.create_queue(QueueName=f"alarms-{uuid4().hex}", Attributes=attributes)["QueueUrl"]
    yield url
    client.delete_queue(QueueUrl=url)


@contextmanager
def on_clock(clock: Callable[[], int]) -> Iterator[None]:
    """A message's delays and invisibility go by this clock; and a receipt is of one receiving only, as AWS has it."""
    with pytest.MonkeyPatch.context() as moto:
        moto.setattr("moto.sqs.models.unix_time_millis", clock)
        moto.setattr("moto.sqs.models.Message.visible", property(lambda message: clock() >= message.visible_at))
        moto.setattr("moto.sqs.models.Message.had_receipt_handle", _is_the_last)
        yield


def _is_the_last(message: Any, receipt: str) -> bool:
    return bool(message.receipt_handle == receipt)


class _Turnstile:
    """moto has no isolation between requests, so they are let in one at a time; and whoever waits for messages asks
    again and again, so that it holds nobody up."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        wait = 0.0
        if environ.get("HTTP_X_AMZ_TARGET") == "AmazonSQS.ReceiveMessage":
            asked = json.loads(body)
            wait = asked.pop("WaitTimeSeconds", 0)
            body = json.dumps(asked).encode()
        give_up = time.monotonic() + wait
        while True:
            told: list[Any] = []
            request = {**environ, "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
            with self._lock:
                answer = list(self._app(request, lambda *head, told=told: told.extend(head)))
            if not wait or b'"Messages"' in b"".join(answer) or time.monotonic() >= give_up:
                start_response(*told[:2])
                return answer
            time.sleep(_GLANCE_SECONDS)


class SameAnswer(Loopback):
    """An SQS that says the same to everybody, and keeps what it was asked."""

    def __init__(self, answer: bytes, status: str = "200 OK") -> None:
        super().__init__()
        self._answer, self._status = answer, status
        self.asked: list[dict[str, Any]] = []
        self.headers: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            self.headers.append(head)
            self.asked.append(json.loads(await reader.readexactly(length)))
            if wait := self.asked[-1].get("WaitTimeSeconds"):
                await asyncio.sleep(wait)
            lines = [f"HTTP/1.1 {self._status}", "Content-Type: application/x-amz-json-1.0"]
            lines += [f"Content-Length: {len(self._answer)}", "", ""]
            writer.write("\r\n".join(lines).encode() + self._answer)
            await writer.drain()
