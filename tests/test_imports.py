"""What an import loads, counted in a fresh interpreter: Lambda pays for each module at every cold start."""

import subprocess
import sys

import pytest

VENDORS = ["boto3", "botocore", "fastapi", "starlette", "sqlalchemy", "httpx", "openai", "anthropic", "xllamacpp"]
HEAVY = [*VENDORS, "uvicorn", "typer", "rich", "numpy", "grpc", "yaml", "jsonschema", "hypothesis"]


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", _path() + code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def _path() -> str:
    return f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}\n"


@pytest.mark.parametrize(
    "statement",
    [
        "import sessionful",
        "from sessionful import Agent, Message, Session, tool",
        "import sessionful.core.service",
        "from sessionful.stores import MemoryStore",
        "import sessionful.wiring",
    ],
)
def test_importing_loads_no_vendor_and_no_server(statement: str) -> None:
    assert loaded_by(statement).isdisjoint(HEAVY)


def test_the_sdk_adds_few_modules_to_pydantics_own() -> None:
    """Counted, not timed. pydantic and asyncio bring most of what there is."""
    bare = loaded_by("import asyncio, pydantic, pydantic.main, pydantic.type_adapter")
    whole = loaded_by("from sessionful import Agent, Message, Session, tool")
    assert len({name for name in whole - bare if name.startswith("sessionful")}) <= 100
    assert len(whole - bare) <= 164


def test_every_model_adapter_is_loaded_without_its_vendors_library() -> None:
    names = ["openai", "anthropic", "bedrock", "local", "scripted"]
    loaded = loaded_by("\n".join(f"import sessionful.models.{name}" for name in names))
    assert loaded.isdisjoint(VENDORS)
