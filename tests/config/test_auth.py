"""The block `auth`: what stands where nothing is said, and what is refused."""

import pytest

from sessionful.auth.keys import ALGORITHMS
from sessionful.config import Config, parse
from sessionful.domain.error import ConfigError


def read(text: str) -> Config:
    return parse(text, {})


def test_auth_takes_the_usual_where_nothing_is_said() -> None:
    auth = read("auth: {issuer: 'https://i.example', audience: [web, phone]}").auth
    assert auth is not None
    assert (auth.audience, auth.claim, auth.leeway, auth.cache_duration) == (("web", "phone"), "sub", 60, 600)
    assert auth.algorithms == ALGORITHMS
    whole = read(
        "auth: {issuer: us, audience: web, jwks_url: 'http://127.0.0.1:9/keys', algorithms: [ES256], claim: email, "
        "leeway: 0, cache_duration: 1h}"
    ).auth
    assert whole is not None
    assert (whole.audience, whole.algorithms, whole.leeway, whole.cache_duration) == ("web", ("ES256",), 0, 3600)


@pytest.mark.parametrize(
    ("auth", "key", "words"),
    [
        ("", "auth.issuer", "is missing"),
        ("{issuer: 'https://i.example'}", "auth.audience", "is missing"),
        ("{audience: a}", "auth.issuer", "is missing"),
        ("{issuer: 'https://i.example', audience: []}", "auth", "'audience' lists none"),
        ("{issuer: 'https://i.example', audience: ''}", "auth.audience", "at least 1"),
        ("{issuer: 'https://i.example', audience: a, algorithms: []}", "auth", "'algorithms' lists none"),
        ("{issuer: 'https://i.example', audience: a, algorithms: [HS256]}", "auth.algorithms[0]", "should be RS256"),
        ("{issuer: 'https://i.example', audience: a, algorithms: [none]}", "auth.algorithms[0]", "should be RS256"),
        ("{issuer: 'https://i.example', audience: a, leeway: 1h}", "auth.leeway", "at most 600"),
        ("{issuer: 'https://i.example', audience: a, cache_duration: 2d}", "auth.cache_duration", "at most 86400"),
        ("{issuer: 'https://i.example', audience: a, jwks: x}", "auth.jwks", "did you mean 'jwks_url'?"),
        ("{issuer: 'http://i.example', audience: a}", "auth", "https://"),
        ("{issuer: us, audience: a}", "auth", "or give 'jwks_url'"),
        ("{issuer: us, audience: a, jwks_url: 'http://i.example/keys'}", "auth", "'jwks_url' should be an https://"),
        (
            "{issuer: us, audience: a, jwks_url: 'http://127.0.0.1.evil.example/'}",
            "auth",
            "'jwks_url' should be an https://",
        ),
    ],
)
def test_auth_that_would_let_nobody_or_anybody_in_is_refused(auth: str, key: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(f"auth: {auth}")
    assert refused.value.details["errors"][0]["key"] == key
    assert words in refused.value.message
