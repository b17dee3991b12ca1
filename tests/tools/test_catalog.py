"""The built-in tools by name."""

import pytest

from sessionful.core.memory.notebook import Notebook
from sessionful.core.toolbox import Toolbox
from sessionful.domain.agent import LongTermMemory
from sessionful.domain.error import ConfigError
from sessionful.ports import ToolContext
from sessionful.stores.in_memory_bank import InMemoryBank
from sessionful.tools.catalog import NAMES, build


async def echo(agent: str, task: str, context: ToolContext) -> str:
    return task


def test_every_built_in_tool_is_made_under_its_name() -> None:
    notebook = Notebook(InMemoryBank(), None, LongTermMemory())
    made = build(NAMES, ask=echo, sub_agents=["writer"], notebook=notebook)
    specs = Toolbox(made, timeout=30, result_chars=1000).specs
    assert [spec.name for spec in specs] == list(NAMES)
    assert all(spec.description and spec.schema["type"] == "object" for spec in specs)


def test_none_is_on_unless_it_is_listed() -> None:
    assert build([]) == []


@pytest.mark.parametrize(
    ("name", "nearest"), [("write_fiel", "write_file"), ("execute-command", "execute_command"), ("zzz", None)]
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(name: str, nearest: str | None) -> None:
    with pytest.raises(ConfigError, match=nearest or "built in are") as caught:
        build(["search", name])
    assert caught.value.details["nearest"] == nearest


def test_agent_call_needs_somebody_to_ask() -> None:
    with pytest.raises(ConfigError, match="agent_call"):
        build(["agent_call"])


async def test_the_programs_that_may_be_run_are_handed_on(context: ToolContext) -> None:
    (made,) = build(["execute_command"], programs=["echo"])
    assert await made.call({"command": "echo hi"}, context) == "hi\n"
    assert "Programs that may be run: echo." in made.spec.description
