"""The one table from error codes to HTTP status, and the one body that every error has."""

import logging
import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sessionful.domain.error import AgentError, RateLimited

log = logging.getLogger("sessionful.http")

STATUS: Mapping[str, int] = {
    "invalid_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "agent_not_found": 404,
    "session_not_found": 404,
    "turn_not_found": 404,
    "checkpoint_not_found": 404,
    "memory_not_found": 404,
    "method_not_allowed": 405,
    "session_busy": 409,
    "session_exists": 409,
    "session_ended": 409,
    "checkpoint_exists": 409,
    "version_conflict": 409,
    "idempotency_conflict": 409,
    "turn_cancelled": 409,
    "lease_lost": 409,
    "session_expired": 410,
    "payload_too_large": 413,
    "rate_limited": 429,
    "internal_error": 500,
    "invalid_config": 500,
    "tool_error": 500,
    "turn_interrupted": 500,
    "max_steps_exceeded": 500,
    "model_error": 502,
    "schema_validation": 502,
    "model_unavailable": 503,
    "store_unavailable": 503,
    "server_stopping": 503,
    "turn_timeout": 504,
}
_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "payload_too_large"}


class ErrorDetail(BaseModel):
    """`code` is stable; `details` says which field was wrong and what would be right."""

    code: str
    message: str
    details: dict[str, Any]
    request_id: str


class ErrorBody(BaseModel):
    error: ErrorDetail


def error_response(request_id: str, error: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """`error` is `{code, message, details}`, the form that a turn's record keeps too."""
    code = error["code"]
    fixed = {"WWW-Authenticate": "Bearer"} if code == "unauthenticated" else {}
    if code in ("rate_limited", "store_unavailable", "server_stopping"):
        fixed = {"Retry-After": "1"}
    detail = {"code": code, "message": "", "details": {}, **error, "request_id": request_id}
    return JSONResponse({"error": detail}, STATUS.get(code, 500), {**fixed, **(headers or {})})


def error_json(error: AgentError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "details": error.details}


def install(app: FastAPI) -> None:
    app.add_exception_handler(AgentError, _agent_error)
    app.add_exception_handler(RequestValidationError, _invalid_parameter)
    app.add_exception_handler(HTTPException, _http_exception)


def refusal(request_id: str, error: AgentError) -> Response:
    if STATUS.get(error.code, 500) >= 500:
        log.warning("request_id=<%s> code=<%s> | %s", request_id, error.code, error.message)
    seconds = error.retry_after if isinstance(error, RateLimited) else None
    headers = {"Retry-After": str(max(1, math.ceil(seconds)))} if seconds is not None else None
    return error_response(request_id, error_json(error), headers)


async def _agent_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AgentError)
    return refusal(request.state.request_id, error)


async def _invalid_parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = str(first["loc"][-1])
    body = {"code": "invalid_request", "message": f"{field}: {first['msg']}", "details": {"field": field}}
    return error_response(request.state.request_id, body)


async def _http_exception(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: an unknown path, a method the path does not have."""
    assert isinstance(error, HTTPException)
    code = _BY_STATUS.get(error.status_code, "invalid_request" if error.status_code < 500 else "internal_error")
    message = {
        "not_found": f"there is nothing at {request.url.path}",
        "method_not_allowed": f"{request.method} is not allowed at {request.url.path}",
    }.get(code, error.detail)
    return error_response(request.state.request_id, {"code": code, "message": message}, error.headers)
