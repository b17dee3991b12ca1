"""Strict forms of schemas: what they allow fits the schema they stand for."""

from enum import Enum
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter

from sessionful.models.schema import strict


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Leaf(BaseModel):
    kind: Literal["leaf"] = "leaf"
    colour: Colour | None = None


class Tree(BaseModel):
    """A tree, with leaves and more trees."""

    name: str = Field(min_length=1, description="its name")
    height: float = Field(gt=0, le=120)
    parts: "list[Leaf | Tree]" = []
    age: int | None = None


SCHEMA = Tree.model_json_schema()


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every object schema inside."""
    if isinstance(schema, list):
        return [found for inner in schema for found in objects(inner)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" else []
    return own + [found for inner in schema.values() for found in objects(inner)]


@pytest.mark.parametrize("all_required", [True, False])
def test_every_object_is_closed(all_required: bool) -> None:
    held = strict(SCHEMA, all_required)
    assert held is not None
    assert len(objects(held)) == len(objects(SCHEMA)) > 1
    for found in objects(held):
        assert found["additionalProperties"] is False
        assert not all_required or found["required"] == list(found["properties"])


def test_bounds_are_told_in_words() -> None:
    held = strict({"type": "string", "minLength": 3, "description": "a code", "pattern": "^[A-Z]+$"})
    assert held == {"type": "string", "description": "a code (minLength: 3, pattern: ^[A-Z]+$)"}


@settings(deadline=None)
@given(st.data())
def test_what_the_strict_form_allows_fits_the_schema(data: st.DataObject) -> None:
    held = strict(SCHEMA, all_required=True) or {}
    leaves = st.fixed_dictionaries({"kind": st.just("leaf"), "colour": st.sampled_from(["red", "blue", None])})
    trees = st.recursive(
        leaves,
        lambda inner: st.fixed_dictionaries(
            {
                "name": st.text(min_size=1),
                "height": st.floats(1, 100),
                "parts": st.lists(inner, max_size=2),
                "age": st.none() | st.integers(),
            }
        ),
        max_leaves=5,
    ).filter(lambda value: "name" in value)
    value = data.draw(trees)
    jsonschema.validate(value, held)
    jsonschema.validate(value, SCHEMA)


@pytest.mark.parametrize(
    "shape", [dict[str, int], tuple[int, str], list[Any], Any, set[dict[str, Any]]], ids=lambda shape: str(shape)
)
def test_what_nobody_can_enforce_has_no_strict_form(shape: Any) -> None:
    assert strict(TypeAdapter(shape).json_schema()) is None


def test_a_schema_within_itself_without_end_has_no_strict_form() -> None:
    endless: dict[str, Any] = {"type": "array"}
    endless["items"] = endless
    assert strict(endless) is None


def test_the_schema_that_came_in_is_left_alone() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}, "title": "T"}
    before = repr(schema)
    assert strict(schema, all_required=True) == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "title": "T",
        "required": ["a"],
        "additionalProperties": False,
    }
    assert repr(schema) == before
