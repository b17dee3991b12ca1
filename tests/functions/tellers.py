"""A worker's side of the WebSocket door in the process of the tests, on a clock that they move: its service, its table,
its gateway, and a client."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from websockets.asyncio.client import ClientConnection, connect

from functions.connections.posting import Posting
from functions.connections.rows import Connection, Connections
from functions.connections.telling import Tellers
from sessionful.core.agent import Agent
from sessionful.core.pace import Pace
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings
from sessionful.domain.session import SessionKey
from sessionful.models.scripted import Reply, ScriptedModel
from sessionful.ports import Wake
from sessionful.surfaces.websocket.asks import Say
from sessionful.surfaces.websocket.begin import begin
from sessionful.surfaces.websocket.subscription import Subscription
from tests.contracts.clock import ManualClock
from tests.functions.cloud import AWS
from tests.functions.events import Event
from tests.functions.websocket_gateway import Gateway
from tests.functions.websocket_house import Frame
from tests.stores.dynamodb_servers import Bench, bench, client_of


class Wakes:
    """Remembers what is to ring; the test rings."""

    def __init__(self) -> None:
        self.set_for: list[tuple[Wake, float, dict[str, Any]]] = []

    async def set(self, wake: Wake, delay: float, **more: Any) -> None:
        self.set_for.append((wake, delay, more))

    def telling(self, stream: str) -> list[float]:
        """The delays of those that have the stream told."""
        return [delay for _, delay, more in self.set_for if more.get("tell", {}).get("stream") == stream]


class Asked(NamedTuple):
    wake: Wake
    connection: str
    stream: str


class Bureau:
    def __init__(
        self, bench: Bench, clock: ManualClock, gateway: Gateway, socket: ClientConnection, model: ScriptedModel
    ) -> None:
        self.bench, self.clock, self.gateway, self.socket, self.model = bench, clock, gateway, socket, model
        (connection_id,) = gateway.sockets
        self.connection = Connection(connection_id, "alice", "assistant", f"http://{gateway.host}/v1")
        self.wakes = Wakes()
        self.connections = Connections(client_of(bench.relay.url), bench.table, clock)
        self.posting = Posting()

    def service(self, pace: Pace | None = None) -> Service:
        """As another process has it."""
        agent = Agent("assistant", self.model, self.bench.another(), AgentSettings())
        pace = pace or Pace(lease_ms=15_000, flush_seconds=0.05, lingers=True)
        return Service([agent], clock=self.clock, pace=pace, alarm=self.wakes)

    def tellers(self, service: Service, **options: Any) -> Tellers:
        return Tellers(service, self.connections, self.posting, self.wakes, **options)

    async def asked(self, service: Service, text: str = "go", session: str = "s1") -> Asked:
        """A turn that was admitted, for a worker to carry and to tell."""
        say = Say(message=text, session_id=session)
        return await self.subscribed(await begin(service, "alice", "assistant", say, 17))

    async def subscribed(self, wanted: Subscription) -> Asked:
        stream = await self.connections.subscribe(self.connection, wanted)
        wake = Wake(SessionKey("alice", "assistant", wanted.session_id), wanted.turn_id or "next")
        return Asked(wake, self.connection.id, stream)

    def rows(self) -> list[str]:
        return [item["sk"]["S"] for item in self.bench.items() if item["pk"]["S"].startswith("W#")]

    async def frame(self) -> Frame:
        frame: Frame = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
        return frame


@asynccontextmanager
async def bureau(*replies: Reply, delay: float = 0.0) -> AsyncIterator[Bureau]:
    clock = ManualClock()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in AWS.items():
            patch.setenv(name, value)
        async with _opened(clock, ScriptedModel(replies, delay=delay)) as made:
            yield made


@asynccontextmanager
async def _opened(clock: ManualClock, model: ScriptedModel) -> AsyncIterator[Bureau]:
    async with (
        bench("moto", clock) as opened,
        Gateway(_everything_is_well) as gateway,
        connect(gateway.url) as socket,
    ):
        made = Bureau(opened, clock, gateway, socket, model)
        yield made
        await made.posting.close()
        await made.connections.close()


async def _everything_is_well(event: Event) -> dict[str, Any]:
    return {"statusCode": 200}
