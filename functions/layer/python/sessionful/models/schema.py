"""A JSON schema in the strict form that vendors can hold a model to."""

from collections.abc import Mapping
from typing import Any

_PLAIN = frozenset({"type", "enum", "const", "description", "title", "$ref"})
_SILENT = frozenset({"default", "examples", "$schema", "$id", "discriminator"})
_MOST_NESTED = 50


def strict(schema: Mapping[str, Any], all_required: bool = False) -> dict[str, Any] | None:
    """Whatever fits the result fits `schema`, apart from bounds (minimum, pattern, ...), which vendors do not enforce:
    they are told in the description, and whoever asked checks the answer anyway.

    Objects are closed; with `all_required`, as OpenAI wants, every property is required. None when the schema needs
    what no vendor enforces: objects with free keys, tuples, `allOf`, `not`, values of any type.
    """
    try:
        return _strict(schema, all_required, 0)
    except _TooFree:
        return None


class _TooFree(Exception):
    """Nothing can enforce this."""


def _strict(schema: Any, all_required: bool, depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or depth > _MOST_NESTED:
        raise _TooFree
    out: dict[str, Any] = {}
    hints: list[str] = []
    if "$ref" in schema:  # which takes no neighbours but the definitions
        schema = {key: schema[key] for key in ("$ref", "$defs") if key in schema}
    for key, value in schema.items():
        if key in _PLAIN:
            out[key] = value
        elif key in ("properties", "$defs"):
            out[key] = {name: _strict(inner, all_required, depth + 1) for name, inner in value.items()}
        elif key == "items":
            out[key] = _strict(value, all_required, depth + 1)
        elif key in ("anyOf", "oneOf"):
            out["anyOf"] = [_strict(inner, all_required, depth + 1) for inner in value]
        elif key == "required":
            out[key] = list(value)
        elif key in ("allOf", "not", "prefixItems", "patternProperties", "if", "additionalProperties"):
            if key != "additionalProperties" or value is not False:
                raise _TooFree
        elif key not in _SILENT:
            hints.append(f"{key}: {value}")
    if hints:
        out["description"] = " ".join(filter(None, (out.get("description"), f"({', '.join(hints)})")))
    return _closed(out, all_required)


def _closed(out: dict[str, Any], all_required: bool) -> dict[str, Any]:
    kinds = out.get("type")
    if kinds is None and not out.keys() & {"anyOf", "$ref", "enum", "const", "properties"}:
        raise _TooFree
    if kinds == "array" and "items" not in out:
        raise _TooFree
    if kinds == "object" or "properties" in out:
        if not out.get("properties"):
            raise _TooFree
        out["additionalProperties"] = False
        if all_required:
            out["required"] = list(out["properties"])
    return out
