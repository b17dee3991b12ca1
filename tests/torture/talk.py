"""One session as its clients know it: what was asked in it, and what each reader of each answer has on the screen."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.surfaces.frames import frames
from tests.torture.client import PATIENCE, Client, OutOfPatience, error_code
from tests.torture.plans import Plan, write_message
from tests.torture.reader import Screen

_PAUSE = 0.15
_TAGS = itertools.count(1)


@dataclass
class Ask:
    """One message, sent under one idempotency key however often. `refused`: it was never admitted, and said so.
    `begun`: it is known which of the two it is."""

    tag: str
    plan: Plan
    turn_id: str | None = None
    record: dict[str, Any] | None = None
    refused: str | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def key(self) -> str:
        return f"key-{self.tag}"

    @property
    def body(self) -> dict[str, str]:
        return {"message": write_message(self.tag, self.plan)}

    @property
    def headers(self) -> dict[str, str]:
        return {"Idempotency-Key": self.key}


@dataclass
class Talk:
    """`gone`: turns that may have left the history, because somebody asked for that. `past` is what a fork must begin
    with. `cutting` is the chance, for each frame, that the reader's line is cut behind it."""

    client: Client
    mode: str
    session: str
    cutting: float = 0.03
    asks: list[Ask] = field(default_factory=list)
    screens: list[tuple[Ask, Screen]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    past: list[dict[str, Any]] = field(default_factory=list)
    deleted: bool = False
    violations: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/agents/{self.mode}/sessions/{self.session}"

    async def open(self) -> None:
        await self.make(f"/agents/{self.mode}/sessions", f"open-{self.session}", session_id=self.session)

    async def make(self, path: str, key: str, **body: Any) -> None:
        """Something new, made once however often it is asked for. While a turn runs, some things have to wait."""
        await self.do("POST", path, 201, json=body, headers={"Idempotency-Key": key})

    async def do(self, method: str, path: str, good: int, **fields: Any) -> dict[str, Any]:
        """What can be asked for again and again, once it was done."""
        began = time.monotonic()
        while True:
            response = await self.client.insist(method, path, **fields)
            if response.status_code == good:
                answer: dict[str, Any] = response.json() if response.content else {}
                return answer
            if error_code(response) not in ("session_busy", "version_conflict") or self.client.tired(began):
                self.violations.append(f"{method} {path} was answered {response.status_code}: {response.text}")
                return {}
            await asyncio.sleep(_PAUSE)

    def new_ask(self, plan: Plan) -> Ask:
        self.asks.append(Ask(f"m{next(_TAGS)}", plan))
        return self.asks[-1]

    async def go_back(self, to: str, gone: Ask) -> None:
        """To a checkpoint that lies before the turn, which is thereby gone."""
        self.gone.add(gone.turn_id or "")
        await self.do("POST", f"{self.path}/rewind", 200, json={"to": to})

    async def stream(self, ask: Ask, screen: Screen) -> None:
        """Send the message, and read its answer to the end, over as many lines and servers as it takes."""
        self.screens.append((ask, screen))
        await self._read(ask, screen, posting=True)

    async def watch(self, ask: Ask, screen: Screen) -> None:
        """Read along, from the turn's beginning, without having sent anything."""
        assert ask.turn_id is not None
        self.screens.append((ask, screen))
        screen.cursor = f"{number_of(ask.turn_id)}.0.0"
        await self._read(ask, screen, posting=False)

    async def send(self, ask: Ask) -> None:
        """Send the message and wait for the whole answer; one that comes too late is looked for."""
        began = time.monotonic()
        while ask.record is None and ask.refused is None:
            self._bounded(began, ask)
            wait = self.client.random.choice(({}, {"Prefer": "wait=1"}, {"Prefer": "respond-async"}))
            patience = self.client.random.choice((0.3, 2.0, 8.0))
            response = await self.client.ask(
                "POST", f"{self.path}/messages", json=ask.body, headers={**ask.headers, **wait}, timeout=patience
            )
            if response is not None and not self._refused(ask, response):
                self._admitted(ask, response)
                if response.status_code == 200:
                    ask.record = await self.settled(ask)
            if ask.record is None and ask.turn_id is not None and self.client.random.random() < 0.5:
                ask.record = await self.settled(ask)
            await asyncio.sleep(_PAUSE)

    async def settled(self, ask: Ask) -> dict[str, Any]:
        """The turn's record, once it has ended. One that was undone has none any more."""
        began = time.monotonic()
        while True:
            self._bounded(began, ask)
            response = await self.client.insist("GET", f"{self.path}/turns/{ask.turn_id}")
            record: dict[str, Any] = response.json()
            if response.status_code == 404 and ask.turn_id in self.gone:
                return {"turn_id": ask.turn_id, "status": "gone"}
            if response.status_code != 200:
                self.violations.append(f"the record of {ask.turn_id} in {self.session}: {response.text}")
                return {"turn_id": ask.turn_id, "status": "missing"}
            if record["status"] not in ("running", "queued"):
                return record
            await asyncio.sleep(_PAUSE)

    async def cancel(self, ask: Ask) -> None:
        """By the turn's id, or by the key it was asked with."""
        name = self.client.random.choice((ask.turn_id, ask.key)) or ask.key
        await self.client.insist("POST", f"{self.path}/turns/{name}/cancel")

    async def history(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            response = await self.client.insist("GET", f"{self.path}/messages", params={"limit": "50", **after})
            page = response.json()
            if response.status_code != 200:
                raise OutOfPatience(f"the history of {self.session}: {response.text}")
            found += page["messages"]
            if page["next_cursor"] is None:
                return found
            after = {"after": page["next_cursor"]}

    async def between(self, screen: Screen) -> None:
        """After each frame that a reader was shown: the place for a test to let something happen."""

    async def _read(self, ask: Ask, screen: Screen, posting: bool) -> None:
        began = time.monotonic()
        while screen.ending in (None, "broken") and ask.refused is None:
            self._bounded(began, ask)
            await self._line(ask, screen, posting and (not screen.cursor or self.client.random.random() < 0.5))
            if screen.ending is None or screen.ending == "broken":
                screen.resumed()
                await asyncio.sleep(self.client.random.random() * _PAUSE)

    async def _line(self, ask: Ask, screen: Screen, post: bool) -> None:
        """One connection, until the stream ends or the line is cut."""
        http, url = self.client.http, self.client.anywhere(f"{self.path}/{screen.path}")
        if post:
            headers = {**screen.headers, **ask.headers}
            line = http.stream("POST", url, params=screen.query, headers=headers, json=ask.body)
        else:
            line = http.stream("GET", url, params=screen.query, headers=screen.headers)
        self.client.requests += 1
        try:
            async with line as response:
                if response.status_code != 200:
                    body = await response.aread()
                    self.client.check(response, body)
                    self._refused(ask, response)
                    await asyncio.sleep(_PAUSE)
                    return
                if post:
                    self._admitted(ask, response)
                async for frame in frames(response):
                    screen.take(frame)
                    await self.between(screen)
                    if self.client.random.random() < self.cutting:
                        return
        except httpx.TransportError:
            self.client.lost += 1

    def _refused(self, ask: Ask, response: httpx.Response) -> bool:
        """Of a message that was not admitted at this try. What is refused for good is noted."""
        if response.status_code < 300 or self.client.again(response):
            return response.status_code >= 300
        code = error_code(response)
        if "x-turn-id" in response.headers:  # it was admitted, and ended badly: that is its record's to tell
            return False
        if code == "session_busy":
            return True
        if code in ("turn_not_found", "turn_cancelled") and ask.turn_id in self.gone:
            self._give_up(ask, code)
            return True
        self.violations.append(f"{ask.tag} in {self.session} was answered {response.status_code}: {response.text}")
        self._give_up(ask, code)
        return True

    def _give_up(self, ask: Ask, code: str) -> None:
        ask.refused = code
        ask.begun.set()

    def _admitted(self, ask: Ask, response: httpx.Response) -> None:
        turn_id = response.headers["x-turn-id"]
        if ask.turn_id not in (None, turn_id):
            self.violations.append(f"{ask.key} in {self.session} began both {ask.turn_id} and {turn_id}")
        ask.turn_id = turn_id
        ask.begun.set()

    def _bounded(self, began: float, ask: Ask) -> None:
        if self.client.tired(began):
            raise OutOfPatience(f"{ask.tag} ({ask.turn_id}) in {self.session} did not end in {PATIENCE:g} seconds")


def number_of(turn_id: str) -> int:
    return int(turn_id.split("_")[1])
