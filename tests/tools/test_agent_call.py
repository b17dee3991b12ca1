"""Who may ask whom, and how deep."""

import asyncio
from collections.abc import Callable

import pytest

from sessionful.domain.error import ModelUnavailable, SessionBusy, ToolError
from sessionful.ports import ToolContext
from sessionful.tools.agent_call import DEPTH, Ask, agent_call_tool


async def echo(agent: str, task: str, context: ToolContext) -> str:
    return f"{context.agent} asked {agent}: {task}"


async def test_another_agents_answer_is_the_result(context: ToolContext) -> None:
    made = agent_call_tool(echo)
    assert await made.call({"agent": "writer", "task": "a poem"}, context) == "coder asked writer: a poem"


async def test_only_listed_agents_can_be_asked(context: ToolContext) -> None:
    made = agent_call_tool(echo, ["writer", "critic"])
    assert made.spec.schema["properties"]["agent"]["enum"] == ["writer", "critic"]
    assert await made.call({"agent": "critic", "task": "t"}, context)
    with pytest.raises(ToolError, match="'boss' cannot be asked; these can: writer, critic"):
        await made.call({"agent": "boss", "task": "t"}, context)
    with pytest.raises(ToolError, match="these can: none"):
        await agent_call_tool(echo, []).call({"agent": "writer", "task": "t"}, context)


async def test_an_agent_cannot_call_itself(new_context: Callable[..., ToolContext]) -> None:
    with pytest.raises(ToolError, match="writer cannot call itself"):
        await agent_call_tool(echo).call({"agent": "writer", "task": "t"}, new_context(agent="writer"))


def a_chain(new_context: Callable[..., ToolContext], asked: list[str], length: int) -> Ask:
    """Agents 1, 2, 3 …: each asks the next, in a task of its own, as a turn does."""

    async def ask(agent: str, task: str, context: ToolContext) -> str:
        asked.append(agent)
        if int(agent) == length:
            return "end of the chain"
        inner = agent_call_tool(ask).call({"agent": str(int(agent) + 1), "task": task}, new_context(agent=agent))
        return await asyncio.create_task(inner)

    return ask


async def test_a_chain_of_agents_may_be_five_long_and_no_longer(new_context: Callable[..., ToolContext]) -> None:
    asked: list[str] = []
    made = agent_call_tool(a_chain(new_context, asked, DEPTH))
    assert await made.call({"agent": "1", "task": "t"}, new_context(agent="0")) == "end of the chain"

    made = agent_call_tool(a_chain(new_context, asked := [], DEPTH + 1))
    with pytest.raises(ToolError, match="already waiting"):
        await made.call({"agent": "1", "task": "t"}, new_context(agent="0"))
    assert asked == ["1", "2", "3", "4", "5"]


async def test_calls_beside_each_other_do_not_add_to_the_depth(context: ToolContext) -> None:
    made = agent_call_tool(echo)
    answers = await asyncio.gather(*(made.call({"agent": f"a{n}", "task": "t"}, context) for n in range(20)))
    assert len(answers) == 20
    for _ in range(10):  # nor do those after each other, in one task
        await made.call({"agent": "writer", "task": "t"}, context)


@pytest.mark.parametrize("error", [ModelUnavailable("the model is down"), SessionBusy("busy", turn_id="turn_1_x")])
async def test_an_agent_that_fails_is_told_to_the_model(
    error: ModelUnavailable | SessionBusy, context: ToolContext
) -> None:
    async def fail(agent: str, task: str, context: ToolContext) -> str:
        raise error

    with pytest.raises(ToolError, match=f"writer gave no answer: {error.message}"):
        await agent_call_tool(fail).call({"agent": "writer", "task": "t"}, context)


def test_it_may_take_longer_than_a_common_tool() -> None:
    assert agent_call_tool(echo).timeout == 300
