"""A connection that is wished for ($connect): whose it is, and whether there is such an agent. The rules are those of
the other surfaces, for web pages too, and stand around it in the same order."""

import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from functions.connections.rows import Connection
from functions.opening.callers import principal, url_owner
from functions.opening.environment import Access
from sessionful.config import Auth
from sessionful.core.service import Service
from sessionful.domain.address import is_loopback
from sessionful.domain.error import AgentError, AgentNotFound
from sessionful.surfaces.http.envelope import Envelope
from sessionful.surfaces.http.errors import refusal
from sessionful.surfaces.http.origins import Origins
from sessionful.surfaces.http.ownership import Owner, Ownership
from sessionful.surfaces.websocket.route import SUBPROTOCOL

Event = dict[str, Any]


class Connecting:
    """`keep` is told of each connection before its client is let in."""

    def __init__(
        self, service: Service, access: Access, auth: Auth | None, keep: Callable[[Connection], Awaitable[None]]
    ) -> None:
        self._service, self._keep = service, keep
        owned = Ownership(self._accept, _owner(access, auth))
        self._app = Envelope(Origins(owned, access.origins, silent=True))

    async def answer(self, event: Event) -> Event:
        """For the gateway: 200 lets the client in, any other status is what the client gets."""
        told: list[Message] = []

        async def send(message: Message) -> None:
            told.append(message)

        await self._app(_scope(event), _nothing, send)
        if told[0]["type"] == "websocket.accept":
            chosen = told[0]["subprotocol"]
            return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": chosen} if chosen else {}}
        headers = {name.decode(): value.decode() for name, value in told[0]["headers"] if name != b"content-length"}
        body = b"".join(message.get("body", b"") for message in told[1:])
        return {"statusCode": told[0]["status"], "headers": headers, "body": body.decode()}

    async def _accept(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = scope["aws.event"]["requestContext"]
        try:
            agent = self._agent(HTTPConnection(scope).query_params.get("agent"))
            await self._keep(Connection(context["connectionId"], scope["state"]["owner"], agent, endpoint(context)))
        except AgentError as error:
            await refusal(scope["state"]["request_id"], error)(scope, receive, send)
            return
        chosen = SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None
        await send({"type": "websocket.accept", "subprotocol": chosen, "headers": []})

    def _agent(self, name: str | None) -> str:
        if name is not None:
            return self._service.agent(name).name
        if self._service.sole_agent is None:
            raise AgentNotFound("there are several agents: name one as ?agent=", known=sorted(self._service.agents))
        return self._service.sole_agent.name


def endpoint(context: Event) -> str:
    """Where API Gateway takes what is to be sent to a connection of this event's API: at the API's own name, as a
    domain of one's own may lead to its stages by other paths."""
    host = context["domainName"]
    if is_loopback(urlsplit(f"//{host}").hostname or ""):
        return f"http://{host}/{context['stage']}"
    if not host.startswith(f"{context['apiId']}."):
        region = os.environ["AWS_REGION"]
        host = f"{context['apiId']}.execute-api.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    return f"https://{host}/{context['stage']}"


def _owner(access: Access, auth: Auth | None) -> Owner:
    """API Gateway has checked a signature and tells whose it is; a token is checked here."""
    proven = url_owner(access, auth)
    if access.auth != "iam":
        return proven

    async def by_principal(connection: HTTPConnection) -> str:
        identity = connection.scope["aws.event"]["requestContext"].get("identity") or {}
        return principal(identity.get("user"), access.iam_owner)

    return by_principal


def _scope(event: Event) -> Scope:
    """The event as any other server would tell of the wish."""
    given = event.get("multiValueHeaders") or {name: [value] for name, value in (event.get("headers") or {}).items()}
    headers = [(name.lower().encode(), value.encode()) for name, values in given.items() for value in values]
    offered = b",".join(value for name, value in headers if name == b"sec-websocket-protocol").decode()
    return {
        "type": "websocket",
        "path": "/$connect",
        "query_string": urlencode(event.get("queryStringParameters") or {}).encode(),
        "headers": headers,
        "subprotocols": [name.strip() for name in offered.split(",") if name.strip()],
        "aws.event": event,
    }


async def _nothing() -> Message:
    return {"type": "websocket.connect"}
