"""Writes as DynamoDB spells them, the same alone and in a transaction."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sessionful.stores.dynamodb.table import PARTITION, SORT

Attribute = dict[str, Any]
"""A value in DynamoDB's notation, as `{"S": "text"}`."""

Item = dict[str, Attribute]

_NAME = re.compile(r"#(\w+)")

ABSENT = f"attribute_not_exists(#{PARTITION})"


class Action(NamedTuple):
    """`kind` is `Put`, `Update` or `Delete`."""

    kind: str
    params: dict[str, Any]


def string(value: str) -> Attribute:
    return {"S": value}


def number(value: int) -> Attribute:
    return {"N": str(value)}


def key(partition: str, sort: str) -> Item:
    return {PARTITION: string(partition), SORT: string(sort)}


def put(item: Item, condition: str = "", values: Mapping[str, Attribute] | None = None) -> Action:
    return Action("Put", {"Item": item, **_conditional("", condition, values or {})})


def update(at: Item, expression: str, condition: str = "", values: Mapping[str, Attribute] | None = None) -> Action:
    """In expressions `#name` is the attribute of that name (so none is taken for a reserved word), `:name` a value."""
    return Action("Update", {"Key": at, **_conditional(expression, condition, values or {})})


def delete(at: Item, condition: str = "", values: Mapping[str, Attribute] | None = None) -> Action:
    return Action("Delete", {"Key": at, **_conditional("", condition, values or {})})


def size(item: Mapping[str, Attribute]) -> int:
    """The bytes that DynamoDB counts for an item: names and values."""
    return sum(len(name) + _value_size(value) for name, value in item.items())


def assignment(changes: Mapping[str, Attribute], gone: Iterable[str]) -> tuple[str, dict[str, Attribute]]:
    """An update expression that sets `changes` and removes what is `gone`, with its values."""
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in changes)
    removed = ", ".join(f"#{name}" for name in gone)
    return f"{expression} REMOVE {removed}" if removed else expression, dict(changes)


def names(*expressions: str) -> dict[str, str]:
    return {f"#{name}": name for expression in expressions for name in _NAME.findall(expression)}


def _value_size(value: Attribute) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 2
        case "L":
            return 3 + sum(1 + _value_size(element) for element in content)
    return 1 if isinstance(content, bool) else len(content)


def _conditional(expression: str, condition: str, values: Mapping[str, Attribute]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if expression:
        params["UpdateExpression"] = expression
    if condition:
        params["ConditionExpression"] = condition
        params["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if used := names(expression, condition):
        params["ExpressionAttributeNames"] = used
    if values:
        params["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return params
