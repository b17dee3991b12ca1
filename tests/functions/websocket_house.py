"""A deployment with its WebSocket door: the gateway before it, the queue behind it, and the workers that it wakes.

Each door is a process of its own, as each function's is.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.functions.cloud import ROOT, Cloud, client
from tests.functions.doors import PATHS, Door, door
from tests.functions.events import Event
from tests.functions.websocket_gateway import Gateway

Frame = dict[str, Any]


@dataclass
class Function:
    """A door that answers one event at a time."""

    door: Door
    seconds: float = 60.0
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def invoke(self, event: Event) -> dict[str, Any]:
        async with self.busy:
            told = await asyncio.to_thread(self.door.invoke, event, self.seconds)
        assert "answer" in told, told
        answer: dict[str, Any] = told["answer"]
        return answer


@dataclass
class House:
    """`heard` are the messages that workers were given, `failed` those that they could not deal with."""

    cloud: Cloud
    websocket: Function
    workers: list[Function]
    gateway: Gateway
    heard: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    async def work(self) -> None:
        """What is due goes to the workers, each message by itself, until this is cancelled."""
        queue = client("sqs")
        url = self.cloud.environment["SESSIONFUL_ALARMS"].removeprefix("sqs:")
        working: set[asyncio.Task[None]] = set()
        try:
            while True:
                got = await asyncio.to_thread(queue.receive_message, QueueUrl=url, MaxNumberOfMessages=10)
                for message in got.get("Messages", []):
                    queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    working.add(asyncio.create_task(self.give(message["Body"])))
                await asyncio.sleep(0.02)
        finally:
            await asyncio.gather(*working, return_exceptions=True)  # a worker may have been killed
            queue.close()

    async def give(self, *bodies: str) -> None:
        self.heard += map(json.loads, bodies)
        free = min(self.workers, key=lambda worker: worker.busy.locked())
        records = [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]
        answer = await free.invoke({"Records": records})
        self.failed += [bodies[int(one["itemIdentifier"][1:])] for one in answer["batchItemFailures"]]

    def idle(self) -> bool:
        return not any(one.busy.locked() for one in (self.websocket, *self.workers))

    def rows(self, kind: str = "W#") -> list[dict[str, Any]]:
        return [item for item in self.cloud.items() if item["pk"]["S"].startswith(kind)]


@contextmanager
def doors(environment: Mapping[str, str], workers: int = 2) -> Iterator[tuple[Function, list[Function]]]:
    with ExitStack() as stack:
        websocket = Function(stack.enter_context(door("websocket", environment)))
        yield websocket, [Function(stack.enter_context(door("worker", environment))) for _ in range(workers)]


@asynccontextmanager
async def open_house(cloud: Cloud, websocket: Function, workers: list[Function]) -> AsyncIterator[House]:
    for one in (websocket, *workers):
        one.busy = asyncio.Lock()  # of this test's loop
    async with Gateway(websocket.invoke) as gateway:
        house = House(cloud, websocket, workers, gateway)
        working = asyncio.create_task(house.work())
        try:
            yield house
        finally:
            working.cancel()
            await asyncio.wait({working})


async def until(check: Callable[[], bool]) -> None:
    """It becomes true in time."""
    async with asyncio.timeout(10):
        while True:
            if check():
                return
            await asyncio.sleep(0.02)


async def told(socket: ClientConnection, turns: int = 1) -> list[Frame]:
    """Up to the closing frame of so many turns."""
    frames: list[Frame] = []
    async with asyncio.timeout(15):
        while sum(is_last(frame) for frame in frames) < turns:
            frames.append(json.loads(await socket.recv()))
    return frames


def is_last(frame: Frame) -> bool:
    return bool(frame.get("done") or frame.get("final"))


def text_of(frames: list[Frame]) -> str:
    return "".join(_text(frame) for frame in frames)


def _text(frame: Frame) -> str:
    return str(frame["content"]) if frame.get("chunkType") == "text" else str(frame.get("chunk", ""))


def assembled(frames: list[Frame]) -> str:
    """One turn's text as a client has it that drops what it has heard before, and what was superseded."""
    text, seen = "", (0, 0, 0, 0)
    for frame in frames:
        cursor, _, skip = frame["id"].partition("+")
        turn, attempt, position = map(int, cursor.split("."))
        place = (turn, attempt, position, int(skip or 0))
        if place <= seen:
            continue
        seen = place
        superseded = frame.get("superseded")
        text = text[: superseded["keep"]] if superseded else text + _text(frame)
    return text


@contextmanager
def mortal_worker(environment: Mapping[str, str]) -> Iterator[tuple[Function, "subprocess.Popen[str]"]]:
    """A worker that tests may kill, unlike those of `doors`."""
    reading, writing = os.pipe()
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("SESSIONFUL_", "AWS_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.functions.lambda_process", "functions.worker.handler", str(writing)],
        env={**outside, "PYTHONPATH": PATHS, **environment},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        pass_fds=[writing],
    )
    os.close(writing)
    with os.fdopen(reading) as answers, process:
        yield Function(Door(process, answers)), process
        process.kill()
