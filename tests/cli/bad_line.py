"""A line to a server that breaks: it carries bytes both ways, and cuts some answers off in the middle."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class BadLine:
    """The next `cuts` answers to requests for a stream are cut off after `after` bytes."""

    def __init__(self, listening: socket.socket, upstream: tuple[str, int], cuts: int, after: int) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.cuts_left, self._after = cuts, after
        self._listening, self._upstream = listening, upstream

    def carry(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._upstream) as server:
            asked: list[bytes] = []
            up = threading.Thread(target=_pump, args=(client, server, asked), daemon=True)
            up.start()
            told = 0
            with contextlib.suppress(OSError):
                while chunk := server.recv(65536):
                    if b"/stream?" in b"".join(asked):
                        if self.cuts_left and told + len(chunk) > self._after:
                            self.cuts_left -= 1
                            client.sendall(chunk[: max(0, self._after - told)])
                            break
                        told += len(chunk)
                    client.sendall(chunk)
            for side in (client, server):
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
            up.join()


def _pump(source: socket.socket, target: socket.socket, asked: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            asked.append(chunk)
            target.sendall(chunk)


@contextmanager
def bad_line(url: str, *, cuts: int, after: int) -> Iterator[BadLine]:
    to = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        line = BadLine(listening, (to.hostname or "", to.port or 0), cuts, after)
        thread = threading.Thread(target=line.carry, daemon=True)
        thread.start()
        yield line
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
