"""A Python process as Lambda's: it loads a handler once and calls it with one event after the other.

`python -m tests.functions.lambda_process MODULE.HANDLER FD`: a line of standard input is an event and its time, and a
line at the file descriptor is what came of it.
"""

import json
import os
import sys
import time
from importlib import import_module
from typing import Any
from uuid import uuid4


class Context:
    def __init__(self, seconds: float) -> None:
        self.aws_request_id = str(uuid4())
        self.function_name = "door"
        self.memory_limit_in_mb = 512
        self.invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:door"
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(int((self._until - time.monotonic()) * 1000), 0)


def main(path: str, fd: int) -> None:
    module, _, name = path.rpartition(".")
    out = os.fdopen(fd, "w")
    handler = getattr(import_module(module), name)
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        try:
            told: dict[str, Any] = {"answer": handler(asked["event"], Context(asked["seconds"]))}
        except Exception as error:
            told = {"error": type(error).__name__, "message": str(error)}
        print(json.dumps({**told, "modules": sorted(sys.modules)}), file=out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
