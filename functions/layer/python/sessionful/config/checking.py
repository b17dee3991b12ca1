"""A document held against the schema: every problem with its full key, its line and what would be right."""

import difflib
import math
import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sessionful.config.document import Document, Path, Problem
from sessionful.config.schema import Config, Options

M = TypeVar("M", bound=BaseModel)

_SHOULD_BE = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text; put it in quotes",
    "tuple_type": "a list",
    "dict_type": "a mapping of names",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}


def check(document: Document) -> tuple[Config | None, list[Problem]]:
    """The configuration, and all the problems; it is None when there is any."""
    problems = list(document.problems)
    if document.value is not None and not isinstance(document.value, dict):
        return None, problems or [Problem((), 1, "a configuration is a mapping: agents, llms, session_stores, ...")]
    checking = _Checking(document, problems)
    data = checking.tidy(document.value or {}, Config, ())
    for path, options in _options(data):
        valid = checking.fit(Options, options, path)
        if valid is not None:
            options.clear()
            options.update(valid.model_dump(exclude_none=True))
    config = checking.fit(Config, data, ())
    checking.names(data)
    problems.sort(key=lambda problem: problem.line or 0)
    return (None, problems) if problems else (config, [])


class _Checking:
    def __init__(self, document: Document, problems: list[Problem]) -> None:
        self._document = document
        self._problems = problems

    def tell(self, path: Path, message: str, known: tuple[str, ...] = (), given: Any = None) -> None:
        """One problem a place: the first is the cause of those that follow."""
        if any(problem.path == path for problem in self._problems):
            return
        near = difflib.get_close_matches(given, known, n=1) if isinstance(given, str) else []
        if near:
            message += f"; did you mean {near[0]!r}?"
        elif known:
            message += f"; known are {', '.join(known)}"
        line = self._document.line(path)
        self._problems.append(Problem(path, line, message, near[0] if near else None, known))

    def tidy(self, value: Any, schema: Any, path: Path) -> Any:
        """What was left blank means the defaults: a block becomes an empty one, any other key is as good as absent."""
        if isinstance(value, list):
            return [self.tidy(item, _within(schema, index), (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, dict):
            tidied = {}
            for key, item in value.items():
                inner = _within(schema, key)
                if item is not None or inner is None:
                    tidied[key] = self.tidy(item, inner, (*path, key))
                elif all(_is_block(kind) for kind in _kinds(inner)):
                    tidied[key] = {}
            return tidied
        kinds = _kinds(schema)
        number = next((kind for kind in kinds if kind in (int, float)), None)
        if isinstance(value, bool) and number is not None:  # pydantic takes true for 1
            self.tell(path, f"should be {'a whole number' if number is int else 'a number'}")
        elif isinstance(value, float) and not math.isfinite(value):
            self.tell(path, "should be a finite number")
        return value

    def fit(self, model: type[M], value: Any, path: Path) -> M | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self._translate(model, detail, path)
            return None

    def names(self, data: dict[str, Any]) -> None:
        """What refers to an entry elsewhere, and the names that end up in addresses."""
        for agent in _block(data, "agents"):
            if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", agent) or agent in (".", ".."):
                self.tell(("agents", agent), "an agent's name is 1 to 64 letters, digits, '_', '.' and '-'")
        for path, given, table in _references(data):
            if isinstance(given, str) and given not in (entries := _block(data, table)):
                self.tell(path, f"there is no such entry in {table}", tuple(entries), given)

    def _translate(self, model: type[BaseModel], detail: ErrorDetails, prefix: Path) -> None:
        path, schema = prefix, model
        for place, step in enumerate(detail["loc"]):
            inner = _within(schema, step)
            unknown = place == len(detail["loc"]) - 1 and detail["type"] == "extra_forbidden"
            if inner is not None or unknown:  # what is neither is the tag of a union
                path, schema = (*path, step), inner if inner is not None else schema
        kind, context = detail["type"], detail.get("ctx", {})
        if kind == "extra_forbidden":
            self.tell(path, "unknown key", _keys(schema), path[-1])
        elif kind == "missing":
            self.tell(path, "is missing")
        elif kind == "literal_error":
            choices = tuple(str(choice) for literal in _kinds(schema) for choice in get_args(literal))
            self.tell(path, f"should be {' or '.join(choices)}", choices, detail["input"])
        elif kind in _SHOULD_BE:
            self.tell(path, "should be " + _SHOULD_BE[kind].format(**context))
        elif kind == "value_error":
            self.tell(path, str(context["error"]).replace(repr(detail["input"]), "this"))
        else:
            self.tell(path, detail["msg"])


def _within(schema: Any, step: str | int) -> Any:
    """The type of what stands under a key or index; None when nothing may stand there."""
    for kind in _kinds(schema):
        if isinstance(kind, type) and issubclass(kind, BaseModel) and step in kind.model_fields:
            return kind.model_fields[str(step)].annotation
        if get_origin(kind) is dict and isinstance(step, str):
            return get_args(kind)[1]
        if get_origin(kind) is tuple and isinstance(step, int):
            return get_args(kind)[0]
    return None


def _kinds(schema: Any) -> Iterator[Any]:
    """The alternatives of a type, without None and without annotations."""
    if get_origin(schema) is Annotated:
        yield from _kinds(get_args(schema)[0])
    elif get_origin(schema) in (Union, UnionType):
        for alternative in get_args(schema):
            yield from _kinds(alternative)
    elif schema is not None and schema is not type(None):
        yield schema


def _is_block(kind: Any) -> bool:
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))


def _keys(schema: Any) -> tuple[str, ...]:
    models = (kind for kind in _kinds(schema) if isinstance(kind, type) and issubclass(kind, BaseModel))
    return tuple(name for model in models for name in model.model_fields)


def _block(data: Any, key: str) -> dict[str, Any]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _options(data: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for name, agent in _block(data, "agents").items():
        if options := _block(agent, "options"):
            yield ("agents", name, "options"), options


def _references(data: dict[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    for name, agent in _block(data, "agents").items():
        if not isinstance(agent, dict):
            continue
        yield ("agents", name, "llm"), agent.get("llm"), "llms"
        yield ("agents", name, "session_store"), agent.get("session_store"), "session_stores"
        listed = agent.get("sub_agents")
        for index, other in enumerate(listed if isinstance(listed, list) else ()):
            yield ("agents", name, "sub_agents", index), other, "agents"
    for key, table in (("llm", "llms"), ("session_store", "session_stores"), ("embedder", "embedders")):
        yield ("defaults", key), _block(data, "defaults").get(key), table
