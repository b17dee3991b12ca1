"""How large the upload is, against what Lambda takes and what a cold start should have to fetch."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from infra.packaging import Assets

MOST_UNZIPPED = 80_000_000
MOST_ZIPPED = 50_000_000


class Size(NamedTuple):
    """Bytes."""

    name: str
    unzipped: int
    zipped: int


# Not built here: an allowance above what the released layer holds, one program and a script.
ADAPTER = Size("web adapter (allowance)", 13_000_000, 5_000_000)


def sizes(assets: Assets) -> list[Size]:
    """Of each folder, and of a door with all its layers; only the stream door has the adapter's."""
    parts = [_measured(name, folder) for name, folder in assets._asdict().items()]
    return [*parts, ADAPTER, _sum("a door", parts), _sum("the stream door", [*parts, ADAPTER])]


def table(rows: list[Size]) -> str:
    lines = [f"{'MB':<26}{'unzipped':>10}{'zipped':>10}"]
    lines += [f"{name:<26}{unzipped / 1e6:>10.1f}{zipped / 1e6:>10.1f}" for name, unzipped, zipped in rows]
    lines += [f"{'at most':<26}{MOST_UNZIPPED / 1e6:>10.1f}{MOST_ZIPPED / 1e6:>10.1f}"]
    return "\n".join(lines)


def _sum(name: str, parts: list[Size]) -> Size:
    return Size(name, sum(part.unzipped for part in parts), sum(part.zipped for part in parts))


def _measured(name: str, folder: Path) -> Size:
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as zipped:
        for file in _files(folder):
            zipped.writestr(str(file.relative_to(folder)), file.read_bytes())
    return Size(name, sum(file.stat().st_size for file in _files(folder)), archive.tell())


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())
