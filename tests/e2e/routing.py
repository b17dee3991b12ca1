"""What stands before the doors in the stacks: the HTTP API's routes, and the filter of the curator's event source."""

import re
from typing import Any

from infra.constructs.routes import routes
from infra.constructs.table_stream import EXPIRED_HEADS, REMAINS


def door_of(method: str, path: str) -> str:
    """The door behind the HTTP API that is asked; of several routes the one with the most of its path written out."""
    fitting = [route for route in routes() if route.method == method and _pattern(route.path).fullmatch(path)]
    assert fitting, f"the HTTP API has no route {method} {path}"
    return min(fitting, key=lambda route: route.path.count("{")).door


def heard_by_the_curator(record: dict[str, Any]) -> bool:
    return any(_fits(record, wanted) for wanted in (EXPIRED_HEADS, REMAINS))


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path))


def _fits(value: Any, wanted: Any) -> bool:
    """As Lambda's event filtering compares: every field that is named, any of the values."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(_fits(value.get(name), inner) for name, inner in wanted.items())
    return any(_is(value, one) for one in wanted)


def _is(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(value, str) and value.startswith(wanted["prefix"])
    return bool(value == wanted)
