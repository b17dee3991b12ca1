"""What an issuer publishes: its description, where it has to be looked up, and the keys that it signs with."""

import asyncio
import json
import logging
from typing import Any

from sessionful.domain.address import is_guarded
from sessionful.domain.error import StoreUnavailable

log = logging.getLogger("sessionful.auth")

_PATIENCE = 5.0  # seconds for one document
_LONGEST = 256 * 1024  # bytes of one document

Key = dict[str, Any]
"""A JSON Web Key as it is published (RFC 7517)."""


class Issuer:
    """`jwks_url` is where the keys are; without it that is in the issuer's description (OpenID Connect Discovery)."""

    def __init__(self, name: str, jwks_url: str | None = None, patience: float = _PATIENCE) -> None:
        self._name, self._jwks_url, self._patience = name, jwks_url, patience

    async def keys(self) -> list[Key]:
        """All that are published now. Raises StoreUnavailable, which repeats no address: a stranger may read it."""
        url = self._jwks_url or await self._discover()
        published = (await self._document(url)).get("keys")
        keys = [key for key in published if isinstance(key, dict)] if isinstance(published, list) else []
        if not keys:
            raise self._failed(url, "publishes no keys")
        return keys

    async def _discover(self) -> str:
        url = f"{self._name.rstrip('/')}/.well-known/openid-configuration"
        described = await self._document(url)
        if described.get("issuer") != self._name:
            raise self._failed(url, "describes itself as another one")
        jwks_url = described.get("jwks_uri")
        if not isinstance(jwks_url, str):
            raise self._failed(url, "does not say where its keys are")
        return jwks_url

    async def _document(self, url: str) -> dict[str, Any]:
        import httpx

        if not is_guarded(url):
            raise self._failed(url, "names an address that is not https")
        try:
            async with asyncio.timeout(self._patience):
                status, body = await _get(url)
        except TimeoutError:
            raise self._failed(url, f"did not answer within {self._patience:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._failed(url, "cannot be reached", error) from None
        if status != 200:
            raise self._failed(url, f"answered {status}")
        if len(body) > _LONGEST:
            raise self._failed(url, f"answered with more than {_LONGEST // 1024} KiB")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise self._failed(url, "did not answer with a JSON object")
        return document

    def _failed(self, url: str, why: str, error: Exception | None = None) -> StoreUnavailable:
        log.warning("issuer=<%s> url=<%s> | it %s%s", self._name, url, why, f": {error!r}" if error else "")
        return StoreUnavailable(f"tokens cannot be checked now: the issuer {why}")


async def _get(url: str) -> tuple[int, bytes]:
    """Status and body; of a body that is too long a little more than what is allowed."""
    import httpx

    trust = await asyncio.to_thread(httpx.create_ssl_context) if url.startswith("https:") else False  # takes 80 ms
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    async with (
        httpx.AsyncClient(verify=trust, timeout=None) as client,
        client.stream("GET", url, headers=headers) as it,
    ):
        body = b""
        async for chunk in it.aiter_bytes():
            body += chunk
            if len(body) > _LONGEST:
                break
        return it.status_code, body
