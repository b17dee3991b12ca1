"""The tokens of a text by the tokenizer of the model that llama.cpp holds."""

import json
from contextlib import closing
from functools import lru_cache
from hashlib import blake2b
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from sessionful.models.llama_cpp import Runtime

_PATIENCE = 0.5  # seconds


class Tokenizer:
    """Asks the runtime's own port, because its Python side has no call for this: 0.4 ms a text, 3 ms for 4000 tokens.
    The 4096 texts asked for last are remembered by their digests."""

    def __init__(self, runtime: Runtime) -> None:
        place = urlsplit(runtime.server.listening_address)
        self._host, self._port = place.hostname or "127.0.0.1", place.port
        self._headers = {"authorization": f"Bearer {runtime.key}", "content-type": "application/json"}
        self._known = lru_cache(4096)(_Known)

    def count(self, text: str) -> int | None:
        """None when the runtime does not answer in time."""
        raw = text.encode("utf-8", "replace")
        known = self._known(blake2b(raw, digest_size=16).digest())
        if known.tokens is None:
            known.tokens = self._ask(raw.decode())
        return known.tokens

    def _ask(self, text: str) -> int | None:
        try:
            with closing(HTTPConnection(self._host, self._port, timeout=_PATIENCE)) as connection:
                connection.request("POST", "/tokenize", json.dumps({"content": text}), self._headers)
                return len(json.loads(connection.getresponse().read())["tokens"])
        except (OSError, HTTPException, ValueError, KeyError):
            return None


class _Known:
    def __init__(self, digest: bytes) -> None:
        self.tokens: int | None = None
