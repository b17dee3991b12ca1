"""A model behind an OpenAI-compatible API on loopback, which never says the same thing twice.

Every word carries the number of the call that said it, so text of two attempts can never pass for one another.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from tests.loopback import Loopback
from tests.torture.plans import StepPlan, read_plan

_SIGNS = ("", "", "é", "🙂", "語", "\u2028")  # a place on the tape is a character, not a byte


class ModelServer(Loopback):
    """`pace` is the pause after a word, in seconds. `complaints`: what of the requests OpenAI would have refused."""

    def __init__(self, pace: float = 0.01) -> None:
        super().__init__()
        self.pace = pace
        self.calls = 0
        self.complaints: list[str] = []

    @property
    def url(self) -> str:
        return f"{super().url}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        await self._answer(json.loads(await reader.readexactly(length))["messages"], writer)

    async def _answer(self, messages: list[dict[str, Any]], writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        call = self.calls
        self.complaints += refused(messages)
        step = _asked(messages)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for place in range(step.words):
            await _send(writer, _chunk({"content": f"{call}.{place}{_SIGNS[place % len(_SIGNS)]} "}))
            await asyncio.sleep(self.pace)
        for index, tool in enumerate(step.tools):
            function = {"name": tool, "arguments": json.dumps({"amount": call})}
            made = {"index": index, "id": f"call_{call}_{index}", "type": "function", "function": function}
            await _send(writer, _chunk({"tool_calls": [made]}))
        await _send(writer, _chunk({}, "tool_calls" if step.tools else "stop"))
        usage = {"prompt_tokens": len(messages), "completion_tokens": step.words}
        await _send(writer, json.dumps({"choices": [], "usage": usage}))
        await _send(writer, "[DONE]")


def refused(messages: Sequence[dict[str, Any]]) -> list[str]:
    """What the vendor would refuse: a call without its result, a result without its call, an empty message."""
    found, waiting = [], list[str]()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                found.append(f"a result without a call: {message}")
            else:
                waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            found.append(f"no result of {waiting} before {message}")
        waiting = [call["id"] for call in message.get("tool_calls", ())]
        if not waiting and not message["content"]:
            found.append(f"an empty message: {message}")
    return [*found, *([f"no result of {waiting} at the end"] if waiting else [])]


def _asked(messages: Sequence[dict[str, Any]]) -> StepPlan:
    last = max(place for place, message in enumerate(messages) if message["role"] == "user")
    step: int = sum(message["role"] == "assistant" for message in messages[last:])
    return read_plan(messages[last]["content"])[step]


def _chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


async def _send(writer: asyncio.StreamWriter, data: str) -> None:
    writer.write(f"data: {data}\n\n".encode())
    await writer.drain()
