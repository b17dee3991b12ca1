"""The tool `agent_call`: hands a task to another agent."""

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Annotated

from pydantic import Field

from sessionful.domain.error import AgentError, ToolError
from sessionful.ports import ToolContext
from sessionful.tools.function import FunctionTool, tool

DEPTH = 5
"""How many agents may wait for one another."""

Ask = Callable[[str, str, ToolContext], Awaitable[str]]
"""`ask(agent, task, context)`: another agent's answer to the task; raises the family of AgentError."""

_callers: ContextVar[int] = ContextVar("callers", default=0)


def agent_call_tool(
    ask: Ask, sub_agents: Sequence[str] | None = None, *, timeout: float = 300.0
) -> FunctionTool[..., object]:
    """`sub_agents` are those that may be asked; without it, any but the agent itself. `timeout` is in seconds: another
    agent's turn takes longer than a common tool.

    It may be called again: `ask` knows a call by its idempotency key, and gives the answer that it had the first time.
    The depth is counted along the asking tasks, so `ask` runs the other agent in this process, in a task of its own.
    """
    choice = Field(json_schema_extra={"enum": list(sub_agents)}) if sub_agents else Field()

    async def agent_call(agent: Annotated[str, choice], task: str, context: ToolContext) -> str:
        """Ask another agent and give its answer. It knows nothing of this conversation.

        Args:
            agent: The name of the agent to ask.
            task: What it shall do, with all that it needs to know.
        """
        if agent == context.agent:
            raise ToolError(f"{agent} cannot call itself")
        if sub_agents is not None and agent not in sub_agents:
            raise ToolError(f"{agent!r} cannot be asked; these can: {', '.join(sub_agents) or 'none'}")
        depth = _callers.get() + 1
        if depth > DEPTH:
            raise ToolError(f"{agent} was not asked: {DEPTH} agents are already waiting for one another")
        token = _callers.set(depth)
        try:
            return await ask(agent, task, context)
        except AgentError as error:
            raise ToolError(f"{agent} gave no answer: {error.message}", agent=agent, code=error.code) from error
        finally:
            _callers.reset(token)

    return tool(agent_call, timeout=timeout, idempotent=True)
