"""The decorator: what becomes a tool, how it is called, what its answer is."""

import asyncio
import contextvars
import json
import math
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import sessionful
from sessionful.domain.error import ToolError
from sessionful.ports import Tool, ToolContext
from sessionful.tools.function import tool


@tool
def get_user_orders(user_id: str) -> str:
    """Get orders for a user."""
    return json.dumps([{"id": "1", "item": "Laptop", "user": user_id}])


class Order(BaseModel):
    id: str
    count: int = 1


@dataclass
class Point:
    x: int
    y: int


async def test_the_example_of_the_guide_is_a_tool(context: ToolContext) -> None:
    assert get_user_orders.spec == (
        "get_user_orders",
        "Get orders for a user.",
        {
            "type": "object",
            "properties": {"user_id": {"type": "string"}},
            "required": ["user_id"],
            "additionalProperties": False,
        },
    )
    answer = await get_user_orders.call({"user_id": "u1"}, context)
    assert json.loads(answer)[0]["user"] == "u1"


def test_a_tool_is_still_the_function_it_was() -> None:
    assert json.loads(get_user_orders("u1"))[0]["user"] == "u1"
    assert json.loads(get_user_orders(user_id="u2"))[0]["user"] == "u2"
    assert get_user_orders.__name__ == "get_user_orders"
    assert get_user_orders.__doc__ == "Get orders for a user."


async def test_an_async_tool_is_still_the_async_function_it_was(context: ToolContext) -> None:
    @tool
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    assert await double(4) == 8
    assert await double.call({"number": 4}, context) == "8"


def test_the_port_of_tools_is_kept() -> None:
    as_port: Tool = get_user_orders
    assert as_port.spec.name == "get_user_orders"


def test_options_name_and_describe_the_tool() -> None:
    @tool(name="orders-of", description="What was ordered.", timeout=2.5, idempotent=True)
    def orders(user_id: str) -> str:
        """Not this one."""
        return user_id

    assert (orders.spec.name, orders.spec.description) == ("orders-of", "What was ordered.")
    assert (orders.timeout, orders.idempotent) == (2.5, True)
    assert (get_user_orders.timeout, get_user_orders.idempotent) == (None, False)


async def test_a_sync_function_runs_off_the_loop_and_sees_the_context_variables(context: ToolContext) -> None:
    request: contextvars.ContextVar[str] = contextvars.ContextVar("request")
    request.set("r-17")

    @tool
    def where() -> list[Any]:
        return [request.get(), threading.current_thread() is threading.main_thread()]

    assert await where.call({}, context) == '["r-17",false]'


async def test_the_loop_goes_on_while_a_sync_function_blocks(context: ToolContext) -> None:
    released = threading.Event()

    @tool
    def block() -> bool:
        return released.wait(5)

    running = asyncio.create_task(block.call({}, context))
    await asyncio.sleep(0)
    released.set()
    assert await running == "true"


async def test_a_hanging_function_keeps_no_place_in_the_pool_that_stores_use(context: ToolContext) -> None:
    released = threading.Event()

    @tool
    def hang() -> None:
        released.wait(10)

    running = [asyncio.create_task(hang.call({}, context)) for _ in range(40)]
    try:
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "stored"), 5) == "stored"
    finally:
        released.set()
        await asyncio.gather(*running)


@pytest.mark.parametrize("raised", [ToolError("no such user"), ValueError("seven"), StopIteration("over")])
async def test_what_the_function_raises_is_raised(raised: Exception, context: ToolContext) -> None:
    @tool
    def fail() -> None:
        raise raised

    expected = RuntimeError if isinstance(raised, StopIteration) else type(raised)  # PEP 479
    with pytest.raises(expected):
        await fail.call({}, context)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (None, ""),
        (7, "7"),
        (True, "true"),
        (["a", None], '["a",null]'),
        ({"é": date(2026, 1, 2)}, '{"é":"2026-01-02"}'),
        (Order(id="1"), '{"id":"1","count":1}'),
        ([Order(id="1")], '[{"id":"1","count":1}]'),
        (Point(1, 2), '{"x":1,"y":2}'),
    ],
)
async def test_what_is_returned_becomes_text(value: Any, text: str, context: ToolContext) -> None:
    @tool
    def give() -> Any:
        return value

    assert await give.call({}, context) == text


async def test_what_cannot_be_written_as_json_is_told(context: ToolContext) -> None:
    @tool
    def give() -> object:
        return threading.Lock()

    with pytest.raises(ToolError, match="give answered with lock"):
        await give.call({}, context)


async def test_the_context_is_filled_in_and_not_shown(context: ToolContext) -> None:
    @tool
    def who(greeting: str, call: ToolContext) -> str:
        return f"{greeting} {call.owner}"

    @tool
    async def perhaps(call: ToolContext | None = None) -> str:
        return call.owner if call else "nobody"

    assert list(who.spec.schema["properties"]) == ["greeting"]
    assert perhaps.spec.schema["properties"] == {}
    assert await who.call({"greeting": "hello"}, context) == "hello alice"
    assert (await perhaps.call({}, context), await perhaps()) == ("alice", "nobody")


async def test_the_model_cannot_send_the_context(context: ToolContext) -> None:
    @tool
    def who(call: ToolContext) -> str:
        return call.owner

    with pytest.raises(ToolError, match="no argument call"):
        await who.call({"call": {"owner": "mallory"}}, context)


async def test_a_bound_method_is_a_tool(context: ToolContext) -> None:
    class Shop:
        name = "Acme"

        async def greet(self, who: str) -> str:
            return f"{self.name} greets {who}"

    assert await tool(Shop().greet).call({"who": "you"}, context) == "Acme greets you"


async def test_a_builtin_function_is_a_tool(context: ToolContext) -> None:
    assert await tool(math.sqrt).call({"x": 16}, context) == "4.0"


def test_importing_the_decorator_loads_nothing_but_pydantic() -> None:
    code = f"""
import sys
sys.path[:0] = {[str(Path(sessionful.__file__).parents[1]), *sys.path]!r}
import sessionful.tools.function
known = {{"sessionful", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}}
loaded = {{name.split(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}}
print(sorted(name for name in loaded - known - sys.stdlib_module_names if not name.startswith("_")))
print(sorted(name for name in sys.modules if name.startswith("sessionful.") and name.count(".") == 1))
"""
    run = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    outside, inside = run.stdout.splitlines()
    assert outside == "[]"
    assert inside == "['sessionful.domain', 'sessionful.ports', 'sessionful.tools']"
