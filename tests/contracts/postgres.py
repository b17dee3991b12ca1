"""A PostgreSQL of one's own: started where its programs are found, gone with the process that started it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 30

# The shell waits for its standard input to end, which it does whatever becomes of the tests, SIGKILL included.
_SERVE = """
"$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$2/log" 2>&1
"$1/postgres" -D "$2/data" -h 127.0.0.1 -p "$3" -k "" -F -c max_connections=200 >>"$2/log" 2>&1 &
server=$!
cat >/dev/null
kill -INT $server
wait $server
rm -rf "$2"
"""


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, if there is one; Debian keeps them out of the PATH."""
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


@contextmanager
def private_postgres() -> Iterator[str]:
    """Serves on a free port of 127.0.0.1 and yields the address of an empty database. Raises FileNotFoundError where
    PostgreSQL is not installed."""
    folder = programs()
    if folder is None:
        raise FileNotFoundError("PostgreSQL is not installed")
    account = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    home = tempfile.mkdtemp(prefix="sessionful-postgres-", dir="/tmp")  # where that account can go, too
    if account is not None:
        shutil.chown(home, account)
    port = _free_port()
    command = ["/bin/sh", "-c", _SERVE, "sh", str(folder), home, str(port)]
    shell = subprocess.Popen(command, user=account, stdin=subprocess.PIPE, cwd="/", start_new_session=True)
    try:
        _wait_for(port, shell, Path(home, "log"))
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        assert shell.stdin is not None
        shell.stdin.close()
        shell.wait(STOP_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, shell: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while not (log.exists() and "ready to accept connections" in log.read_text()):
        if shell.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError(f"PostgreSQL does not start on port {port}")
        time.sleep(0.05)
