"""What the API's description says of bodies: schemas by reference, made only when somebody asks for the description."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sessionful.surfaces.http import inputs, memory_outputs, outputs, turn_outputs
from sessionful.surfaces.http.errors import STATUS, ErrorBody

_INPUTS = (
    inputs.SessionInput,
    inputs.SessionChangeInput,
    inputs.ForkInput,
    inputs.CheckpointInput,
    inputs.RewindInput,
    inputs.MemoryInput,
    inputs.MemoryChangeInput,
    inputs.MessagePost,
    inputs.TaskPost,
)
_OUTPUTS = (
    ErrorBody,
    outputs.SessionResource,
    outputs.SessionList,
    outputs.MessageList,
    outputs.CheckpointResource,
    outputs.CheckpointList,
    outputs.AgentResource,
    outputs.AgentList,
    outputs.Health,
    memory_outputs.MemoryResource,
    memory_outputs.MemoryList,
    turn_outputs.Answer,
    turn_outputs.Reply,
    turn_outputs.StillRunning,
    turn_outputs.TaskResource,
    turn_outputs.TurnResource,
    turn_outputs.TurnList,
)
_REF = "#/components/schemas/{model}"

ANYWHERE = (
    "invalid_request",
    "unauthenticated",
    "forbidden",
    "rate_limited",
    "internal_error",
    "store_unavailable",
)
IN_SESSION = (*ANYWHERE, "agent_not_found", "session_not_found", "session_expired")
WITH_BODY = ("payload_too_large",)
ADMISSION = (*IN_SESSION, *WITH_BODY, "session_busy", "session_ended", "idempotency_conflict", "lease_lost")
TURN = (
    *ADMISSION,
    "turn_cancelled",
    "turn_interrupted",
    "turn_timeout",
    "max_steps_exceeded",
    "tool_error",
    "model_error",
    "schema_validation",
    "model_unavailable",
)


class Described(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            schema = super().openapi()
            models: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in _INPUTS]
            models += [(model, "serialization") for model in _OUTPUTS]
            _, definitions = models_json_schema(models, ref_template=_REF)
            schema.setdefault("components", {}).setdefault("schemas", {}).update(definitions["$defs"])
        return self.openapi_schema or {}


def json_body(model: type[BaseModel] | type[dict[str, Any]]) -> dict[str, Any]:
    """Required where the model has a field that is."""
    schema, required = {"type": "object"}, True
    if issubclass(model, BaseModel):
        schema = {"$ref": _REF.format(model=model.__name__)}
        required = any(field.is_required() for field in model.model_fields.values())
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def parameter(where: str, name: str, description: str, **schema: Any) -> dict[str, Any]:
    required = {"required": True} if where == "path" else {}
    return {"name": name, "in": where, **required, "description": description, "schema": {"type": "string", **schema}}


def answers(
    good: Mapping[int, type[BaseModel] | str | None], codes: tuple[str, ...] = ANYWHERE
) -> dict[int | str, dict[str, Any]]:
    """For `responses`: a model, a media type of plain text, or no body, by status; and each error's status."""
    described: dict[int | str, dict[str, Any]] = {status: _answer(status, body) for status, body in good.items()}
    for status in sorted({STATUS[code] for code in codes}):
        named = ", ".join(f"`{code}`" for code in codes if STATUS[code] == status)
        described[status] = _answer(status, ErrorBody) | {"description": named}
    described["default"] = _answer(500, ErrorBody) | {"description": "Every other error has the same body."}
    return described


def _answer(status: int, body: type[BaseModel] | str | None) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if isinstance(body, str):
        content = {body: {"schema": {"type": "string" if body.startswith("text/") else "object"}}}
    elif body is not None:
        content = {"application/json": {"schema": {"$ref": _REF.format(model=body.__name__)}}}
    return {"description": HTTPStatus(status).phrase} | ({"content": content} if content else {})
