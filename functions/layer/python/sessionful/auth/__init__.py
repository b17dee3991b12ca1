"""Who is asking: the owner that a bearer token names, once the token is proven."""

from typing import TYPE_CHECKING, Any

from sessionful.domain.error import ConfigError

if TYPE_CHECKING:
    from sessionful.auth.verifier import TokenVerifier

__all__ = ["TokenVerifier"]


def __getattr__(name: str) -> Any:
    # PyJWT is an extra: whoever lacks it is told so when a TokenVerifier is asked for, and not before.
    if name != "TokenVerifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from sessionful.auth.verifier import TokenVerifier
    except ModuleNotFoundError as missing:
        if missing.name not in ("jwt", "cryptography"):
            raise
        raise ConfigError("auth needs PyJWT: pip install 'sessionful[auth]'", key="auth", extra="auth") from None
    return TokenVerifier
