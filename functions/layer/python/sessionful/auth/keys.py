"""The keys of an issuer, kept for a while: fetched once for all who wait, and seldom, whoever asks for what."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from sessionful.domain.error import StoreUnavailable, Unauthenticated

PAUSE = 5.0  # seconds from the start of one fetch to that of the next, however many unknown keys are asked for
GRACE = 3600.0  # seconds that keys are still used for which can no longer be fetched anew
_GLANCE = 1.0  # seconds that a request waits for newer keys where older ones will do

_SUITS: Mapping[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The type and the curve of the key that an algorithm takes. A secret shared with the issuer is none of them."""
ALGORITHMS = tuple(_SUITS)
_PUBLIC = frozenset({"kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y"})


class PublishedKeys:
    """`fetch` gives all keys that are published now, and raises StoreUnavailable. Times in seconds."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Iterable[Mapping[str, Any]]]],
        algorithms: Iterable[str] = ALGORITHMS,
        cache_duration: float = 600.0,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._algorithms, self._clock = fetch, tuple(algorithms), clock
        self._cache_duration, self._pause = cache_duration, pause
        self._keys: dict[str, list[PyJWK]] = {}
        self._fetched_at = self._tried_at = -math.inf
        self._failure: StoreUnavailable | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, algorithm: str, kid: str | None) -> PyJWK:
        """The one key that a token of this algorithm and key id can be signed with. Raises Unauthenticated, and
        StoreUnavailable where that cannot be known because the issuer's keys cannot be had."""
        if self._age() >= self._cache_duration:
            await self._renew(_GLANCE if self._age() < self._cache_duration + GRACE else None)
        if self._age() >= self._cache_duration + GRACE:
            raise self._failure or StoreUnavailable("tokens cannot be checked now: the issuer's keys are not known")
        fitting = self._fitting(algorithm, kid)
        if not fitting:
            await self._renew()
            fitting = self._fitting(algorithm, kid)
        if not fitting:
            raise self._failure or Unauthenticated("the token is signed with a key that its issuer does not publish")
        if len(fitting) > 1:
            raise Unauthenticated("the token does not tell which of its issuer's keys it is signed with (kid)")
        return fitting[0]

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _fitting(self, algorithm: str, kid: str | None) -> list[PyJWK]:
        return [key for key in self._keys.get(algorithm, ()) if kid is None or key.key_id == kid]

    async def _renew(self, at_most: float | None = None) -> None:
        """Waits for the fetch that is under way, or for a new one unless the last is too recent. Whoever waits may be
        cancelled: the fetch goes on for the others."""
        if self._fetching is None or self._fetching.done():
            if self._clock() - self._tried_at < self._pause:
                return
            self._tried_at = self._clock()
            self._fetching = asyncio.create_task(self._load())
        done, _ = await asyncio.wait({self._fetching}, timeout=at_most)
        for fetched in done:
            fetched.result()

    async def _load(self) -> None:
        try:
            published = await self._fetch()
        except StoreUnavailable as failure:
            self._failure = failure
            return
        found = [dict(key) for key in published]
        self._keys = {algorithm: _usable(found, algorithm) for algorithm in self._algorithms}
        self._fetched_at, self._failure = self._clock(), None


def _usable(published: Iterable[dict[str, Any]], algorithm: str) -> list[PyJWK]:
    kind, curve = _SUITS[algorithm]
    keys = []
    for key in published:
        suits = key.get("kty") == kind and key.get("alg") in (None, algorithm) and key.get("crv") == curve
        operations = key.get("key_ops")
        verifies = key.get("use") in (None, "sig") and (not isinstance(operations, list) or "verify" in operations)
        if suits and verifies:
            try:
                keys.append(PyJWK({name: key[name] for name in _PUBLIC & key.keys()}, algorithm))
            except PyJWTError:
                continue  # one that cannot be read takes nothing from the others
    return keys
