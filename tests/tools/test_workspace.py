"""The walls of the work directory, also against links, races and odd paths."""

import contextlib
import os
import posixpath
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionful.domain.error import ToolError
from sessionful.tools.workspace import SKIPPED, Workspace

SECRET = b"outside: nobody may see this"


def read(space: Workspace, path: str) -> bytes:
    with space.file(path) as file:
        return file.read()


@pytest.fixture
def space(work_dir: Path) -> Workspace:
    (work_dir.parent / "secret.txt").write_bytes(SECRET)
    return Workspace(str(work_dir))


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "a/../../secret.txt", "..", "/etc/passwd", "//etc/passwd", "a\0b", "", ".", "a/.."],
)
def test_a_path_that_is_no_file_inside_is_refused(space: Workspace, path: str) -> None:
    with pytest.raises(ToolError):
        read(space, path)
    with pytest.raises(ToolError):
        space.write(path, b"x")
    assert read(Workspace(str(Path(space.root).parent)), "secret.txt") == SECRET


def test_dots_that_stay_inside_are_fine(space: Workspace) -> None:
    space.write("a/b/../c.txt", b"content")
    assert read(space, "./a//x/../c.txt") == b"content"
    assert (Path(space.root) / "a" / "c.txt").read_bytes() == b"content"


@pytest.mark.parametrize("target", ["../secret.txt", "real.txt", "nowhere"])
def test_a_link_to_a_file_is_neither_read_nor_written(space: Workspace, target: str) -> None:
    root = Path(space.root)
    (root / "real.txt").write_text("inside")
    (root / "link.txt").symlink_to(target)
    with pytest.raises(ToolError, match="link"):
        read(space, "link.txt")
    with pytest.raises(ToolError):
        space.write("link.txt", b"x")
    assert (root / "real.txt").read_text() == "inside"
    assert (root.parent / "secret.txt").read_bytes() == SECRET


def test_a_link_to_a_folder_is_not_entered(space: Workspace) -> None:
    (Path(space.root) / "out").symlink_to("..")
    with pytest.raises(ToolError, match="links are not followed"):
        read(space, "out/secret.txt")
    with pytest.raises(ToolError):
        space.write("out/new.txt", b"x")
    with pytest.raises(ToolError):
        list(space.walk("out"))
    with pytest.raises(ToolError):
        space.place("out")
    assert [(found.path, found.kind) for found in space.walk()] == [("out", "link")]
    assert not (Path(space.root).parent / "new.txt").exists()


def test_another_name_of_a_file_outside_is_replaced_and_not_written_through(space: Workspace) -> None:
    outside = Path(space.root).parent / "secret.txt"
    os.link(outside, Path(space.root) / "same.txt")
    space.write("same.txt", b"mine")
    assert outside.read_bytes() == SECRET
    assert read(space, "same.txt") == b"mine"


def test_the_work_directory_itself_may_be_a_link(space: Workspace) -> None:
    (Path(space.root).parent / "alias").symlink_to(space.root)
    Workspace(str(Path(space.root).parent / "alias")).write("a.txt", b"x")
    assert read(space, "a.txt") == b"x"


def test_a_missing_work_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="work directory cannot be opened") as caught:
        read(Workspace(str(tmp_path / "gone")), "a.txt")
    assert str(tmp_path) not in caught.value.message


def test_a_named_pipe_blocks_nobody(space: Workspace) -> None:
    os.mkfifo(Path(space.root) / "pipe")
    with pytest.raises(ToolError, match="not a regular file"):
        read(space, "pipe")
    with pytest.raises(ToolError, match="not a regular file"):
        space.write("pipe", b"x")


def test_a_replaced_file_keeps_its_permissions(space: Workspace) -> None:
    script = Path(space.root) / "run.sh"
    script.write_text("old")
    script.chmod(0o750)
    assert space.write("run.sh", b"new") is True
    assert stat.S_IMODE(script.stat().st_mode) == 0o750
    assert space.write("other.sh", b"new") is False


def test_a_failed_write_leaves_nothing_behind(space: Workspace) -> None:
    (Path(space.root) / "folder").mkdir()
    with pytest.raises(ToolError):
        space.write("folder", b"x")
    with pytest.raises(ToolError, match="File name too long"):
        space.write("n" * 300, b"x")
    assert os.listdir(space.root) == ["folder"]


def test_a_walk_names_bulky_folders_and_does_not_enter_them(space: Workspace) -> None:
    for name in SKIPPED:
        space.write(f"{name}/inner.txt", b"x")
    space.write("src/main.py", b"x")
    assert [found.path for found in space.walk()] == sorted([*SKIPPED, "src", "src/main.py"])


def test_a_walk_that_is_left_early_closes_its_folders(space: Workspace) -> None:
    space.write("a/b/c/d.txt", b"x")
    before = len(os.listdir("/proc/self/fd"))
    walk = space.walk()
    for found in walk:
        if found.name == "d.txt":
            break
    walk.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_very_deep_tree_is_walked_only_so_far(space: Workspace) -> None:
    space.write("d/" * 200 + "x.txt", b"x")
    assert len(list(space.walk())) == 32


STEPS = st.sampled_from(
    ["..", ".", "", "a", "b", "f.txt", "out", "in", "file_out", "loop", "é", "\0", " ", "~", "a\\..\\.."]
)
PATHS = st.builds(
    lambda start, steps: start + "/".join(steps),
    st.sampled_from(["", "/", "//", "./", "../"]),
    st.lists(STEPS, max_size=6),
)


@contextlib.contextmanager
def a_trapped_tree() -> Iterator[tuple[Path, Path]]:
    """A work directory with links to the outside, to the inside, to themselves; and the outside."""
    with tempfile.TemporaryDirectory() as place:
        outside, work = Path(place) / "outside", Path(place) / "outside" / "work"
        (work / "a" / "b").mkdir(parents=True)
        (outside / "a").mkdir()
        for secret in (outside / "f.txt", outside / "a" / "f.txt"):
            secret.write_bytes(SECRET)
        (work / "f.txt").write_bytes(b"inside")
        (work / "a" / "f.txt").write_bytes(b"inside")
        for folder in (work, work / "a"):
            (folder / "out").symlink_to(outside)
            (folder / "file_out").symlink_to(outside / "f.txt")
            (folder / "in").symlink_to(work / "a")
            (folder / "loop").symlink_to("loop")
        yield work, outside


def snapshot(outside: Path, work: Path) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in outside.rglob("*")
        if work not in path.parents
    }


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["read", "write", "walk", "place"]), PATHS), min_size=1, max_size=4))
def test_no_path_reads_or_touches_anything_outside(acts: list[tuple[str, str]]) -> None:
    with a_trapped_tree() as (work, outside):
        space, before = Workspace(str(work)), snapshot(outside, work)
        for act, path in acts:
            with contextlib.suppress(ToolError):
                if act == "read":
                    assert read(space, path) != SECRET
                elif act == "write":
                    space.write(path, b"written")
                    assert (work / posixpath.normpath(path)).read_bytes() == b"written"
                elif act == "walk":
                    assert all(".." not in found.path.split("/") for found in space.walk(path))
                else:
                    assert Path(space.place(path)).resolve().is_relative_to(work.resolve())
        assert snapshot(outside, work) == before


SWAP = """
import ctypes
exchange = ctypes.CDLL(None).renameat2
while True:
    exchange(-100, b"folder", -100, b"trap", 2)  # AT_FDCWD, RENAME_EXCHANGE
"""


def test_a_folder_that_turns_into_a_link_meanwhile_leads_nobody_outside(space: Workspace) -> None:
    """Another process swaps the folder for a link and back, as fast as it can, while files are read and written."""
    root, outside = Path(space.root), Path(space.root).parent / "outside"
    outside.mkdir()
    (outside / "f.txt").write_bytes(SECRET)
    (root / "folder").mkdir()
    (root / "folder" / "f.txt").write_bytes(b"inside")
    (root / "trap").symlink_to(outside)
    reached = refused = 0
    until = time.monotonic() + 2
    with subprocess.Popen([sys.executable, "-S", "-c", SWAP], cwd=root) as swapper:
        try:
            while time.monotonic() < until:
                try:
                    assert read(space, "folder/f.txt") == b"inside"
                    space.write(f"folder/{reached % 7}.txt", b"x")
                    reached += 1
                except ToolError:
                    refused += 1
        finally:
            swapper.kill()
    assert os.listdir(outside) == ["f.txt"]
    assert reached > 0 and refused > 0
