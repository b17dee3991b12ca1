"""A vendor's refusal, as an error of the family: by HTTP status, with its own words, without secrets."""

import json
import math
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

from sessionful.domain.error import AgentError, ModelAuthentication, ModelError, ModelUnavailable, RateLimited

_MOST_WORDS = 300


def failure(
    vendor: str, status: int | None, words: str, retry_after: float | None = None, secrets: Iterable[str] = ()
) -> AgentError:
    """The error for an HTTP status (None: the vendor gave none). What a vendor says to a wrong key is not repeated,
    because it quotes parts of the key."""
    if status == 401:
        return ModelAuthentication(f"{vendor} refused the credentials", status_code=status)
    for secret in secrets:
        words = words.replace(secret, "***")
    words = " ".join(words.split())[:_MOST_WORDS] or "no reason given"
    told = f"{vendor}: {words}" if status is None else f"{vendor} answered {status}: {words}"
    if status == 403:
        return ModelAuthentication(told, status_code=status)
    if status == 429:
        return RateLimited(told, retry_after=retry_after)
    if status in (502, 503, 504, 529):
        return ModelUnavailable(told, status_code=status)
    return ModelError(told, status_code=status)


def words_of(body: bytes) -> str:
    """The reason in an error body: `{"error": {"message"}}`, `{"error"}`, `{"message"}`, `{"detail"}`, or its text."""
    text = body.decode("utf-8", "replace")
    try:
        found: Any = json.loads(text)
    except ValueError:
        return text
    for key in ("error", "message", "detail"):
        if isinstance(found, Mapping) and found.get(key):
            found = found[key]
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3), or Azure's `retry-after-ms`."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        with suppress(ValueError):
            seconds = float(value) * scale
            return max(0.0, seconds) if math.isfinite(seconds) else None
        with suppress(ValueError, OverflowError):
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    return None
