"""What must hold of a token before it says whose a request is."""

import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from sessionful.domain.error import Unauthenticated
from tests.auth.issuer import AUDIENCE, LocalIssuer, pem, private_key, published, segment

FAMILIES = {
    "RSA": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    "P-256": ["ES256"],
    "P-384": ["ES384"],
    "P-521": ["ES512"],
    "Ed25519": ["EdDSA"],
}


async def refusal(issuer: LocalIssuer, token: str, **options: Any) -> str:
    """What the token is refused with: never anything of the token itself."""
    with pytest.raises(Unauthenticated) as refused:
        await issuer.verifier(**options).owner(token)
    for part in token.split("."):
        assert len(part) < 8 or part not in str(refused.value)
    return refused.value.message


async def test_the_subject_of_a_good_token_is_the_owner(issuer: LocalIssuer) -> None:
    assert await issuer.verifier().owner(issuer.token()) == "ann"


@pytest.mark.parametrize(("kind", "algorithm"), [(kind, each) for kind, known in FAMILIES.items() for each in known])
async def test_every_algorithm_with_public_keys_is_understood(issuer: LocalIssuer, kind: str, algorithm: str) -> None:
    key = private_key(kind)
    issuer.keys = [published(key, kid="k0")]
    assert await issuer.verifier().owner(issuer.token(key, algorithm)) == "ann"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt", None])
async def test_tokens_of_the_usual_types_are_taken(issuer: LocalIssuer, typ: str | None) -> None:
    assert await issuer.verifier().owner(issuer.token(headers={"kid": "k0", "typ": typ})) == "ann"


@pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", "", 7, ["JWT"]])
async def test_what_a_token_of_another_type_says_is_not_who_is_asking(issuer: LocalIssuer, typ: Any) -> None:
    header = segment({"alg": "RS256", "kid": "k0", "typ": typ})
    assert "type" in await refusal(issuer, f"{header}.{segment(issuer.claims())}.{segment(b'x' * 256)}")


async def test_a_forged_signature_is_refused(issuer: LocalIssuer) -> None:
    assert "signature" in await refusal(issuer, issuer.token(private_key(number=1)))
    header, _, signature = issuer.token().split(".")
    assert "signature" in await refusal(issuer, f"{header}.{segment(issuer.claims(sub='eve'))}.{signature}")
    assert "signature" in await refusal(issuer, f"{header}.{segment(issuer.claims())}.")


async def test_a_token_without_a_signature_is_refused_however_none_is_spelt(issuer: LocalIssuer) -> None:
    for none in ("none", "None", "NONE", "nOnE", "", None):
        token = f"{segment({'alg': none, 'typ': 'JWT', 'kid': 'k0'})}.{segment(issuer.claims())}."
        assert "algorithm" in await refusal(issuer, token)
    assert "algorithm" in await refusal(issuer, jwt.encode(issuer.claims(), None, "none"))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_a_public_key_is_never_taken_for_a_shared_secret(issuer: LocalIssuer, algorithm: str) -> None:
    """Key confusion: everybody has the public key, and could sign with it."""
    for secret in (pem(private_key()), json.dumps(issuer.keys[0]).encode(), issuer.keys[0]["n"].encode()):
        signing = f"{segment({'alg': algorithm, 'typ': 'JWT', 'kid': 'k0'})}.{segment(issuer.claims())}"
        signature = hmac.new(secret, signing.encode(), getattr(hashlib, f"sha{algorithm[2:]}")).digest()
        assert "algorithm" in await refusal(issuer, f"{signing}.{segment(signature)}")


async def test_a_shared_secret_that_an_issuer_publishes_is_no_key(issuer: LocalIssuer) -> None:
    issuer.keys.append({"kty": "oct", "kid": "shared", "k": segment(b"s" * 32), "alg": "RS256"})
    token = issuer.token("s" * 32, "HS256", headers={"kid": "shared"})
    assert "algorithm" in await refusal(issuer, token)
    assert "does not publish" in await refusal(issuer, issuer.token(headers={"kid": "shared"}))


async def test_only_the_algorithms_that_are_configured_are_taken(issuer: LocalIssuer) -> None:
    token = issuer.token()
    assert await issuer.verifier(algorithms=["RS256"]).owner(token) == "ann"
    assert "ES256" in await refusal(issuer, token, algorithms=["ES256"])
    issuer.keys = [
        published(private_key(), kid="k0", alg="RS512")
    ]  # a key that says what it is for is for nothing else
    assert "does not publish" in await refusal(issuer, token)


async def test_a_key_that_is_too_short_is_refused(issuer: LocalIssuer) -> None:
    short = rsa.generate_private_key(65537, 1024)
    issuer.keys = [published(short, kid="k0")]
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = issuer.token(short)
    assert "too weak" in await refusal(issuer, token)


async def test_time_counts_and_clocks_may_differ_a_little(issuer: LocalIssuer) -> None:
    now, verifier = int(time.time()), issuer.verifier()
    assert "(exp)" in await refusal(issuer, issuer.token(exp=now - 90))
    assert "not valid yet" in await refusal(issuer, issuer.token(nbf=now + 90))
    assert "not valid yet" in await refusal(issuer, issuer.token(iat=now + 90))
    for near in ({"exp": now - 30}, {"nbf": now + 30}, {"iat": now + 30}):
        assert await verifier.owner(issuer.token(**near)) == "ann"
        message = await refusal(issuer, issuer.token(**near), leeway=0.0)
        assert "expired" in message or "not valid yet" in message


@pytest.mark.parametrize("exp", [None, "soon", [], {}, float("inf"), float("nan"), True, -1])
async def test_a_token_says_when_it_ends(issuer: LocalIssuer, exp: Any) -> None:
    await refusal(issuer, issuer.token(exp=exp))


@pytest.mark.parametrize("changed", [{"nbf": "later"}, {"iat": []}, {"iat": "now"}])
async def test_a_time_that_is_none_is_refused(issuer: LocalIssuer, changed: dict[str, Any]) -> None:
    good = issuer.claims(**changed)
    header = {"alg": "RS256", "kid": "k0"}
    signing = f"{segment(header)}.{segment(good)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(signing.encode(), private_key())
    await refusal(issuer, f"{signing}.{segment(signature)}")


@pytest.mark.parametrize("audience", [None, "", [], "https://other.example", AUDIENCE + "/", ["a", "b"], [None], {}])
async def test_a_token_for_another_audience_is_refused(issuer: LocalIssuer, audience: Any) -> None:
    assert "audience" in await refusal(issuer, issuer.token(aud=audience))
    if audience is not None:  # what stands in for an audience that is missing does not correct one that is wrong
        assert "audience" in await refusal(issuer, issuer.token(aud=audience, client_id=AUDIENCE))


async def test_one_audience_of_several_is_enough(issuer: LocalIssuer) -> None:
    assert await issuer.verifier().owner(issuer.token(aud=["other", AUDIENCE])) == "ann"
    for name in ("web", "phone"):
        assert await issuer.verifier(audience=("web", "phone")).owner(issuer.token(aud=name)) == "ann"
    assert "audience" in await refusal(issuer, issuer.token(aud="watch"), audience=("web", "phone"))


async def test_the_client_id_counts_where_there_is_no_audience(issuer: LocalIssuer) -> None:
    """So are the access tokens of Amazon Cognito, and so does API Gateway read them."""
    assert await issuer.verifier().owner(issuer.token(aud=None, client_id=AUDIENCE)) == "ann"
    assert "audience" in await refusal(issuer, issuer.token(aud=None, client_id="another"))


@pytest.mark.parametrize("spelling", ["https://evil.example", "", None, ["{url}"], "{url}/", "{url} ", 7])
async def test_a_token_of_another_issuer_is_refused_before_any_key_is_fetched(
    issuer: LocalIssuer, spelling: Any
) -> None:
    iss = json.loads(json.dumps(spelling).replace("{url}", issuer.url))
    signing = f"{segment({'alg': 'RS256', 'kid': 'k0'})}.{segment(issuer.claims(iss=iss))}"
    signature = jwt.get_algorithm_by_name("RS256").sign(signing.encode(), private_key())
    assert "(iss)" in await refusal(issuer, f"{signing}.{segment(signature)}")
    assert issuer.fetches == {}


async def test_an_extension_that_must_be_understood_and_is_not_is_refused(issuer: LocalIssuer) -> None:
    await refusal(issuer, issuer.token(headers={"kid": "k0", "crit": ["exp2"], "exp2": 1}))
    await refusal(issuer, issuer.token(headers={"kid": "k0", "crit": []}))


async def test_keys_inside_a_token_are_not_looked_at(issuer: LocalIssuer) -> None:
    eve = private_key(number=1)
    for planted in ({"jwk": published(eve)}, {"jku": f"{issuer.url}/evil"}, {"x5u": f"{issuer.url}/evil"}):
        assert "signature" in await refusal(issuer, issuer.token(eve, headers={"kid": "k0", **planted}))
    assert "/evil" not in issuer.fetches


async def test_garbage_is_refused_and_makes_no_requests(issuer: LocalIssuer) -> None:
    good = issuer.token()
    header, payload, signature = good.split(".")
    deep = segment(b"[" * 9000 + b"]" * 3000)
    garbage = [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "ä.ö.ü",
        header,
        f"{header}.{payload}",
        f"{good}.x",
        f" {good}",
        good + "\n",
    ]
    garbage += [f" {good}", good + "\n"]
    garbage += [f"{deep}.{payload}.{signature}", f"{header}.{deep}.{signature}", f"{segment([])}.{payload}.{signature}"]
    garbage += [f"{header}.{segment(7)}.{signature}", f"{header}.{segment(b'{')}.x", "x" * 20_000, good[: len(header)]]
    garbage += [f"{segment({'alg': ['RS256'], 'kid': 'k0'})}.{payload}.{signature}"]
    garbage += [f"{segment({'alg': 'RS256', 'kid': 7})}.{payload}.{signature}"]
    for token in garbage:
        await refusal(issuer, token)
    assert issuer.fetches == {}
    assert "not a JSON Web Token" in await refusal(issuer, issuer.token(filler="x" * 16_384))
    assert issuer.fetches == {}
    for cut in range(1, 40):
        await refusal(issuer, good[:-cut])


async def test_a_token_is_nowhere_in_the_logs_or_the_repr(
    issuer: LocalIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    verifier = issuer.verifier()
    issuer.status = 500
    for token in (issuer.token(), issuer.token(private_key(number=1)), issuer.token(aud="x")):
        with pytest.raises(Exception) as told:
            await verifier.owner(token)
        everything = caplog.text + repr(verifier) + repr(told.value) + repr(vars(told.value))
        assert not any(part in everything for part in token.split("."))
