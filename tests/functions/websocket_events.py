"""What API Gateway tells a function of a WebSocket: who connects, what they say, that they left."""

import base64
from collections.abc import Iterable
from typing import Any

from tests.functions.events import Event

HOST = "abcdefghij.execute-api.eu-central-1.amazonaws.com"


def connect_event(
    connection: str = "conn=",
    *,
    host: str = HOST,
    query: dict[str, str] | None = None,
    headers: Iterable[tuple[str, str]] = (),
    user: str | None = None,
) -> Event:
    """`user` is the principal whose signature the gateway has checked."""
    given = [("Host", host), ("Sec-WebSocket-Version", "13"), ("X-Forwarded-For", "192.0.2.7"), *headers]
    many: dict[str, list[str]] = {}
    for name, value in given:
        many.setdefault(name, []).append(value)
    identity = {"sourceIp": "192.0.2.7"}
    if user is not None:
        arn = f"arn:aws:sts::111122223333:assumed-role/app/{user.rpartition(':')[2]}"
        identity |= {"user": user, "userArn": arn, "caller": user, "accountId": "111122223333"}
    event: Event = {
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "requestContext": _context("$connect", "CONNECT", connection, host, identity),
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()}
    return event


def frame_event(connection: str, data: str | bytes, host: str = HOST) -> Event:
    context = _context("$default", "MESSAGE", connection, host, {"sourceIp": "192.0.2.7"})
    context["messageId"] = "DTiZZdBaFiACFMA="
    binary = isinstance(data, bytes)
    body = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return {"requestContext": context, "body": body, "isBase64Encoded": binary}


def disconnect_event(connection: str, host: str = HOST) -> Event:
    context = _context("$disconnect", "DISCONNECT", connection, host, {"sourceIp": "192.0.2.7"})
    context |= {"disconnectStatusCode": 1005, "disconnectReason": ""}
    headers = {"Host": host, "x-api-key": "", "x-restapi": ""}
    many = {name: [value] for name, value in headers.items()}
    return {"headers": headers, "multiValueHeaders": many, "requestContext": context, "isBase64Encoded": False}


def _context(route: str, kind: str, connection: str, host: str, identity: dict[str, Any]) -> dict[str, Any]:
    return {
        "routeKey": route,
        "eventType": kind,
        "messageDirection": "IN",
        "extendedRequestId": "DTiZYFiAliACFuQ=",
        "requestTime": "25/Nov/2026:10:00:00 +0000",
        "requestTimeEpoch": 1795600800000,
        "stage": "v1",
        "connectedAt": 1795600799000,
        "requestId": "DTiZYFiAliACFuQ=",
        "domainName": host,
        "connectionId": connection,
        "apiId": "abcdefghij",
        "identity": identity,
    }
