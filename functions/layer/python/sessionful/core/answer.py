"""Typed answers: what is asked of the model, and the check that its answer fits."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, TypeAdapter, ValidationError

from sessionful.domain.error import InvalidRequest


class Answer(Protocol):
    """A shape an answer must have. `check` gives the JSON value of a text, or raises ValueError saying what is wrong;
    `parse` turns that JSON value into the caller's type."""

    @property
    def schema(self) -> Mapping[str, Any]: ...

    def check(self, text: str) -> Any: ...

    def parse(self, value: Any) -> Any: ...


def answer_shape(shape: Any) -> Answer:
    """From a pydantic model (or any type pydantic knows), or from a JSON schema as a mapping."""
    return SchemaAnswer(shape) if isinstance(shape, Mapping) else TypeAnswer(shape)


class TypeAnswer:
    def __init__(self, shape: Any) -> None:
        self._adapter: TypeAdapter[Any] = TypeAdapter(shape)
        self.schema: Mapping[str, Any] = self._adapter.json_schema()

    def parse(self, value: Any) -> Any:
        return self._adapter.validate_python(value)

    def check(self, text: str) -> Any:
        try:
            value = self._adapter.validate_json(_bare_json(text))
        except ValidationError as error:
            problems = (f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['msg']}" for e in error.errors())
            raise ValueError("; ".join(problems)) from None
        return (
            value.model_dump(mode="json")
            if isinstance(value, BaseModel)
            else self._adapter.dump_python(value, mode="json")
        )


class SchemaAnswer:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        import jsonschema  # only typed answers against a bare schema need it

        self.schema: Mapping[str, Any] = schema
        kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        try:
            kind.check_schema(dict(schema))
        except jsonschema.SchemaError as error:
            raise InvalidRequest(f"not a JSON schema: {error.message}", field="schema") from None
        self._validator = kind(dict(schema))

    def parse(self, value: Any) -> Any:
        return value

    def check(self, text: str) -> Any:
        value = json.loads(_bare_json(text))
        problems = [f"{error.json_path}: {error.message}" for error in self._validator.iter_errors(value)]
        if problems:
            raise ValueError("; ".join(problems[:10]))
        return value


def instruction(answer: Answer) -> str:
    """Told in the system prompt too, because not every model can be held to a schema."""
    schema = json.dumps(answer.schema, ensure_ascii=False)
    return f"Answer with one JSON value and nothing else. It must fit this JSON schema:\n{schema}"


def correction(problem: str) -> str:
    return f"That answer does not fit the JSON schema: {problem}. Answer again, with the corrected JSON value only."


def _bare_json(text: str) -> str:
    """Without the code fence that models like to put around JSON."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```") and len(bare) > 6:
        bare = bare[3:-3].removeprefix("json").removeprefix("JSON").strip()
    return bare
