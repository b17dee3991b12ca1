"""The ledger: each execution of a tool, written down by the tool itself, whatever becomes of its process."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sessionful.ports import ToolContext, ToolSpec

_SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}


class Execution(NamedTuple):
    """One line: an execution has begun (`phase` is `begun`), or is done. `key` is the idempotency key it was given."""

    tool: str
    phase: str
    key: str
    run: str
    session: str
    turn: str
    call: str


class LedgerTool:
    """Writes down that it begins, works for a while, and writes down that it is done. Its answer names the run."""

    def __init__(self, name: str, ledger: Path, seconds: float, idempotent: bool) -> None:
        self.spec = ToolSpec(name, f"Does {name}.", _SCHEMA)
        self.idempotent = idempotent
        self._ledger, self._seconds = ledger, seconds
        self._runs = 0

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        self._runs += 1
        run = f"{os.getpid()}-{self._runs}"
        line = Execution(
            self.spec.name, "begun", context.idempotency_key, run, context.session_id, context.turn_id, context.call_id
        )
        await asyncio.to_thread(_append, self._ledger, line)
        await asyncio.sleep(self._seconds)
        await asyncio.to_thread(_append, self._ledger, line._replace(phase="done"))
        return f"{self.spec.name} of {arguments['amount']} was run {run}"


def read_ledger(path: Path) -> list[Execution]:
    """In the order they were written. A last line that broke off was written by a process that was killed in it."""
    text = path.read_text() if path.exists() else ""
    return [Execution(*json.loads(line)) for line in text.split("\n")[:-1]]


def _append(path: Path, line: Execution) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, (json.dumps(line) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
