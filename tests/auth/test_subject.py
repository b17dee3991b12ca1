"""Which claims name an owner, and which might be taken for somebody else's."""

from typing import Any

import pytest

from sessionful.auth.subject import owner_of
from sessionful.domain.error import Unauthenticated
from tests.auth.issuer import LocalIssuer

NAMES = [
    "ann",
    "auth0|5f7c8ec7",
    "AROA1:ann@example.com",
    "Ann",
    "ann smith",
    "李小龍",
    "josé",
    "x" * 256,
    "*",
    "../ann",
]
ODD: list[Any] = [
    None,
    "",
    " ",
    " ann",
    "ann ",
    "ann\n",
    "a\0nn",
    "a\x7fnn",
    "a\u200bnn",  # nothing to be seen between the letters
    "\u202enna",  # shown backwards
    "ann\u00a0smith",
    "\ud800",
    "jose\u0301",  # looks like the composed form
    "x" * 257,
    "x" * 10_240,
    7,
    7.5,
    True,
    ["ann"],
    {"ann": 1},
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_exactly_as_it_is(name: str) -> None:
    assert owner_of({"sub": name}, "sub") == name


@pytest.mark.parametrize("value", ODD, ids=ascii)
def test_what_is_no_clear_name_is_refused_and_not_repeated(value: Any) -> None:
    with pytest.raises(Unauthenticated) as refused:
        owner_of({"sub": value}, "sub")
    assert "'sub'" in refused.value.message
    assert "ann" not in refused.value.message


def test_the_owner_of_what_a_machine_keeps_for_itself_is_nobody_from_elsewhere() -> None:
    with pytest.raises(Unauthenticated, match="keeps for itself"):
        owner_of({"sub": "local"}, "sub")


def test_an_address_counts_only_when_its_issuer_has_verified_it() -> None:
    for verified in (True, "true"):
        assert owner_of({"email": "a@b.example", "email_verified": verified}, "email") == "a@b.example"
    for verified in (None, False, "false", "yes"):
        with pytest.raises(Unauthenticated, match="not verified"):
            owner_of({"email": "a@b.example", "email_verified": verified}, "email")


async def test_the_configured_claim_of_a_token_is_the_owner(issuer: LocalIssuer) -> None:
    verifier = issuer.verifier(claim="https://app.example/user")
    assert await verifier.owner(issuer.token(**{"https://app.example/user": "u-17"})) == "u-17"
    with pytest.raises(Unauthenticated, match=r"no claim 'https://app\.example/user'"):
        await verifier.owner(issuer.token())


@pytest.mark.parametrize("sub", ["", "ann\n", "x" * 10_000])
async def test_a_proven_token_with_an_odd_subject_is_refused(issuer: LocalIssuer, sub: str) -> None:
    with pytest.raises(Unauthenticated, match="'sub'"):
        await issuer.verifier().owner(issuer.token(sub=sub))
