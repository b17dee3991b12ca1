"""Folders that are built once for each content of what they are made from."""

import os
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory


def digest(*files: Mapping[Path, bytes]) -> str:
    """A short name for these files: for what they are called and what is in them."""
    whole = sha256()
    for name, text in (named for group in files for named in group.items()):
        whole.update(sha256(name.as_posix().encode()).digest() + sha256(text).digest())
    return whole.hexdigest()[:16]


def built(folder: Path, fill: Callable[[Path], None]) -> Path:
    """The folder; when it is not there yet, `fill` makes its content.

    It appears whole or not at all, so that a build that is broken off, or another one at the same time, does no harm.
    Whatever `fill` raises is raised."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".building-", dir=folder.parent) as staging:
        made = Path(staging) / folder.name
        made.mkdir()
        fill(made)
        _readable_by_all(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another build was quicker
                raise
    return folder


def _readable_by_all(folder: Path) -> None:
    """Lambda reads as another user; a strict umask here would lock it out."""
    for root, _, files in os.walk(folder):
        Path(root).chmod(0o755)
        for name in files:
            file = Path(root) / name
            file.chmod(0o755 if file.suffix in {".sh", ".so"} else 0o644)
