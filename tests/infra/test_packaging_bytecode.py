"""Bytecode for Python 3.14 in folders that nobody can write to, made on a machine without a Python 3.14."""

from pathlib import Path
from shutil import copytree

import pytest

from infra.packaging import bytecode
from infra.packaging.sources import CORE, core, write
from tests.infra.python314 import compiler, evaluated

# What Python 3.14 has at the beginning of its bytecode, and: not to be compared with the source, whatever it is.
MAGIC_314 = (3627).to_bytes(2, "little") + b"\r\n"
UNCHECKED = (0b01).to_bytes(4, "little")


@pytest.fixture
def opt(tmp_path: Path) -> Path:
    (tmp_path / "opt" / "python" / "lemon").mkdir(parents=True)
    return tmp_path / "opt"


def test_it_runs_on_3_14_and_the_source_is_not_looked_at(opt: Path) -> None:
    source = opt / "python" / "lemon" / "__init__.py"
    source.write_text("def press() -> str:\n    return 'juice of the bytecode'\n", encoding="utf-8")
    bytecode.add(opt, "/opt", compiler())
    source.write_text("raise RuntimeError('the source was compiled')\n", encoding="utf-8")
    assert evaluated("import lemon; lemon.press()", opt) == "juice of the bytecode"


def test_a_traceback_names_the_file_where_lambda_has_it(opt: Path) -> None:
    (opt / "python" / "lemon" / "__init__.py").write_text("def press() -> None: ...\n", encoding="utf-8")
    bytecode.add(opt, "/opt", compiler())
    named = evaluated("import lemon; lemon.press.__code__.co_filename", opt)
    assert named == "/opt/python/lemon/__init__.py"


def test_a_file_that_is_not_python_is_uploaded_as_it_is_and_told(opt: Path, caplog: pytest.LogCaptureFixture) -> None:
    (opt / "python" / "lemon" / "template.py").write_text("class {{ name }}:\n", encoding="utf-8")
    (opt / "python" / "lemon" / "sound.py").touch()
    bytecode.add(opt, "/opt", compiler())
    assert [file.name for file in opt.rglob("*.pyc")] == ["sound.cpython-314.pyc"]
    assert "/opt/python/lemon/template.py is not Python 3.14" in caplog.text


def test_the_whole_core_is_compiled_and_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    write(core(CORE), tmp_path / "one")
    copytree(tmp_path / "one", tmp_path / "elsewhere" / "two")
    compiled = []
    for folder in (tmp_path / "one", tmp_path / "elsewhere" / "two"):
        bytecode.add(folder, "/opt", compiler())
        compiled.append({file.relative_to(folder): file.read_bytes() for file in folder.rglob("*.pyc")})
    assert len(compiled[0]) == len(list((tmp_path / "one").rglob("*.py")))
    assert {code[:8] for code in compiled[0].values()} == {MAGIC_314 + UNCHECKED}
    assert compiled[0] == compiled[1]


def test_where_the_compiler_cannot_be_fetched_the_reason_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(bytecode.NoCompiler, match=r"^npm [^\n]+$"):
        bytecode.compiler(tmp_path / "build")
    assert list((tmp_path / "build").iterdir()) == []
