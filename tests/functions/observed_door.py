"""A door that does what its event asks for, observed: a handler, or an application for uvicorn.

`python -m tests.functions.observed_door` calls the handler with each line of its input.
"""

import json
import logging
import sys
from typing import Any

from functions.observability import Observed, count, observed
from sessionful.core.about import about
from sessionful.domain.error import StoreUnavailable

_logger = logging.getLogger("sessionful.sample")


@observed("sample")
def handler(event: dict[str, Any], context: Any) -> Any:
    with about(session_id="s1", turn_id="1-x"):
        _logger.info("inside")
        logging.getLogger("somebody.else").warning("of a library's")
    count("turns", 2)
    if "raise" in event:
        fail(event["raise"])
    return event.get("answer")


def fail(secret: str) -> None:
    try:
        raise KeyError(secret)
    except KeyError:
        try:
            raise ValueError(f"cannot read {secret}")
        except ValueError as error:
            _logger.exception("first told here")
            raise error if secret != "house" else StoreUnavailable("the store is away") from None


async def _application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    status = int(scope["query_string"] or 200)
    await send({"type": "http.response.start", "status": abs(status), "headers": []})
    await send({"type": "http.response.body", "body": b"one ", "more_body": True})
    with about(session_id="s1"):
        _logger.info("inside")
    if status < 0:
        fail("my secret")
    await send({"type": "http.response.body", "body": b"two"})


app = Observed(_application)


class _Context:
    aws_request_id = "b7a1c5f0-4d0c-4c5e-9a57-6f0b4b6f7d11"


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            handler(json.loads(line), _Context())
        except Exception as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
