"""The real upload: how large it is, and that Lambda's Python on arm64 finds in it all that the doors import."""

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from infra.packaging import Assets, IndexUnreachable, assets, dependencies, package
from infra.packaging.sizes import MOST_UNZIPPED, MOST_ZIPPED, sizes, table
from infra.packaging.sources import FUNCTIONS
from tests.infra.python314 import compiler, evaluated

AGENTS = "agents:\n  assistant:\n    llm: {type: bedrock, model: a-model}\n"
DOORS = sorted(file.stem for file in FUNCTIONS.glob("*.py") if file.stem != "__init__")
ARM64 = 183  # e_machine of an ELF file

# What `stream.sh` starts the stream door with.
STARTED_BY = {"stream": "import uvicorn.__main__, uvicorn.lifespan.on, uvicorn.protocols.http.h11_impl\n"}

# Imports a door as if only what the layer holds were installed. The layer is for another Python and processor, so the
# modules are this machine's: each one that the layer misses is not found.
IMPORT = """
import sys
from importlib.machinery import PathFinder
from pathlib import Path

layer, installed = Path(sys.argv[1]), sys.argv[2]
held = {str(file.relative_to(layer)).partition(".")[0] for file in layer.rglob("*") if file.suffix in {".py", ".so"}}

class OnlyTheLayer:
    @staticmethod
    def find_spec(name, path=None, target=None):
        found = PathFinder.find_spec(name, path, target)
        if found is None or found.origin is None or not found.origin.startswith(installed):
            return None
        module = str(Path(found.origin).relative_to(installed)).partition(".")[0]
        if module not in held:
            raise ModuleNotFoundError(f"the layer has no {name}", name=name)
        return found

sys.meta_path.insert(0, OnlyTheLayer)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Assets:
    compiler()
    agents = tmp_path_factory.mktemp("agents") / "agents.yaml"
    agents.write_text(AGENTS, encoding="utf-8")
    try:
        return assets(agents)
    except IndexUnreachable as reason:
        pytest.skip(str(reason))


def test_a_door_with_its_layers_is_small(made: Assets) -> None:
    rows = sizes(made)
    sys.stdout.write(f"\n{table(rows)}\n")
    assert max(row.unzipped for row in rows) < MOST_UNZIPPED
    assert max(row.zipped for row in rows) < MOST_ZIPPED


def test_nothing_is_in_the_layer_that_no_door_needs(made: Assets) -> None:
    held = {file.name.partition("-")[0].lower() for file in made.dependencies.glob("python/*.dist-info")}
    assert {"pydantic", "boto3", "fastapi", "mangum", "aws_lambda_powertools", "uvicorn", "httpx", "pyjwt"} <= held
    assert held.isdisjoint(
        {"sqlalchemy", "numpy", "grpcio", "typer", "rich", "openai", "anthropic", "xllamacpp", "websockets", "pip"}
    )


def test_every_extension_is_for_arm64_and_for_python_3_14(made: Assets) -> None:
    extensions = list(made.dependencies.rglob("*.so*"))
    assert extensions
    for extension in extensions:
        head = extension.read_bytes()[:20]
        assert head[:4] == b"\x7fELF"
        assert int.from_bytes(head[18:20], "little") == ARM64, extension.name
        assert re.search(r"\.(cpython-314-aarch64-linux-gnu|abi3)\.so$", extension.name), extension.name


def test_every_source_has_its_bytecode(made: Assets) -> None:
    for folder in (made.functions, made.core, made.dependencies):
        bare = [
            source
            for source in folder.rglob("*.py")
            if not (source.parent / "__pycache__" / f"{source.stem}.cpython-314.pyc").exists()
        ]
        assert bare == []


def test_python_3_14_imports_the_layer_from_its_bytecode_alone(made: Assets, tmp_path: Path) -> None:
    packages = ("click", "dateutil", "h11", "idna", "jmespath", "mangum", "urllib3")
    for name in (*packages, "__pycache__"):
        copytree(made.dependencies / "python" / name, tmp_path / "python" / name)
    for name in ("six.py", "typing_extensions.py"):
        (tmp_path / "python" / name).touch()
    for source in tmp_path.rglob("*.py"):
        source.write_text("raise RuntimeError('the source was compiled')\n", encoding="utf-8")
    code = f"import {', '.join(packages)}, dateutil.tz; jmespath.search('a.b', {{'a': {{'b': 'found'}}}})"
    assert evaluated(code, tmp_path) == "found"


def test_the_layer_describes_the_services_and_keeps_the_licences(made: Assets) -> None:
    python = made.dependencies / "python"
    described = {folder.name for folder in (python / "botocore" / "data").iterdir() if folder.is_dir()}
    assert described == dependencies.SERVICES
    for name in ("cryptography", "pydantic_core", "botocore", "fastapi"):
        (info,) = python.glob(f"{name}-*.dist-info")
        assert [file for file in info.rglob("*") if "LICENSE" in file.name], name


def test_a_build_without_a_compiler_is_the_same_without_bytecode_and_says_so(
    made: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    functions, core, layer = package(tmp_path / "build")
    assert "no bytecode" in caplog.text
    assert [file for folder in (functions, core, layer) for file in folder.rglob("*.pyc")] == []
    here, there = uncompiled(layer), uncompiled(made.dependencies)
    assert here.keys() == there.keys()
    assert [name for name in here if here[name] != there[name]] == []


def uncompiled(folder: Path) -> dict[Path, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return {file.relative_to(folder): file.read_bytes() for file in files}


@pytest.mark.parametrize("door", DOORS)
def test_a_door_starts_with_nothing_but_what_the_layers_hold(door: str, made: Assets) -> None:
    code = f"{IMPORT}{STARTED_BY.get(door, '')}import functions.{door}\n"
    layer, installed = str(made.dependencies / "python"), str(Path(pytest.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, layer, installed],
        cwd=made.functions,
        env=lambda_environment(made),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def lambda_environment(made: Assets) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(made.core / "python"),
        "PYTHONDONTWRITEBYTECODE": "1",  # what is built here is uploaded as it lies
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "of-nobody",
        "AWS_SECRET_ACCESS_KEY": "of-nobody",
        "POWERTOOLS_SERVICE_NAME": "sessionful",
        "POWERTOOLS_METRICS_NAMESPACE": "sessionful",
        "SESSIONFUL_CONFIG": str(made.configuration / "agents.yaml"),
        "SESSIONFUL_STORE": "dynamodb:sessions?bucket=parts",
        "SESSIONFUL_ALARMS": "sqs:https://sqs.eu-central-1.amazonaws.com/123456789012/worker",
        "SESSIONFUL_AUTH": "iam",
        "SESSIONFUL_IAM_OWNER": "caller",
        "SESSIONFUL_SECRETS": "{}",
        "SESSIONFUL_STREAM_URL": "https://stream.lambda-url.eu-central-1.on.aws",
    }
