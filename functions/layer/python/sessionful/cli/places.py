"""Where sessions are kept, in words that may be shown: a database's URL holds its password."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sessionful.settings import Settings
from sessionful.wiring import DEFAULT_STORE

if TYPE_CHECKING:
    from sessionful.config import Config


def places(config: "Config | None", settings: Settings) -> str:
    """Each store of the agents once."""
    default = settings.store or DEFAULT_STORE
    stores = [config.store_of(agent) for agent in config.agents.values()] if config is not None else [None]
    addresses: Iterable[str] = dict.fromkeys(default if store is None else store.address() for store in stores)
    return ", ".join(_shown(address) for address in addresses)


def _shown(address: str) -> str:
    if address == "memory":
        return "memory, until this process ends"
    if address.startswith("dynamodb:"):
        return f"DynamoDB table {address.removeprefix('dynamodb:').partition('?')[0]}"
    if "://" not in address:
        return f"SQLite file {address}"
    scheme, _, rest = address.partition(":///")
    if scheme.partition("+")[0] == "sqlite":
        return f"SQLite file {unquote(rest.partition('?')[0])}"
    url = urlsplit(address)
    return f"{url.scheme.partition('+')[0]} {unquote(url.path[1:])} at {url.hostname or 'localhost'}"
