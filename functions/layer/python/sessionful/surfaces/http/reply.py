"""Resources as responses."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from sessionful.domain.session import Session
from sessionful.surfaces.http.outputs import Resource, SessionResource


def reply(resource: Resource, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    try:
        body = resource.model_dump_json()
    except ValueError:  # half a surrogate pair in what a model said: UTF-8 cannot carry it, an escape can
        body = json.dumps(resource.model_dump())
    return Response(body, status, headers, media_type="application/json")


def document_reply(document: Mapping[str, Any]) -> Response:
    """In ASCII: what models said may hold half a surrogate pair."""
    return Response(json.dumps(document), media_type="application/json")


def session_reply(session: Session, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return reply(SessionResource.of(session), status, {"ETag": f'"{session.version}"', **(headers or {})})
