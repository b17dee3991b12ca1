"""The built-in tools by name. None is on unless an agent's `tools` lists it."""

import difflib
from collections.abc import Callable, Collection, Sequence

from sessionful.core.memory.notebook import Notebook
from sessionful.domain.error import ConfigError
from sessionful.ports import Tool
from sessionful.tools.agent_call import Ask, agent_call_tool
from sessionful.tools.command import command_tool
from sessionful.tools.files import list_files, read_file, write_file
from sessionful.tools.forget import forget_tool
from sessionful.tools.function import tool
from sessionful.tools.recall import recall_tool
from sessionful.tools.remember import remember_tool
from sessionful.tools.search import search

MEMORY_NAMES = ("remember", "recall", "forget")
"""Those that need long-term memory."""

NAMES = ("write_file", "read_file", "list_files", "execute_command", "search", "agent_call", *MEMORY_NAMES)


def build(
    names: Sequence[str],
    *,
    ask: Ask | None = None,
    sub_agents: Sequence[str] | None = None,
    programs: Collection[str] | None = None,
    notebook: Notebook | None = None,
) -> list[Tool]:
    """`ask` and `sub_agents` are agent_call's, `programs` those that execute_command may run (none given: any),
    `notebook` is what remember, recall and forget work with. Raises ConfigError for a name that is not built in, for
    agent_call without `ask`, and for those three without `notebook`."""
    return [_build(name, ask, sub_agents, programs, notebook) for name in names]


def check(names: Sequence[str], *, remembers: bool) -> None:
    """Raises ConfigError as `build` does, without making anything. `remembers`: there is long-term memory."""
    for name in names:
        if name not in NAMES:
            raise _unknown(name)
        if name in MEMORY_NAMES and not remembers:
            raise _memoryless(name)


def _build(
    name: str,
    ask: Ask | None,
    sub_agents: Sequence[str] | None,
    programs: Collection[str] | None,
    notebook: Notebook | None,
) -> Tool:
    makers: dict[str, Callable[[], Tool]] = {
        "write_file": lambda: tool(write_file, idempotent=True),
        "read_file": lambda: tool(read_file, idempotent=True),
        "list_files": lambda: tool(list_files, idempotent=True),
        "search": lambda: tool(search, idempotent=True),
        "execute_command": lambda: command_tool(programs),
        "agent_call": lambda: _agent_call(ask, sub_agents),
    }
    with_notebook: dict[str, Callable[[Notebook], Tool]] = {
        "remember": remember_tool,
        "recall": recall_tool,
        "forget": forget_tool,
    }
    if name in makers:
        return makers[name]()
    if name not in with_notebook:
        raise _unknown(name)
    if notebook is None:
        raise _memoryless(name)
    return with_notebook[name](notebook)


def _unknown(name: str) -> ConfigError:
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"built in are: {', '.join(NAMES)}"
    message = f"there is no tool {name!r}; {hint}"
    return ConfigError(message, key="tools", given=name, nearest=near[0] if near else None)


def _memoryless(name: str) -> ConfigError:
    return ConfigError(f"the tool {name!r} needs long-term memory: set memory.longterm", key="tools", given=name)


def _agent_call(ask: Ask | None, sub_agents: Sequence[str] | None) -> Tool:
    if ask is None:
        raise ConfigError("the tool 'agent_call' needs other agents, and there are none", key="tools")
    return agent_call_tool(ask, sub_agents)
