"""Schemas, and the check of what a model sends."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from sessionful.domain.error import ToolError
from sessionful.ports import ToolContext
from sessionful.tools.function import FunctionTool, tool


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Item(BaseModel):
    """Something to order."""

    sku: str
    count: int = Field(default=1, ge=1, description="How many of it.")


@tool
def order(  # type: ignore[no-untyped-def]
    items: list[Item],
    colour: Colour,
    speed: Literal["slow", "fast"] = "slow",
    note: str | None = None,
    prices: dict[str, float] = {},  # noqa: B006
    discount: Annotated[float, Field(ge=0, le=1, description="A share.")] = 0.0,
    anything=None,
) -> Any:
    """Order items.

    Args:
        items: What to order.
        discount: Not this text.
    """
    return [items, colour, speed, note, prices, discount, anything]


def properties(made: FunctionTool[..., Any]) -> dict[str, Any]:
    return dict(made.spec.schema["properties"])


def test_the_schema_shows_types_defaults_and_descriptions() -> None:
    shown = properties(order)
    assert shown["items"]["type"] == "array" and shown["items"]["description"] == "What to order."
    assert shown["speed"] == {"type": "string", "enum": ["slow", "fast"], "default": "slow"}
    assert shown["note"] == {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    assert shown["prices"] == {"type": "object", "additionalProperties": {"type": "number"}, "default": {}}
    assert shown["anything"] == {"default": None}
    assert order.spec.schema["required"] == ["items", "colour"]
    assert order.spec.schema["$defs"]["Item"]["properties"]["count"]["description"] == "How many of it."


def test_a_description_in_the_annotation_comes_before_the_docstrings() -> None:
    assert properties(order)["discount"]["description"] == "A share."


async def test_arguments_arrive_as_the_types_they_are_annotated_with(context: ToolContext) -> None:
    @tool
    def kinds(items: list[Item], colour: Colour, numbers: set[int], pair: tuple[int, str]) -> str:
        assert isinstance(items[0], Item) and colour is Colour.RED
        return f"{items[0].count} {sorted(numbers)} {pair}"

    arguments = {"items": [{"sku": "a", "count": 2}], "colour": "red", "numbers": [2, 1, 2], "pair": [1, "x"]}
    assert await kinds.call(arguments, context) == "2 [1, 2] (1, 'x')"


async def test_arguments_that_were_not_sent_are_left_to_the_functions_own_defaults(context: ToolContext) -> None:
    marker = object()

    @tool
    def check(given: str, optional: Any = marker) -> bool:
        return optional is marker

    assert await check.call({"given": "x"}, context) == "true"
    assert await check.call({"given": "x", "optional": None}, context) == "false"
    assert "optional" not in check.spec.schema["required"]


@pytest.mark.parametrize(
    ("arguments", "field", "expected"),
    [
        ({"colour": "red"}, "items", "items is missing (expected: array)"),
        ({"items": [{}], "colour": "red"}, "items.0.sku", "items.0.sku is missing"),
        ({"items": [{"sku": "a", "count": 0}], "colour": "red"}, "items.0.count", "greater than or equal to 1"),
        ({"items": [], "colour": "green"}, "colour", "'red' or 'blue' (given: \"green\")"),
        ({"items": [], "colour": "red", "speed": 7}, "speed", "'slow' or 'fast'"),
        ({"items": [], "colour": "red", "sped": "fast"}, "sped", "there is no argument sped"),
    ],
)
async def test_a_wrong_argument_is_told_by_name_with_what_is_expected(
    arguments: dict[str, Any], field: str, expected: str, context: ToolContext
) -> None:
    with pytest.raises(ToolError) as caught:
        await order.call(arguments, context)
    assert expected in caught.value.message
    assert caught.value.details == {"field": field}
    assert "pydantic" not in caught.value.message


async def test_a_long_wrong_value_is_not_repeated_in_full(context: ToolContext) -> None:
    with pytest.raises(ToolError) as caught:
        await order.call({"items": "x" * 10_000, "colour": "red"}, context)
    assert len(caught.value.message) < 500


async def test_arguments_may_have_names_that_pydantic_keeps_for_itself(context: ToolContext) -> None:
    @tool
    def awkward(json: str, copy: int, model_config: str, _id: int, schema: str = "s") -> list[Any]:
        return [json, copy, model_config, _id, schema]

    arguments = {"json": "j", "copy": 1, "model_config": "m", "_id": 2}
    assert await awkward.call(arguments, context) == '["j",1,"m",2,"s"]'
    assert list(properties(awkward)) == ["json", "copy", "model_config", "_id", "schema"]


async def test_a_type_of_the_enclosing_function_can_be_named(context: ToolContext) -> None:
    class Local(BaseModel):
        size: int

    @tool
    def direct(thing: Local, more: list[Local]) -> int:
        return thing.size + sum(each.size for each in more)

    @tool(name="with_options")
    def second(thing: Local) -> int:
        return thing.size

    assert await direct.call({"thing": {"size": 2}, "more": [{"size": 3}]}, context) == "5"
    assert await second.call({"thing": {"size": 2}}, context) == "2"


async def test_positional_only_and_keyword_only_arguments_are_bound(context: ToolContext) -> None:
    @tool
    def mixed(a: int, b: int = 2, /, c: int = 3, *, d: int = 4) -> list[int]:
        return [a, b, c, d]

    assert await mixed.call({"a": 1, "d": 9}, context) == "[1,2,3,9]"
    assert await mixed.call({"a": 1, "b": 8, "c": 7}, context) == "[1,8,7,4]"


async def test_free_keywords_are_taken_and_checked(context: ToolContext) -> None:
    @tool
    def set_levels(room: str, **levels: int) -> dict[str, Any]:
        return {room: levels}

    assert set_levels.spec.schema["additionalProperties"] == {"type": "integer"}
    assert await set_levels.call({"room": "hall", "light": "3"}, context) == '{"hall":{"light":3}}'
    with pytest.raises(ToolError, match=r"light: .*valid integer"):
        await set_levels.call({"room": "hall", "light": "bright"}, context)


async def test_none_as_default_makes_null_a_legal_value(context: ToolContext) -> None:
    @tool
    def implied(limit: int = None) -> str:  # type: ignore[assignment]  # noqa: RUF013
        return f"{limit}"

    assert await implied.call({"limit": None}, context) == "None"


def test_fields_have_no_titles_that_only_cost_tokens() -> None:
    assert "title" not in order.spec.schema
    assert all("title" not in shown for shown in properties(order).values())
