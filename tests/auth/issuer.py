"""An issuer of tokens on this machine: it makes keys, publishes them, signs with them, and misbehaves when told to."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from sessionful.auth import TokenVerifier
from tests.loopback import Loopback

AUDIENCE = "https://agents.example"
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_KEPT: dict[tuple[str, int], Private] = {}  # a new RSA key takes a tenth of a second


def private_key(kind: str = "RSA", number: int = 0) -> Private:
    """`number` tells keys of a kind apart."""
    if (kind, number) not in _KEPT:
        _KEPT[kind, number] = {
            "RSA": lambda: rsa.generate_private_key(65537, 2048),
            "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
            "Ed25519": ed25519.Ed25519PrivateKey.generate,
        }[kind]()
    return _KEPT[kind, number]


def published(key: Private, **fields: Any) -> dict[str, Any]:
    """As it stands in a JWK set. A field that is None is left out."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        made = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        made = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        made = OKPAlgorithm.to_jwk(public, as_dict=True)
    made.pop("key_ops", None)
    return {name: value for name, value in {**made, **fields}.items() if value is not None}


def pem(key: Private) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def segment(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class LocalIssuer(Loopback):
    """`fetches` counts the requests for each path. `status`, `hangs` and `says` change every answer."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = [published(private_key(), kid="k0")]
        self.fetches: dict[str, int] = {}
        self.status, self.hangs = 200, False
        self.says: dict[str, bytes] = {}
        self.described_as: str | None = None

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/keys"

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Those of a good token for `ann`. One that is None is left out."""
        now = int(time.time())
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 300}
        return {name: value for name, value in {**good, **changed}.items() if value is not None}

    def token(
        self,
        key: Private | str | None = None,
        algorithm: str = "RS256",
        headers: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Signed with the first key, unless there is another one to sign with."""
        headers = {"kid": "k0"} if headers is None else dict(headers)
        return jwt.encode(self.claims(**claims), key or private_key(), algorithm, headers=headers)

    def verifier(self, **options: Any) -> TokenVerifier:
        return TokenVerifier(**{"issuer": self.url, "audience": AUDIENCE, "jwks_url": self.jwks_url, **options})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
        self.fetches[path] = self.fetches.get(path, 0) + 1
        if self.hangs:
            await asyncio.Event().wait()
        described = {"issuer": self.described_as or self.url, "jwks_uri": self.jwks_url}
        body = json.dumps({"keys": self.keys} if path == "/keys" else described).encode()
        body = self.says.get(path, body)
        writer.write(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (self.status, len(body)) + body
        )
        await writer.drain()
