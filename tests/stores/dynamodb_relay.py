"""A real HTTP server on loopback before a DynamoDB: it hears every request, and can spoil some."""

import http.client
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

Json = dict[str, Any]


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Json:
        told: Json = json.loads(self.body or b"{}")
        return told


Forward = Callable[[], Answer]


class Heard(NamedTuple):
    operation: str
    request: Json
    answer: Answer


@dataclass
class Relay:
    """`spoil` may answer in the upstream's stead, or raise LostAnswer once it has forwarded; `watch` is around both."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    spoil: Callable[[str, Json, Forward], Answer] | None = None
    watch: Callable[[str, Json, Forward], Answer] | None = None

    @property
    def operations(self) -> list[str]:
        return [heard.operation for heard in self.heard]

    def serve(self, operation: str, request: Json, forward: Forward) -> Answer:
        spoil, watch = self.spoil, self.watch

        def spoiled() -> Answer:
            return spoil(operation, request, forward) if spoil else forward()

        answer = watch(operation, request, spoiled) if watch else spoiled()
        self.heard.append(Heard(operation, request, answer))
        return answer


class LostAnswer(Exception):
    """The upstream has done what it was asked, and its answer does not arrive."""


@contextmanager
def relay_before(upstream: str) -> Iterator[Relay]:
    relay = Relay()
    target = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each body waits 40 ms for its headers to be acknowledged
        _DROPPED: ClassVar[set[str]] = {"connection", "content-length", "transfer-encoding", "date", "server"}

        def do_POST(self) -> None:
            # Whoever forwards may do so when the next request is in `self` already.
            headers = dict(self.headers)
            length = int(headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                raise ConnectionResetError("who asked is gone")

            def forward() -> Answer:
                assert target.hostname is not None
                connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
                try:
                    connection.request("POST", "/", body, headers)
                    response = connection.getresponse()
                    kept = [(name, value) for name, value in response.getheaders() if name.lower() not in self._DROPPED]
                    return Answer(response.status, kept, response.read())
                finally:
                    connection.close()

            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            try:
                answer = relay.serve(operation, json.loads(body), forward)
            except LostAnswer:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with _serving(Handler) as relay.url:
        yield relay


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed in the middle of a request are part of the tests."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
