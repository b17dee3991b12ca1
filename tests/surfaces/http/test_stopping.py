"""Whoever has no answer yet when the server stops is told so, in the words of every other error."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from sessionful.surfaces.http.envelope import Envelope


async def test_a_call_that_is_cut_off_before_its_answer_is_told_to_come_again() -> None:
    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    call = asyncio.create_task(Envelope(waits)({"type": "http", "headers": []}, receive, send))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    start, body = sent
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"1")
    assert b'"code":"server_stopping"' in body["body"]
