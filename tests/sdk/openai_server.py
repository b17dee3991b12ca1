"""An OpenAI-compatible server on loopback whose brain is a function of the request's messages."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Brain = Callable[[list[dict[str, Any]], dict[str, Any]], "str | dict[str, Any]"]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    brain: Brain
    requests: list[dict[str, Any]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        answer = self.server.brain(body["messages"], body)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for delta in _deltas(answer):
            self._send({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        reason = "stop" if isinstance(answer, str) else "tool_calls"
        self._send({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        usage = {"prompt_tokens": len(body["messages"]), "completion_tokens": 3, "total_tokens": 9}
        self._send({"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _send(self, chunk: dict[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

    def log_message(self, *_: Any) -> None: ...


def _deltas(answer: "str | dict[str, Any]") -> Iterator[dict[str, Any]]:
    if isinstance(answer, str):
        for word in answer.split(" "):
            yield {"role": "assistant", "content": word + " "}
        return
    call = {"index": 0, "id": "call_1", "type": "function", "function": answer}
    yield {"role": "assistant", "content": None, "tool_calls": [call]}


@contextmanager
def openai_server(brain: Brain) -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), _Handler)
    server.brain, server.requests = brain, []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
