"""A token and everything that must hold of it before it says who is asking."""

from collections.abc import Iterable
from typing import Any

import jwt
from jwt.algorithms import has_crypto
from jwt.exceptions import InvalidSubjectError

from sessionful.auth.issuer import Issuer
from sessionful.auth.keys import ALGORITHMS, PAUSE, PublishedKeys
from sessionful.auth.subject import owner_of
from sessionful.domain.error import ConfigError, Unauthenticated

_LONGEST = 16 * 1024  # characters of a token
_TYPES = (None, "jwt", "at+jwt", "application/jwt", "application/at+jwt")
_WORDS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.ExpiredSignatureError, "the token has expired (exp)"),
    (jwt.ImmatureSignatureError, "the token is not valid yet (nbf, iat)"),
    (jwt.InvalidIssuedAtError, "the token's iat is not a time"),
    (jwt.InvalidSignatureError, "the token's signature does not fit its issuer's key"),
    (jwt.InvalidKeyError, "the token is signed with a key that is too weak"),
    (InvalidSubjectError, "the token's sub is not text"),
)


class TokenVerifier:
    """The owner that a JSON Web Token names. The keywords are those of the configuration's `auth`; times in seconds.

    `audience` is one or several, of which the token is for one. `leeway` is how far the clocks may be apart. `pause` is
    the least time between two looks at the issuer's keys. Raises ConfigError where signatures cannot be checked at all.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str | Iterable[str],
        jwks_url: str | None = None,
        algorithms: Iterable[str] = ALGORITHMS,
        claim: str = "sub",
        leeway: float = 60.0,
        cache_duration: float = 600.0,
        pause: float = PAUSE,
    ) -> None:
        if not has_crypto:
            raise ConfigError("auth needs cryptography: pip install 'sessionful[auth]'", key="auth", extra="auth")
        self._issuer, self._claim, self._leeway = issuer, claim, leeway
        self._audiences = frozenset([audience] if isinstance(audience, str) else audience)
        self._algorithms = tuple(algorithms)
        if not set(self._algorithms) <= set(ALGORITHMS):
            raise ConfigError(f"auth takes the algorithms {', '.join(ALGORITHMS)}", key="auth.algorithms")
        self._keys = PublishedKeys(Issuer(issuer, jwks_url).keys, self._algorithms, cache_duration, pause)

    async def owner(self, token: str) -> str:
        """Raises Unauthenticated, which says which check failed and repeats nothing of the token, and StoreUnavailable
        while the issuer's keys cannot be had."""
        algorithm, kid = self._announced(token)
        key = await self._keys.find(algorithm, kid)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                leeway=self._leeway,
                # The audience is looked at below: some issuers name it elsewhere.
                options={"require": ["exp"], "verify_aud": False, "enforce_minimum_key_length": True},
            )
        except jwt.MissingRequiredClaimError as error:
            raise Unauthenticated(f"the token has no {error.claim}") from None
        except jwt.PyJWTError as error:
            raise Unauthenticated(_words(error)) from None
        if not self._is_for_us(claims):
            raise Unauthenticated("the token is meant for another audience (aud)")
        return owner_of(claims, self._claim)

    def _announced(self, token: str) -> tuple[str, str | None]:
        """Algorithm and key id, of a token that may be nobody's. What already speaks against it is told here, so that
        no token of another issuer makes us ask this one for keys."""
        try:
            if len(token) > _LONGEST or not token.isascii():
                raise jwt.DecodeError
            read = jwt.decode_complete(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            raise Unauthenticated("the token is not a JSON Web Token") from None
        header, claims = read["header"], read["payload"]
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
        if algorithm not in self._algorithms:
            allowed = ", ".join(self._algorithms)
            raise Unauthenticated(f"the token's algorithm is none of those this server accepts: {allowed}")
        if (kind.lower() if isinstance(kind, str) else kind) not in _TYPES:
            raise Unauthenticated("the token is of a type that does not say who is asking (typ)")
        if claims.get("iss") != self._issuer:
            raise Unauthenticated("the token is from another issuer than the one this server trusts (iss)")
        return algorithm, kid

    def _is_for_us(self, claims: dict[str, Any]) -> bool:
        """An access token of Amazon Cognito has no `aud`: its `client_id` counts, as it does in API Gateway."""
        named = claims["aud"] if "aud" in claims else claims.get("client_id")
        audiences = named if isinstance(named, list) else [named]
        return any(isinstance(audience, str) and audience in self._audiences for audience in audiences)


def _words(error: jwt.PyJWTError) -> str:
    return next((words for kind, words in _WORDS if isinstance(error, kind)), "the token is not valid")
