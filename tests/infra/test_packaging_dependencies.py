"""The layer of other people's packages, from wheels that are made here: nothing is fetched."""

import ast
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra.packaging.dependencies import LOCK, SERVICES, Architecture, install
from infra.packaging.errors import IndexUnreachable, PackagingError
from infra.packaging.sources import FUNCTIONS

INFO = "lemon-1.0.dist-info"


@pytest.fixture(autouse=True)
def no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    (tmp_path / "wheels").mkdir()


def wheel(folder: Path, tag: str, *files: str) -> Path:
    path = folder / "wheels" / f"lemon-1.0-{tag}.whl"
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: lemon\nVersion: 1.0\n")
        archive.writestr(f"{INFO}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{INFO}/entry_points.txt", "[console_scripts]\nlemon = lemon:press\n")
        archive.writestr(f"{INFO}/licenses/LICENSE", "Free as the air")
        for name in files:
            archive.writestr(name, "")
        archive.writestr(f"{INFO}/RECORD", "")
    return path


def lock(folder: Path, content: bytes, name: str = "lemon") -> Path:
    file = folder / "lock.txt"
    file.write_text(f"{name}==1.0 --hash=sha256:{sha256(content).hexdigest()}\n", encoding="utf-8")
    return file


def test_what_is_never_imported_goes_and_the_licence_stays(tmp_path: Path) -> None:
    made = wheel(
        tmp_path, "py3-none-any", "lemon/__init__.py", "lemon/__init__.pyi", "lemon/tests/test_it.py", "lemon/py.typed"
    )
    install(lock(tmp_path, made.read_bytes()), tmp_path / "layer", "arm64")
    files = {str(file.relative_to(tmp_path / "layer")) for file in (tmp_path / "layer").rglob("*") if file.is_file()}
    assert files == {
        "python/lemon/__init__.py",
        "python/lemon/py.typed",
        f"python/{INFO}/METADATA",
        f"python/{INFO}/WHEEL",
        f"python/{INFO}/entry_points.txt",
        f"python/{INFO}/licenses/LICENSE",
    }


@pytest.mark.parametrize(
    ("tag", "architecture"),
    [
        ("cp314-cp314-manylinux_2_28_aarch64", "arm64"),
        ("cp39-abi3-manylinux2014_aarch64", "arm64"),
        ("cp314-cp314-manylinux_2_34_x86_64", "x86_64"),
    ],
)
def test_a_wheel_for_lambda_is_taken_on_any_machine(tag: str, architecture: Architecture, tmp_path: Path) -> None:
    install(lock(tmp_path, wheel(tmp_path, tag, "lemon/__init__.py").read_bytes()), tmp_path / "layer", architecture)
    assert (tmp_path / "layer" / "python" / "lemon" / "__init__.py").exists()


@pytest.mark.parametrize(
    ("tag", "architecture"),
    [
        ("cp314-cp314-manylinux_2_28_x86_64", "arm64"),
        ("cp313-cp313-manylinux_2_28_aarch64", "arm64"),
        ("cp314-cp314-manylinux_2_28_aarch64", "x86_64"),
    ],
)
def test_a_package_without_a_wheel_for_lambda_is_named(tag: str, architecture: Architecture, tmp_path: Path) -> None:
    locked = lock(tmp_path, wheel(tmp_path, tag).read_bytes())
    with pytest.raises(PackagingError, match=rf"^there is no wheel of lemon==1\.0 .*{architecture}[^\n]*$"):
        install(locked, tmp_path / "layer", architecture)


def test_a_package_that_is_not_the_one_that_was_locked_is_named(tmp_path: Path) -> None:
    wheel(tmp_path, "py3-none-any")
    with pytest.raises(PackagingError, match=r"^lemon==1\.0 is not what the lock pins[^\n]*$"):
        install(lock(tmp_path, b"another wheel"), tmp_path / "layer", "arm64")


def test_an_index_that_cannot_be_reached_is_not_taken_for_a_missing_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/none")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(IndexUnreachable, match=r"^pip cannot reach the package index for lemon==1\.0$"):
        install(lock(tmp_path, b""), tmp_path / "layer", "arm64")


def test_the_layer_has_the_versions_that_are_tried_here() -> None:
    here, there = pinned(FUNCTIONS / "requirements.txt"), pinned(LOCK)
    assert there
    assert {name: there[name] for name in there.keys() & here.keys()} == {
        name: here[name] for name in there.keys() & here.keys()
    }


def test_the_lock_of_the_layer_depends_on_no_machine() -> None:
    assert ";" not in LOCK.read_text(encoding="utf-8")


def test_each_service_that_is_called_has_its_description_in_the_layer() -> None:
    called = set(clients(FUNCTIONS))
    assert {"dynamodb", "bedrock-runtime"} <= called
    assert called <= SERVICES


def pinned(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def clients(folder: Path) -> Iterator[str]:
    """The services of boto3 whose clients are made below the folder."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="client"), args=[ast.Constant(value=str(service)), *_]):
                    yield service
