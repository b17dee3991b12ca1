"""What of the project is uploaded."""

from pathlib import Path

from infra.packaging.sources import CORE, FUNCTIONS, core, doors


def test_the_doors_come_without_the_layer_and_the_locks() -> None:
    names = doors(FUNCTIONS)
    assert Path("functions/__init__.py") in names
    assert Path("functions/opening/service.py") in names
    assert not [name for name in names if "layer" in name.parts]
    assert {name.suffix for name in names} <= {".py", ".sh"}


def test_a_script_that_was_checked_out_on_windows_gets_the_line_ends_of_linux(tmp_path: Path) -> None:
    (tmp_path / "stream.sh").write_bytes(b"#!/bin/sh\r\nexec python\r\n")
    assert doors(tmp_path) == {Path("functions/stream.sh"): b"#!/bin/sh\nexec python\n"}


def test_the_core_is_the_whole_package_with_its_page() -> None:
    names = core(CORE)
    assert Path("python/sessionful/__init__.py") in names
    assert [name for name in names if name.name == "page.html"]
    assert {name.parts[:2] for name in names} == {("python", "sessionful")}


def test_bytecode_of_the_python_that_runs_here_stays_here(tmp_path: Path) -> None:
    package = tmp_path / "python" / "sessionful"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__pycache__" / "__init__.cpython-311.pyc").touch()
    assert list(core(tmp_path)) == [Path("python/sessionful/__init__.py")]
