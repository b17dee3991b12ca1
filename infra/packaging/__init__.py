"""What is uploaded: the doors, and the layers they stand on, built on the machine that deploys."""

import logging
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import NamedTuple

from infra.packaging import bytecode, configuration, dependencies, sources
from infra.packaging.bytecode import NoCompiler
from infra.packaging.dependencies import Architecture
from infra.packaging.errors import IndexUnreachable, PackagingError
from infra.packaging.folders import built, digest
from infra.packaging.sources import Files

__all__ = ["BUILD", "Assets", "IndexUnreachable", "PackagingError", "assets", "package"]

BUILD = Path(__file__).parents[1] / ".build"

_logger = logging.getLogger(__name__)


class Assets(NamedTuple):
    """Folders, each uploaded as it lies: the functions to /var/task, the others as layers to /opt."""

    functions: Path
    core: Path
    dependencies: Path
    configuration: Path


def assets(agents: Path, secrets: Collection[str] | None = None, architecture: Architecture = "arm64") -> Assets:
    """Build what is missing or out of date. The same sources give the same bytes.

    `agents` is the YAML, `secrets` the names of the variables that the deployment sets for it (without them any
    variable may come). Raises PackagingError. Without Node the functions get no bytecode, which is warned of."""
    configuration.check(agents, secrets)
    return Assets(*package(BUILD, architecture), _configuration(agents))


def package(build: Path, architecture: Architecture = "arm64") -> tuple[Path, Path, Path]:
    """The functions, the core and the dependencies, below `build`. Raises PackagingError."""
    try:
        return _code(build, architecture, bytecode.compiler(build))
    except NoCompiler as reason:
        _logger.warning("no bytecode, so every cold start will compile: %s", reason)
        return _code(build, architecture, None)


def _code(build: Path, architecture: Architecture, pyodide: Path | None) -> tuple[Path, Path, Path]:
    doors, core = sources.doors(sources.FUNCTIONS), sources.core(sources.CORE)
    lock = {Path(dependencies.LOCK.name): dependencies.LOCK.read_bytes(), Path("architecture"): architecture.encode()}

    def install(_: Files, folder: Path) -> None:
        dependencies.install(dependencies.LOCK, folder, architecture)

    def made(kind: str, files: Files, fill: Callable[[Files, Path], None], mount: str) -> Path:
        def compiled(folder: Path) -> None:
            fill(files, folder)
            if pyodide is not None:
                bytecode.add(folder, mount, pyodide)

        way = {Path("way"): b"source" if pyodide is None else b"bytecode"}
        return built(build / f"{kind}-{digest(sources.recipe(), way, files)}", compiled)

    return (
        made("functions", doors, sources.write, "/var/task"),
        made("core", core, sources.write, "/opt"),
        made("dependencies", lock, install, "/opt"),
    )


def _configuration(agents: Path) -> Path:
    files = {Path("agents.yaml"): agents.read_bytes()}
    return built(BUILD / f"configuration-{digest(files)}", partial(sources.write, files))
