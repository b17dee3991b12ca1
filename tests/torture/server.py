"""The process under torture: the package's own server, over a log that fails, with tools that keep a ledger."""

import logging
import signal
import socket
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn

from sessionful.alarms.sqlite import SqliteAlarmQueue
from sessionful.cli.serve import Server
from sessionful.cli.worker import Staff
from sessionful.core.agent import Agent
from sessionful.core.pace import Pace
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings, Limits
from sessionful.domain.clock import now_ms
from sessionful.models.openai import OpenAIModel
from sessionful.ports import Alarm, Clock, SessionLog, Wake
from sessionful.surfaces.http.app import create_app
from tests.torture.faults import Faults, FaultyLog
from tests.torture.ledger import LedgerTool

MODES = ("reject", "enqueue", "interrupt", "rollback")
HEARTBEAT = 2.0
_BIND_SECONDS = 5.0


@dataclass(frozen=True)
class Options:
    """`store` is an address as in SESSIONFUL_STORE. `skew_ms`: how far this process's clock is wrong. `alarms`: a
    file, where turns are handed over; `works`: whether this process listens to it."""

    store: str
    model_url: str
    ledger: str
    lease_ms: int = 1500
    flush_seconds: float = 0.2
    run_for: float | None = None
    tool_seconds: float = 0.05
    skew_ms: int = 0
    alarms: str | None = None
    works: bool = True
    port: int = 0
    faults: Faults = field(default_factory=Faults)


def serve(options: Options) -> None:
    """Until SIGTERM, or until it is killed."""
    logging.getLogger().setLevel(logging.WARNING)
    clock = _clock(options.skew_ms)
    alarms = Twice.open(options.alarms, clock) if options.alarms is not None else None
    service = a_service(options, clock, alarms)
    listening = _listen(options.port)
    app = create_app(service, heartbeat=HEARTBEAT)
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=2)
    server = Server(config, Staff(service, alarms if options.works else None), "serving")
    signal.signal(signal.SIGTERM, server.handle_exit)
    server.run(sockets=[listening])


def a_service(options: Options, clock: Clock, alarms: Alarm | None) -> Service:
    """One agent for each way to treat a second message, named after it; all on the same log."""
    log: SessionLog = FaultyLog(_open(options.store, clock), options.faults)
    model = OpenAIModel("torture", base_url=options.model_url, timeout=10.0)
    ledger = Path(options.ledger)
    tools = [
        LedgerTool("pay", ledger, options.tool_seconds, idempotent=False),
        LedgerTool("note", ledger, options.tool_seconds, idempotent=True),
    ]
    limits = Limits(turn_timeout=60.0, max_attempts=100)
    agents = [Agent(mode, model, log, AgentSettings(concurrency=mode, limits=limits), tools) for mode in MODES]
    pace = Pace(options.lease_ms, options.flush_seconds, options.run_for, border_seconds=5.0)
    return Service(agents, clock=clock, pace=pace, alarm=alarms)


class Twice(SqliteAlarmQueue):
    """Every alarm is set twice, as a queue may well deliver it twice."""

    async def set(self, wake: Wake, delay: float) -> None:
        await super().set(wake, delay)
        await super().set(wake, delay)


def _clock(skew_ms: int) -> Clock:
    return lambda: now_ms() + skew_ms


def _open(store: str, clock: Clock) -> SessionLog:
    log: Any = store_class(store)
    if not store.startswith("dynamodb:"):
        opened: SessionLog = log.open(store, clock=clock)
        return opened
    table, _, query = store.removeprefix("dynamodb:").partition("?")
    opened = log.open(table, **dict(parse_qsl(query)), clock=clock)
    return opened


def store_class(store: str) -> Any:
    """Loads only what this store needs."""
    if store.startswith("dynamodb:"):
        return import_module("sessionful.stores.dynamodb").DynamoDBLog
    return import_module("sessionful.stores.sql").SqlLog


def _listen(port: int) -> socket.socket:
    """Somebody's outgoing connection may hold the port for a moment."""
    give_up = time.monotonic() + _BIND_SECONDS
    while True:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
