"""What a Python function takes, as a JSON schema for the model and as a check of what the model then sends."""

import inspect
import json
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Optional

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError, to_jsonable_python

from sessionful.domain.error import ConfigError, ToolError
from sessionful.ports import ToolContext

_PROBLEMS = 5  # as many wrong fields as one answer to the model names


class Signature:
    """Raises ConfigError for a function that cannot be described to a model.

    `descriptions` are the arguments' texts. `names` are what the annotations of a function may refer to, besides the
    names of its module, when it was made inside another function.
    """

    def __init__(
        self, function: Callable[..., Any], name: str, descriptions: Mapping[str, str], names: Mapping[str, Any]
    ) -> None:
        self._name = name
        self._signature, hints = _inspected(function, name, names)
        self._context: str | None = None
        self._rest: str | None = None
        self._arguments: dict[str, str] = {}
        fields: dict[str, Any] = {}
        rest: Any = None
        for parameter in self._signature.parameters.values():
            annotation = hints.get(parameter.name, Any)
            if annotation is ToolContext or ToolContext in typing.get_args(annotation):
                self._context = parameter.name
            elif parameter.kind is parameter.VAR_KEYWORD:
                self._rest, rest = parameter.name, annotation
            else:
                # Fields are numbered and known by alias: an argument may be called `json`, `copy` or `_id`.
                field = f"argument_{len(fields)}"
                fields[field] = _field(parameter, annotation, descriptions.get(parameter.name))
                self._arguments[field] = parameter.name
        self._model, self.schema = _model(name, fields, rest)

    def bind(self, arguments: Mapping[str, Any], context: ToolContext) -> inspect.BoundArguments:
        """The call to make. Raises ToolError naming each field that is wrong, and what is expected there."""
        try:
            checked = self._model.model_validate(dict(arguments))
        except ValidationError as error:
            problems = list(_problems(error, self.schema))
            text = f"{self._name} was not run, its arguments are wrong: {'; '.join(problems[:_PROBLEMS])}"
            raise ToolError(text, field=_place(error.errors()[0]["loc"])) from None
        # Only what was sent: the function's own defaults are for the rest.
        sent = checked.model_fields_set
        given = {name: getattr(checked, field) for field, name in self._arguments.items() if field in sent}
        if self._context is not None:
            given[self._context] = context
        if self._rest is not None:
            given[self._rest] = checked.model_extra or {}
        ordered = {name: given[name] for name in self._signature.parameters if name in given}
        bound = inspect.BoundArguments(self._signature, ordered)
        bound.apply_defaults()
        return bound


class _PlainSchema(GenerateJsonSchema):
    """Without a title for every field: it only repeats the field's name, and costs tokens in every request."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _inspected(
    function: Callable[..., Any], name: str, names: Mapping[str, Any]
) -> tuple[inspect.Signature, dict[str, Any]]:
    local = dict(names) if "<locals>" in getattr(function, "__qualname__", "") else None
    try:
        signature = inspect.signature(function)
        hints = typing.get_type_hints(function, localns=local, include_extras=True)
    except (NameError, TypeError, ValueError) as error:
        raise ConfigError(f"the signature of tool {name!r} cannot be read: {error}", key="tools") from None
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            hint = "a model gives every argument by name"
            raise ConfigError(f"tool {name!r} takes *{parameter.name}: {hint}", key="tools")
        if parameter.name in ("self", "cls") and parameter.name not in hints:
            hint = f"make a tool of the bound one, tool(object.{name})"
            raise ConfigError(f"tool {name!r} is a method: {hint}", key="tools")
        if isinstance(parameter.default, FieldInfo):
            hint = f"{parameter.name}: Annotated[..., Field(...)]"
            raise ConfigError(f"tool {name!r} has a Field as default; write it as {hint}", key="tools")
    return signature, hints


def _field(parameter: inspect.Parameter, annotation: Any, description: str | None) -> tuple[Any, Any]:
    if parameter.default is None and annotation is not Any:
        annotation = Optional[annotation]  # noqa: UP045  # `x: str = None` means it; `|` does not take every annotation
    options: dict[str, Any] = {"alias": parameter.name}
    if description and FieldInfo.from_annotation(annotation).description is None:
        options["description"] = description
    if parameter.default is not parameter.empty:
        try:
            to_jsonable_python(parameter.default)
            options["default"] = parameter.default
        except PydanticSerializationError:
            options["default_factory"] = object  # there is one, and the schema cannot show it
    return annotation, Field(**options)


def _model(name: str, fields: dict[str, Any], rest: Any) -> tuple[type[BaseModel], dict[str, Any]]:
    """`rest` is the annotation of **kwargs, None without them."""
    body: dict[str, Any] = {"__module__": __name__, "model_config": ConfigDict(extra="forbid")}
    if rest is not None:
        body["__annotations__"] = {"__pydantic_extra__": dict[str, rest]}
        body["model_config"] = ConfigDict(extra="allow")
    try:
        base = type("Arguments", (BaseModel,), body)
        model: type[BaseModel] = create_model(name, __base__=base, **fields)
        schema = model.model_json_schema(schema_generator=_PlainSchema)
    except PydanticUserError as error:
        reason = error.message.splitlines()[0]
        raise ConfigError(f"tool {name!r} takes what cannot be sent as JSON: {reason}", key="tools") from None
    schema.pop("title", None)
    return model, schema


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location)


def _problems(error: ValidationError, schema: Mapping[str, Any]) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False):
        place = _place(problem["loc"])
        if problem["type"] == "missing":
            expected = schema["properties"].get(place, {}).get("type", "a value")
            yield f"{place} is missing (expected: {expected})"
        elif problem["type"] == "extra_forbidden":
            yield f"there is no argument {place}"
        else:
            given = json.dumps(problem["input"], default=str, ensure_ascii=False)
            yield f"{place}: {problem['msg']} (given: {given[:80]})"
