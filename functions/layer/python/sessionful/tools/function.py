"""`@tool`: makes a Python function something that a model can call."""

import functools
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, overload

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from sessionful.domain.error import ConfigError, ToolError
from sessionful.ports import ToolContext, ToolSpec
from sessionful.tools.docstring import read_docstring
from sessionful.tools.signature import Signature
from sessionful.tools.thread import in_thread

P = ParamSpec("P")
R = TypeVar("R")

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # what every vendor of models accepts


class FunctionTool(Generic[P, R]):
    """A function as a tool; calling it is calling the function.

    `timeout` (seconds) stands in for the agent's own limit. `idempotent` says that a call made twice does no more than
    a call made once, so that it may be repeated when its result was lost.
    """

    __name__: str

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float | None = None,
        idempotent: bool = False,
        names: Mapping[str, Any] | None = None,
    ) -> None:
        self._function = function
        name = _checked_name(function, name)
        if timeout is not None and timeout <= 0:
            raise ConfigError(f"tool {name!r} has a timeout of {timeout:g} s; it must be above 0", key="tools")
        documented = read_docstring(function.__doc__)
        self._signature = Signature(function, name, documented.arguments, names or {})
        text = documented.description if description is None else description
        self.spec = ToolSpec(name, text, self._signature.schema)
        self.timeout = timeout
        self.idempotent = idempotent
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._function(*args, **kwargs)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Raises ToolError when the arguments do not fit, and whatever the function raises."""
        bound = self._signature.bind(arguments, context)
        run = functools.partial(self._function, *bound.args, **bound.kwargs)
        value: Any = run() if inspect.iscoroutinefunction(self._function) else await in_thread(run)
        if inspect.isawaitable(value):
            value = await value
        return _as_text(self.spec.name, value)


@overload
def tool(
    function: Callable[P, R],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    idempotent: bool = False,
) -> FunctionTool[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    idempotent: bool = False,
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...


def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a tool of a function, as `@tool`, `@tool(name=...)` or `tool(function)`.

    Name, description and the schema of the arguments come from the function's name, docstring and annotations; an
    argument without annotation takes any JSON value. A parameter annotated `ToolContext` is filled in and not shown to
    the model. A function that is not async runs in a thread, which cannot be stopped: past its time the model is told
    so, and what the function still does is lost. What is returned becomes text: str as it is, None as "", everything
    else as JSON. Raises ConfigError for a function with *args, a generator, or types that have no JSON schema.
    """
    names = sys._getframe(1).f_locals  # annotations may name types of the function this is used in
    if function is None:
        return lambda decorated: FunctionTool(decorated, names=names, **options)
    return FunctionTool(function, names=names, **options)


def _checked_name(function: Callable[..., Any], name: str | None) -> str:
    if not inspect.isroutine(function):  # a partial or an object would show the model more than it should see
        raise ConfigError(f"a tool is made of a function, not of {type(function).__name__}", key="tools")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigError(f"tool {function.__name__!r} yields: a tool returns its whole answer", key="tools")
    name = function.__name__ if name is None else name
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name for a tool: 1 to 64 letters, digits, '_' and '-'", key="tools")
    return name


def _as_text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return value.model_dump_json() if isinstance(value, BaseModel) else to_json(value).decode()
    except PydanticSerializationError:
        raise ToolError(f"{name} answered with {type(value).__name__}, which cannot be written as JSON") from None
