"""Forks servers: a process that has imported everything once, so that one more costs no second. Its children die with
it, and it dies with whoever talks to it on its standard input."""

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from tests.torture.faults import Faults
from tests.torture.server import Options, serve, store_class


class Nursery:
    """A child that died stays a zombie until it is buried by name, so its number is never another's."""

    def __init__(self) -> None:
        self._lifeline = os.pipe()
        self._children: set[int] = set()

    def warm(self, store: str) -> None:
        """Loads what servers at this store need."""
        store_class(store)

    def start(self, options: dict[str, Any], log: str) -> int:
        child = os.fork()
        if child:
            self._children.add(child)
            return child
        try:
            self._live(Options(**{**options, "faults": Faults(**options["faults"])}), Path(log))
        finally:
            os._exit(1)

    def end(self, child: int, number: int) -> int:
        """Send the signal, wait, and tell the status: negative for the signal it died of."""
        if child not in self._children:
            raise ValueError(f"{child} is no child of this house")
        os.kill(child, number)
        return self._bury(os.waitpid(child, 0))

    def look(self, child: int) -> int | None:
        """How it ended; None while it lives."""
        found = os.waitpid(child, os.WNOHANG)
        return self._bury(found) if found[0] else None

    def close(self) -> None:
        for child in tuple(self._children):
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                self.end(child, signal.SIGKILL)

    def _bury(self, found: tuple[int, int]) -> int:
        self._children.discard(found[0])
        return os.waitstatus_to_exitcode(found[1])

    def _live(self, options: Options, log: Path) -> None:
        os.close(self._lifeline[1])
        with log.open("ab") as out, open(os.devnull, "rb") as nothing:
            for descriptor, instead in enumerate((nothing, out, out)):
                os.dup2(instead.fileno(), descriptor)
        threading.Thread(target=self._die_with_parent, daemon=True).start()
        serve(options)
        sys.stdout.flush()
        os._exit(0)

    def _die_with_parent(self) -> None:
        os.read(self._lifeline[0], 1)
        os._exit(1)


def main() -> None:
    """One line of JSON asks, `[verb, argument, ...]`, and one answers."""
    nursery = Nursery()
    try:
        for line in sys.stdin:
            verb, *arguments = json.loads(line)
            answer = getattr(nursery, verb)(*arguments)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        nursery.close()


if __name__ == "__main__":
    main()
