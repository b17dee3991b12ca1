"""AWS for doors that run on this machine, in containers of `sam local` too: the table, the worker's queue, and an end
for what is sent to WebSocket connections. All of it is in memory (moto), and gone when this ends.

`python -m tests.functions.local_aws` writes the file for SAM's --env-vars and serves until Ctrl-C.
"""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import boto3

from sessionful.stores.dynamodb.table import create_table
from tests.contracts.dynamodb import moto_app, served
from tests.functions.cloud import AWS, REGION, ROOT

PORT = 4566
STREAM_URL = "http://127.0.0.1:8000"
"""Where the streaming door may be started: SAM serves no Function URLs."""

_TABLE, _QUEUE = "sessions", "worker"
_ACCOUNT = "123456789012"  # moto's
_CONNECTIONS = "/@connections/"
_ENV_FILE = ROOT / "infra" / ".build" / "local_aws.json"


def environment(endpoint: str) -> dict[str, str]:
    """What a door is told instead of what its template says. SAM hands on no variable that the template does not name,
    so the endpoint stands in these; and no bucket does, as nothing would say where that one is."""
    return {
        "SESSIONFUL_STORE": f"dynamodb:{_TABLE}?{urlencode({'region': REGION, 'endpoint_url': endpoint})}",
        "SESSIONFUL_ALARMS": f"sqs:{endpoint}/{_ACCOUNT}/{_QUEUE}",
        "SESSIONFUL_STREAM_URL": STREAM_URL,
    }


class LocalAws:
    """One a process: what moto holds is the process's. `seen_as` is the host by which the doors find this one. `told`
    hears of each frame for a connection, and `posted` keeps them."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        seen_as: str | None = None,
        told: Callable[[str, str], None] = lambda connection, text: None,
    ) -> None:
        self.posted: list[tuple[str, str]] = []
        self._told, self._moto = told, moto_app()
        self.url = served(self._answer, host, port)
        create_table(self._client("dynamodb"), _TABLE)
        self._client("sqs").create_queue(QueueName=_QUEUE)
        self.environment = environment(f"http://{seen_as or host}:{urlsplit(self.url).port}")

    def _client(self, service: str) -> Any:
        keys: Any = {
            "aws_access_key_id": AWS["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": AWS["AWS_SECRET_ACCESS_KEY"],
        }
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        before, posting, connection = environ["PATH_INFO"].partition(_CONNECTIONS)
        if not before or not posting:
            answer: Iterable[bytes] = self._moto(environ, start_response)
            return answer
        if environ["REQUEST_METHOD"] == "POST":
            text = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
            self.posted.append((unquote(connection), text))
            self._told(unquote(connection), text)
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.functions.local_aws", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where it listens; containers on Linux see 172.17.0.1")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--seen-as", default="host.docker.internal", help="the host by which the doors find it")
    parser.add_argument("--env-vars", type=Path, default=_ENV_FILE, help="the file that it writes for SAM")
    asked = parser.parse_args()
    aws = LocalAws(asked.host, asked.port, asked.seen_as, lambda connection, text: _say(f"{connection} <- {text}"))
    asked.env_vars.parent.mkdir(parents=True, exist_ok=True)
    asked.env_vars.write_text(json.dumps({"Parameters": aws.environment}, indent=2) + "\n")
    _say(f"{aws.url}: what the doors are told is in {asked.env_vars}")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
