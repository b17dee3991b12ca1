"""Objects as files of a folder: one folder a log, one file an object."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from sessionful.domain.error import StoreUnavailable
from sessionful.stores.objects.protocol import checked, checked_prefix

_UNFINISHED = ".part"


class Files:
    """The folder is made with the first object. Any number of processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: bytes) -> None:
        path = self._folder / checked(name)
        with _failures():
            _make_folder(path.parent)
            _write(path, content)

    def get(self, name: str) -> bytes | None:
        with _failures():
            try:
                return (self._folder / checked(name)).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def drop(self, name: str) -> None:
        with _failures():
            (self._folder / checked(name)).unlink(missing_ok=True)

    def erase(self, prefix: str) -> None:
        log, _, start = checked_prefix(prefix).partition("/")
        folder = self._folder / log
        with _failures(), contextlib.suppress(FileNotFoundError):
            for path in folder.iterdir():
                if path.name.startswith(start):
                    path.unlink(missing_ok=True)
            if not start:
                folder.rmdir()

    def knows(self, log: str) -> bool:
        """Whether there may be objects of this log: a cheap look."""
        with _failures():
            return (self._folder / checked_prefix(f"{log}/")).is_dir()

    def close(self) -> None:
        """Nothing is held open."""


def _write(path: Path, content: bytes) -> None:
    """Under its name it is whole, and on the disk."""
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}{_UNFINISHED}")
    try:
        with open(unfinished, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _sync(folder.parent)
        _sync(folder.parent.parent)


def _sync(folder: Path) -> None:
    """A new name is on the disk only when its folder is. (Windows opens no folders, and needs none of this.)"""
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = error.strerror or type(error).__name__
        raise StoreUnavailable("the folder of the session store's large entries cannot be used", reason=code) from None
