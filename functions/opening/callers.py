"""Whose a request is: as API Gateway says it in the event, or the Web Adapter in the header that it writes itself.

Nothing that a client sends besides its proof counts: not a field, and not a header of the same name.
"""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection

from functions.opening.environment import Access, IamOwner
from sessionful.auth.subject import owner_of
from sessionful.config import Auth
from sessionful.domain.error import ConfigError, Unauthenticated
from sessionful.surfaces.http.ownership import Owner, local_owner
from sessionful.wiring import open_owner

_CONTEXT = b"x-amzn-request-context"


def gateway_owner(access: Access, auth: Auth | None) -> Owner:
    """API Gateway has checked the caller, and tells who it is in the event that Mangum keeps in the scope.
    Raises ConfigError when the environment and the configuration disagree."""
    check(access, auth)

    async def by_token(connection: HTTPConnection) -> str:
        assert auth is not None
        claims = _within(connection.scope.get("aws.event"), "requestContext", "authorizer", "jwt", "claims")
        return owner_of(claims, auth.claim)

    async def by_principal(connection: HTTPConnection) -> str:
        context = _within(connection.scope.get("aws.event"), "requestContext")
        return principal(_within(context, "authorizer", "iam").get("userId"), access.iam_owner)

    return {"jwt": by_token, "iam": by_principal, "none": local_owner}[access.auth]


def url_owner(access: Access, auth: Auth | None) -> Owner:
    """The Function URL has checked the caller's signature, and the adapter hands on what it says; a token is checked
    here. Raises ConfigError when the environment and the configuration disagree."""
    check(access, auth)
    if auth is not None:
        return open_owner(auth)

    async def by_principal(connection: HTTPConnection) -> str:
        context = _request_context(connection)
        return principal(_within(context, "authorizer", "iam").get("userId"), access.iam_owner)

    return {"iam": by_principal, "none": local_owner}[access.auth]


def check(access: Access, auth: Auth | None) -> None:
    """Raises ConfigError unless tokens are asked for exactly where it is configured whose tokens."""
    if (access.auth == "jwt") != (auth is not None):
        problem = "is not jwt, but the agents' YAML has a block `auth`"
        if auth is None:
            problem = "is jwt, but the agents' YAML has no block `auth` that says whose tokens"
        raise ConfigError(f"SESSIONFUL_AUTH {problem}", key="SESSIONFUL_AUTH")


def principal(user_id: Any, owner: IamOwner) -> str:
    """The owner that IAM's unique id names: `AIDA…` for a user, `AROA…:NAME` for a session of a role. Unlike an ARN,
    such an id is never given to somebody else. Raises Unauthenticated where there is none."""
    if not isinstance(user_id, str) or not user_id:
        raise Unauthenticated("the request is not signed with AWS credentials")
    return user_id.partition(":")[0] if owner == "role" else user_id


def _request_context(connection: HTTPConnection) -> Any:
    given = [value for name, value in connection.scope["headers"] if name == _CONTEXT]
    try:
        return json.loads(given[0]) if len(given) == 1 else None
    except ValueError:
        return None


def _within(value: Any, *path: str) -> Mapping[str, Any]:
    """What stands there, or nothing: an event has only the parts that apply to it."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
