"""The three shown deployments, synthesised once, from small folders instead of the real uploads."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.packaging import Assets
from tests.infra.cloud import EXAMPLES, Cloud, synthesised


@pytest.fixture(scope="session")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Assets:
    root = tmp_path_factory.mktemp("uploads")
    folders = [root / name for name in Assets._fields]
    for folder in folders:
        folder.mkdir()
        (folder / "agents.yaml").write_text(f"# {folder.name}\n")
    return Assets(*folders)


@pytest.fixture(scope="session")
def clouds(uploads: Assets, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Cloud]:
    """By the name of the example: iam, jwt, open."""
    return {
        name: synthesised(EXAMPLES / f"{name}.yaml", uploads, tmp_path_factory.mktemp(name))
        for name in ("iam", "jwt", "open")
    }


@pytest.fixture(params=["iam", "jwt", "open"])
def cloud(request: pytest.FixtureRequest, clouds: Mapping[str, Cloud]) -> Cloud:
    return clouds[request.param]


@pytest.fixture
def iam(clouds: Mapping[str, Cloud]) -> Cloud:
    return clouds["iam"]


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """Settings that hold nothing but the agents, for tests to write over."""
    (tmp_path / "agents.yaml").write_text("agents: {assistant: {}}\n")
    file = tmp_path / "deployment.yaml"
    file.write_text("agents: agents.yaml\n")
    return file
