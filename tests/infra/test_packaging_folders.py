"""A folder is built once, whole or not at all."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.packaging.folders import built, digest


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_folder_that_is_there_is_not_built_again(tmp_path: Path) -> None:
    folder = built(tmp_path / "layer", lambda made: (made / "one").touch())
    assert built(folder, lambda made: (made / "two").touch()) == folder
    assert [file.name for file in folder.iterdir()] == ["one"]


def test_a_build_that_breaks_off_leaves_nothing_and_the_next_one_succeeds(tmp_path: Path) -> None:
    def breaks(made: Path) -> None:
        (made / "half").touch()
        raise RuntimeError("no more space")

    with pytest.raises(RuntimeError):
        built(tmp_path / "layer", breaks)
    assert list(tmp_path.iterdir()) == []
    assert list(built(tmp_path / "layer", lambda made: (made / "whole").touch()).iterdir())


def test_of_two_builds_at_once_the_first_to_end_is_taken(tmp_path: Path) -> None:
    def overtaken(made: Path) -> None:
        built(tmp_path / "layer", lambda other: (other / "first").touch())
        (made / "second").touch()

    folder = built(tmp_path / "layer", overtaken)
    assert [file.name for file in folder.iterdir()] == ["first"]
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.usefixtures("strict_umask")
def test_a_strict_umask_does_not_lock_lambda_out(tmp_path: Path) -> None:
    def fill(made: Path) -> None:
        (made / "functions").mkdir()
        (made / "functions" / "stream.sh").touch()
        (made / "functions" / "stream.py").touch()

    folder = built(tmp_path / "functions", fill) / "functions"
    modes = {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.iterdir()]}
    assert modes == {"functions": 0o755, "stream.sh": 0o755, "stream.py": 0o644}


@pytest.mark.parametrize(
    "other",
    [{Path("a.py"): b"2"}, {Path("b.py"): b"1"}, {Path("a.py"): b"1", Path("b.py"): b""}, {}],
)
def test_another_name_or_another_content_is_another_folder(other: dict[Path, bytes]) -> None:
    assert digest({Path("a.py"): b"1"}) != digest(other)
