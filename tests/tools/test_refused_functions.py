"""Functions that no model could call are refused when they are decorated."""

import functools
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import Field

from sessionful.domain.error import ConfigError
from sessionful.tools.function import tool


class Shop:
    def greet(self, who: str) -> str:
        return who


def positional(*values: int) -> None: ...


def generator() -> Iterator[str]:
    yield "a"


def unreadable(lock: threading.Event) -> None: ...


def field_as_default(count: int = Field(default=1)) -> int:
    return count


def unknown_name(order: "Ordr") -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (positional, r"takes \*values"),
        (generator, "yields"),
        (unreadable, "cannot be sent as JSON"),
        (field_as_default, "Annotated"),
        (unknown_name, "Ordr"),
        (functools.partial(math.pow, 2), "not of partial"),
        (Shop.greet, "is a method"),
        (lambda: None, "no name for a tool"),
    ],
)
def test_a_function_that_no_model_could_call_is_refused_at_once(function: Callable[..., Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        tool(function)


def test_a_timeout_is_above_zero() -> None:
    with pytest.raises(ConfigError, match="above 0"):
        tool(positional_free, timeout=0)


def positional_free() -> None: ...
