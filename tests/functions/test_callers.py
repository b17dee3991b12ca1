"""Whose a request is, by what API Gateway or the Web Adapter says of it, and by nothing else."""

import json
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from functions.opening.callers import check, gateway_owner, url_owner
from functions.opening.environment import Access
from sessionful.config import Auth
from sessionful.domain.error import ConfigError, Unauthenticated
from tests.functions.events import ALICE, http_event, url_event

TOKENS = Auth(issuer="https://issuer.example", audience="app")


def access(auth: str, iam_owner: str = "caller") -> Access:
    return Access.read({"SESSIONFUL_AUTH": auth, "SESSIONFUL_IAM_OWNER": iam_owner})


def by_gateway(event: Any = None, *headers: tuple[bytes, bytes]) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": list(headers), **({"aws.event": event} if event else {})})


def by_adapter(context: Any, *headers: tuple[bytes, bytes]) -> HTTPConnection:
    value = context if isinstance(context, bytes) else json.dumps(context, ensure_ascii=False).encode()
    return HTTPConnection({"type": "http", "headers": [(b"x-amzn-request-context", value), *headers]})


async def test_under_iam_it_is_the_caller_or_its_role_in_both_doors() -> None:
    context = url_event("GET", "/", user_id=ALICE)["requestContext"]
    for iam_owner, expected in (("caller", ALICE), ("role", ALICE.partition(":")[0])):
        told = access("iam", iam_owner)
        assert await gateway_owner(told, None)(by_gateway(http_event("GET", "/", user_id=ALICE))) == expected
        assert await url_owner(told, None)(by_adapter(context)) == expected


async def test_a_name_outside_ascii_is_the_same_in_both_doors() -> None:
    user_id = "AROAEXAMPLE:Zoë 🙂"
    told = access("iam")
    there = await gateway_owner(told, None)(by_gateway(http_event("GET", "/", user_id=user_id)))
    here = await url_owner(told, None)(by_adapter(url_event("GET", "/", user_id=user_id)["requestContext"]))
    assert there == here == user_id


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"authorizer": None},
        {"authorizer": {}},
        {"authorizer": {"iam": None}},
        {"authorizer": {"iam": {"userId": None}}},
        {"authorizer": {"iam": {"userId": ""}}},
        {"authorizer": {"iam": {"userId": 7}}},
        {"authorizer": {"iam": ALICE}},
        {"authorizer": {"jwt": {"claims": {"sub": ALICE}}}},
        {"authorizer": {"lambda": {"userId": ALICE}}},
        {"identity": {"user": ALICE}},
    ],
)
async def test_where_nobody_signed_nobody_is_let_in(context: Any) -> None:
    with pytest.raises(Unauthenticated):
        await gateway_owner(access("iam"), None)(by_gateway({"requestContext": context}))
    with pytest.raises(Unauthenticated):
        await url_owner(access("iam"), None)(by_adapter(context))


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe"])
async def test_a_context_that_cannot_be_read_names_nobody(value: bytes) -> None:
    with pytest.raises(Unauthenticated):
        await url_owner(access("iam"), None)(by_adapter(value))


async def test_two_contexts_are_one_too_many() -> None:
    context = url_event("GET", "/", user_id=ALICE)["requestContext"]
    twice = by_adapter(context, (b"x-amzn-request-context", json.dumps(context).encode()))
    with pytest.raises(Unauthenticated):
        await url_owner(access("iam"), None)(twice)


async def test_the_adapters_header_says_nothing_behind_the_gateway_or_where_tokens_are_asked_for() -> None:
    context = json.dumps(url_event("GET", "/", user_id=ALICE)["requestContext"]).encode()
    header = (b"x-amzn-request-context", context)
    for auth, tokens in (("iam", None), ("jwt", TOKENS)):
        with pytest.raises(Unauthenticated):
            await gateway_owner(access(auth), tokens)(by_gateway(http_event("GET", "/"), header))
    with pytest.raises(Unauthenticated):
        await url_owner(access("jwt"), TOKENS)(by_adapter(context))
    with pytest.raises(Unauthenticated):
        await gateway_owner(access("iam"), None)(by_gateway(None, header))


async def test_the_gateways_claims_are_held_to_what_a_token_is_held_to() -> None:
    owner = gateway_owner(access("jwt"), Auth(issuer="https://issuer.example", audience="app", claim="email"))

    def claiming(**claims: str) -> HTTPConnection:
        return by_gateway(http_event("GET", "/", claims=claims))

    assert await owner(claiming(email="a@b.example", email_verified="true")) == "a@b.example"
    for claims in ({}, {"sub": "x"}, {"email": ""}, {"email": "a@b.example", "email_verified": "false"}):
        with pytest.raises(Unauthenticated):
            await owner(claiming(**claims))


async def test_where_no_proof_is_asked_for_everybody_is_one_owner() -> None:
    assert await gateway_owner(access("none"), None)(by_gateway(http_event("GET", "/", user_id=ALICE))) == "local"
    assert await url_owner(access("none"), None)(by_adapter({})) == "local"


@pytest.mark.parametrize(("auth", "tokens"), [("jwt", None), ("iam", TOKENS), ("none", TOKENS)])
def test_a_door_does_not_open_when_it_is_not_agreed_whose_word_counts(auth: str, tokens: Auth | None) -> None:
    for opens in (check, gateway_owner, url_owner):
        with pytest.raises(ConfigError, match="SESSIONFUL_AUTH"):
            opens(access(auth), tokens)
