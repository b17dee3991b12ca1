"""What a command says of a server's answers, whatever answers there."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.cli.command import Command


class Answering(ThreadingHTTPServer):
    """Gives the same answer to every request, and keeps what it was asked with."""

    daemon_threads = True
    status: int
    body: bytes
    tokens: list[str | None]


class _Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_GET(self) -> None:
        self.server.tokens.append(self.headers["Authorization"])
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def answering(status: int, body: str) -> Iterator[tuple[str, Answering]]:
    server = Answering(("127.0.0.1", 0), _Handler)
    server.status, server.body, server.tokens = status, body.encode(), []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_token_is_sent_and_a_refusal_is_told_with_its_code(command: Command) -> None:
    refusal = {"error": {"code": "unauthenticated", "message": "who are you?", "details": {}, "request_id": "r"}}
    with answering(401, json.dumps(refusal)) as (url, server):
        told = command.fails("call", "hi", "--url", url, "--token", "secret-1")
        Command(command.folder, SESSIONFUL_TOKEN="secret-2").fails("call", "hi", "--url", url)
        command.fails("call", "hi", "--url", url)
    assert told == (1, "error: who are you? (unauthenticated)\n")
    assert server.tokens == ["Bearer secret-1", "Bearer secret-2", None]


def test_a_code_that_a_newer_server_has_is_told_as_it_is(command: Command) -> None:
    with answering(418, json.dumps({"error": {"code": "teapot", "message": "short and stout"}})) as (url, _):
        assert command.fails("call", "hi", "--url", url) == (1, "error: short and stout (teapot)\n")


@pytest.mark.parametrize(("status", "body"), [(200, "<html>"), (404, "<html>"), (502, ""), (500, "[1]")])
def test_what_is_no_sessionful_server_is_told_so(command: Command, status: int, body: str) -> None:
    with answering(status, body) as (url, _):
        code, said = command.fails("sessions", "list", "--url", url)
    assert code == 1
    assert "is that a sessionful server? (bad_answer)" in said
    assert len(said.splitlines()) == 1
