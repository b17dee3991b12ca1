"""The built-in tools by name. None is on unless an agent's `tools` lists it."""

import difflib
from collections.abc import Callable, Collection, Sequence

from sessionful.domain.error import ConfigError
from sessionful.ports import Tool
from sessionful.tools.agent_call import Ask, agent_call_tool
from sessionful.tools.command import command_tool
from sessionful.tools.files import list_files, read_file, write_file
from sessionful.tools.function import tool
from sessionful.tools.search import search

NAMES = ("write_file", "read_file", "list_files", "execute_command", "search", "agent_call")


def build(
    names: Sequence[str],
    *,
    ask: Ask | None = None,
    sub_agents: Sequence[str] | None = None,
    programs: Collection[str] | None = None,
) -> list[Tool]:
    """`ask` and `sub_agents` are agent_call's, `programs` those that execute_command may run (none given: any).
    Raises ConfigError for a name that is not built in, and for agent_call without `ask`."""
    return [_build(name, ask, sub_agents, programs) for name in names]


def _build(name: str, ask: Ask | None, sub_agents: Sequence[str] | None, programs: Collection[str] | None) -> Tool:
    makers: dict[str, Callable[[], Tool]] = {
        "write_file": lambda: tool(write_file, idempotent=True),
        "read_file": lambda: tool(read_file, idempotent=True),
        "list_files": lambda: tool(list_files, idempotent=True),
        "search": lambda: tool(search, idempotent=True),
        "execute_command": lambda: command_tool(programs),
        "agent_call": lambda: _agent_call(ask, sub_agents),
    }
    if name in makers:
        return makers[name]()
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"built in are: {', '.join(NAMES)}"
    raise ConfigError(f"there is no tool {name!r}; {hint}", key="tools", given=name, nearest=near[0] if near else None)


def _agent_call(ask: Ask | None, sub_agents: Sequence[str] | None) -> Tool:
    if ask is None:
        raise ConfigError("the tool 'agent_call' needs other agents, and there are none", key="tools")
    return agent_call_tool(ask, sub_agents)
