"""Stores, banks and alarms by their short names."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sessionful.ports import MemoryBank, SessionLog
from sessionful.wiring.loading import load

if TYPE_CHECKING:
    from sessionful.alarms.bell import AlarmQueue
    from sessionful.config import Config
    from sessionful.settings import Settings

DEFAULT_STORE = "./data/sessions.db"


def make_log(store: str) -> SessionLog:
    """A store by its short name: `memory`, `dynamodb:TABLE` (with `?region=…&endpoint_url=…&bucket=…`), a database's
    URL, or the path of a SQLite file."""
    log: SessionLog
    if store == "memory":
        log = load("sessionful.stores.in_memory:InMemoryLog")()
    elif store.startswith("dynamodb:"):
        table, options = _table(store)
        options.pop("memories", None)
        log = load("sessionful.stores.dynamodb:DynamoDBLog").open(table, **options)
    else:
        log = load("sessionful.stores.sql:SqlLog").open(_database(store))
    return log


def open_bank(store: str) -> MemoryBank:
    """Where the memories of a store's sessions are kept, by the store's short name: with them, or with DynamoDB in the
    table that `memories=TABLE` names. It is opened when it is first asked for something."""
    bank: MemoryBank
    if store == "memory":
        bank = load("sessionful.stores.in_memory_bank:InMemoryBank")()
        return bank

    def opened() -> MemoryBank:
        bank: MemoryBank
        if store.startswith("dynamodb:"):
            table, options = _table(store)
            options.pop("bucket", None)
            table = options.pop("memories", table)
            bank = load("sessionful.stores.dynamodb.bank:DynamoDBBank").open(table, **options)
        else:
            bank = load("sessionful.stores.sql:SqlBank").open(_database(store))
        return bank

    bank = load("sessionful.stores.deferred_bank:DeferredBank")(opened)
    return bank


def addresses(config: "Config | None", settings: "Settings") -> list[str]:
    """Each store of the agents once, by its short name. A database's URL may hold a password."""
    stores = [config.store_of(agent) for agent in config.agents.values()] if config is not None else [None]
    default = settings.store or DEFAULT_STORE
    return [*dict.fromkeys(default if store is None else store.address() for store in stores)]


def alarms_address(config: "Config | None", settings: "Settings") -> str:
    """Where alarms are kept: `none`, the path of a SQLite file, `sqs:QUEUE_URL`, or `memory` where all sessions are:
    nobody else could look after those. By default each set of stores has a file of its own, beside its SQLite file
    where it is one: whoever hears an alarm must know the session."""
    stores = addresses(config, settings)
    if settings.alarms or stores == ["memory"]:
        return settings.alarms or "memory"
    file = stores[0].removeprefix("sqlite:///")
    if len(stores) == 1 and "://" not in file and not file.startswith("dynamodb:"):
        return str(Path(file).with_suffix(".alarms.db"))
    return f"./data/{hashlib.sha256(json.dumps(sorted(stores)).encode()).hexdigest()[:12]}.alarms.db"


def open_alarms(address: str) -> "AlarmQueue | None":
    """None for `none`. Raises ConfigError and StoreUnavailable."""
    alarms: AlarmQueue | None = None
    if address == "memory":
        alarms = load("sessionful.alarms.in_memory:InMemoryAlarmQueue")()
    elif address.startswith("sqs:"):
        alarms = load("sessionful.alarms.sqs:SqsAlarmQueue").open(address)
    elif address != "none":
        alarms = load("sessionful.alarms.sqlite:SqliteAlarmQueue").open(address)
    return alarms


def _table(store: str) -> tuple[str, dict[str, str]]:
    table, _, query = store.removeprefix("dynamodb:").partition("?")
    return table, dict(parse_qsl(query))


def _database(store: str) -> str:
    return store if "://" in store else f"sqlite:///{store}"
