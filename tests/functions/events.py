"""Requests as API Gateway's HTTP API and a Function URL put them into events (payload format 2.0)."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

ALICE = "AROAEXAMPLEROLEID0001:alice"
BOB = "AROAEXAMPLEROLEID0001:bob"

Event = dict[str, Any]


def http_event(
    method: str,
    path: str,
    body: Any = None,
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    user_id: str | None = None,
    claims: Mapping[str, str] | None = None,
    binary: bool = False,
) -> Event:
    """`path` is as the gateway hands it on: decoded. `user_id` is IAM's, `claims` are a token's that it has checked;
    `binary` has the body in Base64."""
    authorizer = _authorizer(user_id, claims)
    context = {
        "accountId": "111122223333",
        "apiId": "abcdefghij",
        **({"authorizer": authorizer} if authorizer else {}),
        "domainName": "abcdefghij.execute-api.eu-central-1.amazonaws.com",
        "domainPrefix": "abcdefghij",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.7",
            "userAgent": "tests",
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default",
        "stage": "$default",
        "time": "25/Nov/2026:10:00:00 +0000",
        "timeEpoch": 1795600800000,
    }
    text = body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    event: Event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "content-type": "application/json",
            "host": context["domainName"],
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            **(headers or {}),
        },
        "requestContext": context,
        "isBase64Encoded": binary,
    }
    if text is not None:
        event["body"] = base64.b64encode(text.encode()).decode() if binary else text
    return event


def url_event(method: str, path: str, body: Any = None, **more: Any) -> Event:
    """`path` is decoded; a Function URL hands it on as it was sent."""
    event = http_event(method, path, body, **more)
    sent = quote(path)
    event["rawPath"] = event["requestContext"]["http"]["path"] = sent
    domain = "abcdefghijklmnop.lambda-url.eu-central-1.on.aws"
    event["requestContext"] |= {"domainName": domain, "domainPrefix": "abcdefghijklmnop"}
    event["headers"]["host"] = domain
    return event


def _authorizer(user_id: str | None, claims: Mapping[str, str] | None) -> dict[str, Any]:
    if claims is not None:
        return {"jwt": {"claims": dict(claims), "scopes": None}}
    if user_id is None:
        return {}
    unique, _, name = user_id.partition(":")
    return {
        "iam": {
            "accessKey": "ASIAEXAMPLE",
            "accountId": "111122223333",
            "callerId": user_id,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": f"arn:aws:sts::111122223333:assumed-role/app/{name or unique}",
            "userId": user_id,
        }
    }
