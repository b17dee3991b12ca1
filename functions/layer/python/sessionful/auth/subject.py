"""From the claims of a proven token to the owner of sessions."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from sessionful.domain.error import Unauthenticated

LONGEST = 256  # characters
_OURS = ("local",)
"""Owners that no token names: whose the sessions of a machine are that asks nobody who they are."""


def owner_of(claims: Mapping[str, Any], claim: str) -> str:
    """The claim's text, exactly as it is. Refused is what might be taken for somebody else's: text that looks the same
    and is not, or an e-mail address that its issuer has not verified. Raises Unauthenticated."""
    value = claims.get(claim)
    if value is None:
        raise Unauthenticated(f"the token has no claim {claim!r}, which says whose it is")
    if not isinstance(value, str) or not _is_name(value):
        form = f"1 to {LONGEST} printable characters in Unicode's composed form (NFC), without spaces at its ends"
        raise Unauthenticated(f"the token's claim {claim!r} must be text of {form}")
    if value in _OURS:
        raise Unauthenticated(f"the token's claim {claim!r} is a name that this server keeps for itself")
    if claim == "email" and claims.get("email_verified") not in (True, "true"):
        raise Unauthenticated("the token's e-mail address is not verified (email_verified)")
    return value


def _is_name(value: str) -> bool:
    trimmed = 0 < len(value) <= LONGEST and value == value.strip()
    return trimmed and value.isprintable() and unicodedata.is_normalized("NFC", value)
