"""Where sessions are kept, in words that may be shown: a database's URL holds its password."""

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sessionful.settings import Settings
from sessionful.wiring import addresses

if TYPE_CHECKING:
    from sessionful.config import Config


def places(config: "Config | None", settings: Settings) -> str:
    """Each store of the agents once."""
    return ", ".join(map(place, addresses(config, settings)))


def place(address: str) -> str:
    """A store by its short name, or where alarms are kept."""
    if address == "memory":
        return "memory, until this process ends"
    if address == "none":
        return "none"
    if address.startswith("dynamodb:"):
        return f"DynamoDB table {address.removeprefix('dynamodb:').partition('?')[0]}"
    if "://" not in address:
        return f"SQLite file {address}"
    scheme, _, rest = address.partition(":///")
    if scheme.partition("+")[0] == "sqlite":
        return f"SQLite file {unquote(rest.partition('?')[0])}"
    url = urlsplit(address)
    return f"{url.scheme.partition('+')[0]} {unquote(url.path[1:])} at {url.hostname or 'localhost'}"
