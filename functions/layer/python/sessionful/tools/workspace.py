"""A session's work directory, as the only folder that a file tool can reach.

Every path is walked from the open directory, one component at a time, relative to the descriptor of the one before and
with O_NOFOLLOW (openat(2)): no link is followed, and nothing that moves meanwhile can lead the walk outside.
"""

import contextlib
import errno
import os
import posixpath
import secrets
import stat
from collections.abc import Generator, Iterator
from itertools import islice
from typing import BinaryIO, Literal, NamedTuple

from sessionful.domain.error import ToolError
from sessionful.ports import ToolContext

SKIPPED = frozenset({".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__"})
"""Folders that a walk names but does not enter: nobody wrote by hand what is in them."""

_DEPTH = 32  # each level of a walk holds a descriptor open
_ENTRIES = 10_000  # of one folder
_POSIX = os.open in os.supports_dir_fd
_ROOT = os.O_RDONLY | os.O_DIRECTORY if _POSIX else 0  # where it lies is the operator's business: links are followed
_FOLDER = _ROOT | os.O_NOFOLLOW if _POSIX else 0
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK if _POSIX else 0  # a named pipe must not block the opening
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW if _POSIX else 0


class Found(NamedTuple):
    """`path` is relative to the work directory; `folder` is the open descriptor of where `name` is, until the walk goes
    on."""

    path: str
    name: str
    kind: Literal["file", "folder", "link", "other"]
    folder: int


class Workspace:
    """Paths are relative to the work directory. All methods raise ToolError, with a text for the model."""

    def __init__(self, root: str) -> None:
        self.root = root

    @classmethod
    def of(cls, context: ToolContext) -> "Workspace":
        if context.work_dir is None:
            raise ToolError("this session has no work directory, so there are no files")
        return cls(context.work_dir)

    @contextlib.contextmanager
    def folder(self, path: str = ".", create: bool = False) -> Iterator[int]:
        """The folder's descriptor. `create` makes what is missing of the path."""
        with _told_as(path), self._walked(_steps(path), create) as folder:
            yield folder

    def place(self, path: str = ".") -> str:
        """The absolute path of a folder, for those who cannot use a descriptor."""
        with self.folder(path):
            return os.path.join(os.path.realpath(self.root), *_steps(path))

    @contextlib.contextmanager
    def file(self, path: str) -> Iterator[BinaryIO]:
        """A regular file, opened for reading."""
        *folders, name = _steps(path) or ["."]
        with _told_as(path), self._walked(folders) as folder, open_in(folder, name) as file:
            yield file

    def write(self, path: str, content: bytes) -> bool:
        """Puts the file in place at once: a reader sees the old or the new content, never half of it. Returns whether
        there was one before. Folders on the way are made."""
        *folders, name = _steps(path) or ["."]
        with _told_as(path), self._walked(folders, create=True) as folder:
            mode = _mode_of_file(folder, name)
            draft = f".{secrets.token_hex(8)}.part"
            handle = os.open(draft, _NEW, 0o666, dir_fd=folder)
            try:
                with open(handle, "wb") as file:
                    file.write(content)
                    if mode is not None:
                        os.fchmod(handle, mode)
                os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(draft, dir_fd=folder)
                raise
            return mode is not None

    def walk(self, path: str = ".", depth: int = _DEPTH) -> Generator[Found, None, None]:
        """What is below a folder, by name, `depth` levels deep. Whoever stops early closes the iterator."""
        with self.folder(path) as folder:
            yield from _below(folder, "/".join(_steps(path)), min(depth, _DEPTH))

    @contextlib.contextmanager
    def _walked(self, steps: list[str], create: bool = False) -> Iterator[int]:
        if not _POSIX:
            raise ToolError("files can be reached on systems with openat(2) only, such as Linux and macOS")
        try:
            folder = os.open(self.root, _ROOT)
        except OSError as error:
            raise ToolError(f"the session's work directory cannot be opened: {_reason(error)}") from None
        try:
            for step in steps:
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(step, dir_fd=folder)
                inner = os.open(step, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


def open_in(folder: int, name: str) -> BinaryIO:
    """A regular file of an open folder, for reading; raises OSError, or ToolError for anything but a file."""
    handle = os.open(name, _READ, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ToolError(f"{name} is not a regular file")
    return open(handle, "rb")


def _steps(path: str) -> list[str]:
    """Purely by text: since links are refused, `a/../b` cannot mean anything but `b`."""
    if "\0" in path:
        raise ToolError("a path cannot hold a NUL character")
    normal = posixpath.normpath(path)
    if normal.startswith("/"):
        raise ToolError(f"{path} is an absolute path; paths are relative to the session's work directory")
    if normal.split("/")[0] == "..":
        raise ToolError(f"{path} lies outside the session's work directory")
    return [] if normal == "." else normal.split("/")


@contextlib.contextmanager
def _told_as(path: str) -> Iterator[None]:
    """System errors in the model's words, without the place of the work directory."""
    try:
        yield
    except (NotADirectoryError, IsADirectoryError):
        raise ToolError(f"{path}: a folder is no file, a file no folder, and links are not followed") from None
    except OSError as error:
        raise ToolError(f"{path}: {_reason(error)}") from None
    except UnicodeEncodeError:
        raise ToolError("the path holds characters that no file name can have") from None


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "it is a link, and links are not followed"
    return os.strerror(error.errno or errno.EIO)


def _mode_of_file(folder: int, name: str) -> int | None:
    """The permissions of the file to be replaced, None when there is none yet."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise ToolError(f"{name} is there already, and is not a regular file")
    return stat.S_IMODE(mode)


def _below(folder: int, path: str, depth: int) -> Iterator[Found]:
    with os.scandir(folder) as entries:
        listed = sorted(islice(entries, _ENTRIES), key=lambda entry: entry.name)
    for entry in listed:
        place = f"{path}/{entry.name}" if path else entry.name
        kind = _kind(entry)
        yield Found(place, entry.name, kind, folder)
        if kind == "folder" and depth > 1 and entry.name not in SKIPPED:
            try:
                inner = os.open(entry.name, _FOLDER, dir_fd=folder)
            except OSError:  # gone, replaced or closed to us since it was listed
                continue
            try:
                yield from _below(inner, place, depth - 1)
            finally:
                os.close(inner)


def _kind(entry: "os.DirEntry[str]") -> Literal["file", "folder", "link", "other"]:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"
