"""The project's own files: the doors and the core. They are read once, so that what is named is what is uploaded."""

from collections.abc import Iterable, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FUNCTIONS = REPOSITORY / "functions"
CORE = FUNCTIONS / "layer"

Files = Mapping[Path, bytes]


def doors(functions: Path) -> Files:
    """The doors and the rooms behind them, without the layer below and the locks beside them. A script gets the line
    ends that Linux wants, however it was checked out."""
    layer = functions / "layer"
    files = _read(
        functions,
        (file for file in functions.rglob("*") if file.suffix in {".py", ".sh"} and layer not in file.parents),
    )
    return {
        Path("functions") / name: text.replace(b"\r\n", b"\n") if name.suffix == ".sh" else text
        for name, text in files.items()
    }


def core(layer: Path) -> Files:
    package = layer / "python" / "sessionful"
    return _read(layer, (file for file in package.rglob("*") if file.is_file() and "__pycache__" not in file.parts))


def recipe() -> Files:
    """How it is built: with another recipe it is to be built again."""
    here = Path(__file__).parent
    return _read(here, (file for file in here.rglob("*") if file.suffix in {".py", ".mjs", ".json"}))


def write(files: Files, folder: Path) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)


def _read(folder: Path, files: Iterable[Path]) -> Files:
    return {file.relative_to(folder): file.read_bytes() for file in sorted(files)}
