"""The issuer's keys: found, kept, exchanged, and asked for seldom, whatever is sent to us."""

import asyncio
import json
from typing import Any

import pytest

from sessionful.auth.issuer import Issuer
from sessionful.auth.keys import GRACE, PublishedKeys
from sessionful.domain.error import StoreUnavailable, Unauthenticated
from tests.auth.issuer import LocalIssuer, private_key, published


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def ring(issuer: LocalIssuer, clock: Clock, patience: float = 5.0) -> PublishedKeys:
    return PublishedKeys(Issuer(issuer.url, issuer.jwks_url, patience).keys, clock=clock)


async def test_keys_are_fetched_once_for_all_who_wait_and_kept_for_a_while(issuer: LocalIssuer) -> None:
    clock = Clock()
    keys = ring(issuer, clock)
    found = await asyncio.gather(*(keys.find("RS256", "k0") for _ in range(50)))
    assert {key.key_id for key in found} == {"k0"}
    clock.now += 599
    await keys.find("RS256", "k0")
    assert issuer.fetches == {"/keys": 1}
    clock.now += 1
    await keys.find("RS256", "k0")
    assert issuer.fetches == {"/keys": 2}


async def test_one_who_stops_waiting_takes_the_fetch_from_nobody(issuer: LocalIssuer) -> None:
    keys = ring(issuer, Clock())
    first, second = (asyncio.create_task(keys.find("RS256", "k0")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).key_id == "k0"
    assert issuer.fetches == {"/keys": 1}


async def test_a_new_key_is_found_at_once_and_a_withdrawn_one_is_gone(issuer: LocalIssuer) -> None:
    clock = Clock()
    keys = ring(issuer, clock)
    await keys.find("RS256", "k0")
    issuer.keys = [published(private_key(number=1), kid="k1")]
    clock.now += 5
    assert (await keys.find("RS256", "k1")).key_id == "k1"
    with pytest.raises(Unauthenticated, match="does not publish"):
        await keys.find("RS256", "k0")
    assert issuer.fetches == {"/keys": 2}


async def test_made_up_key_ids_do_not_make_us_hammer_the_issuer(issuer: LocalIssuer) -> None:
    clock = Clock()
    keys = ring(issuer, clock)

    async def storm(begin: int) -> None:
        told = await asyncio.gather(*(keys.find("RS256", f"x{begin + n}") for n in range(200)), return_exceptions=True)
        assert {type(error) for error in told} == {Unauthenticated}

    await storm(0)
    assert issuer.fetches == {"/keys": 1}
    for second in range(1, 11):
        clock.now += 1
        await storm(second * 1000)
        assert (await keys.find("RS256", "k0")).key_id == "k0"
    assert issuer.fetches == {"/keys": 3}  # at the beginning, after 5 seconds and after 10


async def test_a_token_without_a_key_id_needs_the_only_key(issuer: LocalIssuer) -> None:
    issuer.keys = [published(private_key()), published(private_key("P-256"), kid="e")]
    assert await issuer.verifier().owner(issuer.token(headers={})) == "ann"
    issuer.keys.append(published(private_key(number=1), kid="k1"))
    with pytest.raises(Unauthenticated, match="which of its issuer's keys"):
        await issuer.verifier().owner(issuer.token(headers={}))


@pytest.mark.parametrize(
    "unfit",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "RS512"},
        {"kid": "K0"},
        {"kid": None},
        {"kty": "EC"},
        {"kty": None},
        {"n": None},
        {"n": "!"},
        {"e": 5},
    ],
)
async def test_a_key_that_does_not_fit_is_as_good_as_none(issuer: LocalIssuer, unfit: dict[str, Any]) -> None:
    issuer.keys = [published(private_key(), **{"kid": "k0", **unfit}), published(private_key(number=1), kid="k1")]
    keys = ring(issuer, Clock())
    with pytest.raises(Unauthenticated, match="does not publish"):
        await keys.find("RS256", "k0")
    assert (await keys.find("RS256", "k1")).key_id == "k1"


async def test_a_key_on_another_curve_does_not_fit(issuer: LocalIssuer) -> None:
    issuer.keys = [published(private_key("P-384"), kid="k0")]
    with pytest.raises(Unauthenticated, match="does not publish"):
        await ring(issuer, Clock()).find("ES256", "k0")
    assert (await ring(issuer, Clock()).find("ES384", "k0")).key_id == "k0"


async def test_a_private_half_that_an_issuer_publishes_by_mistake_is_not_kept(issuer: LocalIssuer) -> None:
    issuer.keys[0]["d"] = "AQAB"
    assert await issuer.verifier().owner(issuer.token()) == "ann"


async def test_without_its_issuer_nobody_is_let_in(issuer: LocalIssuer) -> None:
    clock = Clock()
    keys, issuer.status = ring(issuer, clock), 500
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="the issuer answered 500"):
            await keys.find("RS256", "k0")
    assert issuer.fetches == {"/keys": 1}
    issuer.status = 200
    clock.now += 5
    assert (await keys.find("RS256", "k0")).key_id == "k0"


async def test_keys_outlive_their_issuer_for_a_bounded_time(issuer: LocalIssuer) -> None:
    clock = Clock()
    keys = ring(issuer, clock)
    await keys.find("RS256", "k0")
    issuer.status = 503
    clock.now += 600 + GRACE - 1
    assert (await keys.find("RS256", "k0")).key_id == "k0"
    with pytest.raises(StoreUnavailable):  # it may be a new key: not a wrong token
        await keys.find("RS256", "k1")
    clock.now += 1
    with pytest.raises(StoreUnavailable):
        await keys.find("RS256", "k0")


async def test_an_issuer_that_hangs_is_not_waited_for_long(issuer: LocalIssuer) -> None:
    keys, issuer.hangs = ring(issuer, Clock(), patience=0.2), True
    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.2 s"):
        await keys.find("RS256", "k0")


async def test_what_is_known_goes_on_while_an_issuer_hangs(issuer: LocalIssuer) -> None:
    clock = Clock()
    keys = ring(issuer, clock, patience=60)
    await keys.find("RS256", "k0")
    issuer.hangs = True
    clock.now += 600
    async with asyncio.timeout(5):
        assert (await keys.find("RS256", "k0")).key_id == "k0"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "JSON"),
        (b"[]", "JSON"),
        (b"[" * 50_000, "JSON"),
        (b"{}", "no keys"),
        (b'{"keys": {}}', "no keys"),
        (b'{"keys": [1, "x"]}', "no keys"),
        (b" " * (256 * 1024 + 1), "256 KiB"),
    ],
    ids=["empty", "a list", "deep", "nothing", "no list", "no keys in it", "endless"],
)
async def test_what_is_no_set_of_keys_is_told_so(issuer: LocalIssuer, answer: bytes, why: str) -> None:
    issuer.says["/keys"] = answer
    with pytest.raises(StoreUnavailable, match=why):
        await ring(issuer, Clock()).find("RS256", "k0")


async def test_an_issuer_that_is_not_there_is_told_so_and_its_address_is_not(issuer: LocalIssuer) -> None:
    keys = PublishedKeys(Issuer("https://i.example", "http://127.0.0.1:1/keys").keys)
    with pytest.raises(StoreUnavailable, match="cannot be reached") as told:
        await keys.find("RS256", "k0")
    assert "127.0.0.1" not in str(told.value)


async def test_without_an_address_the_keys_are_looked_up_in_the_issuers_description(issuer: LocalIssuer) -> None:
    assert await issuer.verifier(jwks_url=None).owner(issuer.token()) == "ann"
    assert issuer.fetches == {"/.well-known/openid-configuration": 1, "/keys": 1}


async def test_an_issuer_whose_name_ends_in_a_slash_is_found_and_named_exactly(issuer: LocalIssuer) -> None:
    name = f"{issuer.url}/"
    issuer.described_as = name
    assert await issuer.verifier(issuer=name, jwks_url=None).owner(issuer.token(iss=name)) == "ann"
    assert issuer.fetches == {"/.well-known/openid-configuration": 1, "/keys": 1}


async def test_a_description_of_another_issuer_is_not_believed(issuer: LocalIssuer) -> None:
    issuer.described_as = f"{issuer.url}/"
    with pytest.raises(StoreUnavailable, match="as another one"):
        await issuer.verifier(jwks_url=None).owner(issuer.token())
    assert "/keys" not in issuer.fetches


@pytest.mark.parametrize(
    "address", ["http://keys.example/", "ftp://127.0.0.1/", "file:///etc/passwd", "", "//x", None, 7]
)
async def test_keys_are_only_taken_from_where_nobody_changes_them_on_their_way(
    issuer: LocalIssuer, address: Any
) -> None:
    described = {"issuer": issuer.url, "jwks_uri": address}
    issuer.says["/.well-known/openid-configuration"] = json.dumps(described).encode()
    with pytest.raises(StoreUnavailable, match=r"not https|does not say"):
        await issuer.verifier(jwks_url=None).owner(issuer.token())


async def test_a_redirect_is_not_followed(issuer: LocalIssuer) -> None:
    issuer.status = 302
    with pytest.raises(StoreUnavailable, match="answered 302"):
        await issuer.verifier().owner(issuer.token())
