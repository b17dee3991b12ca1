"""Addresses: which stay on this machine, and which a secret, or what one relies on, may travel to."""

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """True for a name or number that nobody but this machine answers to."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_guarded(url: str) -> bool:
    """True where nobody in between reads or changes what is said: HTTPS, or plain HTTP that stays on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or "")))
