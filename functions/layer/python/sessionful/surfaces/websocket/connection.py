"""One client's conversation: what it asks is begun in order, and the turns are told side by side."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from sessionful.core.service import Service
from sessionful.domain.error import AgentError, RateLimited
from sessionful.surfaces.sse.frame import json_text
from sessionful.surfaces.websocket.asks import Cancel, Resume, read_frame
from sessionful.surfaces.websocket.begin import begin, cancel, resume
from sessionful.surfaces.websocket.forms import broken, form_of, refusal
from sessionful.surfaces.websocket.subscription import Subscription
from sessionful.surfaces.websocket.telling import frames

MOST = 32

log = logging.getLogger("sessionful.websocket")


class Connection:
    """`send` waits for a client that reads slowly, and raises ConnectionError when it is gone. Nothing is kept for a
    slow client but the frame that each of its tellings is about to send: the log has the rest. `most` are the tellings
    at once."""

    def __init__(
        self,
        service: Service,
        owner: str,
        agent: str | None,
        send: Callable[[str], Awaitable[None]],
        *,
        most: int = MOST,
    ) -> None:
        self._service, self._owner, self._agent = service, owner, agent
        self._send, self._most = send, most
        self._told: dict[str, Subscription] = {}
        self._tellings: set[asyncio.Task[None]] = set()
        self._cancels: set[asyncio.Task[None]] = set()

    async def receive(self, data: str | bytes) -> None:
        """One frame of the client. Whatever is wrong with it is answered. Raises ConnectionError."""
        try:
            await self._answer(data)
        except ConnectionError:
            raise
        except AgentError as error:
            await self._send_all(refusal(data, error))
        except Exception:
            log.exception("a frame was not answered")
            problem = {"code": "internal_error", "message": "something went wrong here", "details": {}}
            await self._send_all(broken(data, problem))

    async def close(self) -> None:
        """Nobody listens any more. The turns go on."""
        tasks = (*self._tellings, *self._cancels)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, data: str | bytes) -> None:
        ask = read_frame(data)
        busy = self._cancels if isinstance(ask, Cancel) else self._tellings
        if len(busy) >= self._most:
            raise RateLimited(f"{self._most} turns are told on this connection; wait for one to end", limit=self._most)
        if isinstance(ask, Cancel):
            self._start(self._cancel(ask, data), self._cancels)
        elif isinstance(ask, Resume):
            await self._tell(await resume(self._service, self._owner, self._agent, ask))
        else:
            await self._tell(await begin(self._service, self._owner, self._agent, ask))

    async def _tell(self, subscription: Subscription) -> None:
        """A turn that is told already is not told twice at a time: its frames could not be told apart."""
        if subscription.turn_id is None:
            self._start(self._telling(subscription), self._tellings)
        elif self._claim(subscription, subscription.turn_id):
            self._start(self._telling(subscription, subscription.turn_id), self._tellings)
        else:
            await self._send(json_text(form_of(subscription).started()))

    async def _telling(self, subscription: Subscription, turn_id: str | None = None) -> None:
        claimed = [turn_id] if turn_id is not None else []

        def claim(found: str) -> bool:
            if not self._claim(subscription, found):
                return False
            claimed.append(found)
            return True

        try:
            async with contextlib.aclosing(frames(self._service, subscription, claim=claim)) as told:
                async for frame in told:
                    await self._send(frame.text)
                    await asyncio.sleep(0)  # sending may never wait, and others want to be told, too
        finally:
            for one in claimed:
                self._told.pop(one, None)

    def _claim(self, subscription: Subscription, turn_id: str) -> bool:
        if turn_id in self._told:
            return False
        self._told[turn_id] = subscription.model_copy(update={"turn_id": turn_id})
        return True

    async def _cancel(self, ask: Cancel, data: str | bytes) -> None:
        """A turn that is told here says itself how it ended."""
        try:
            record = await cancel(self._service, self._owner, self._agent, ask, tuple(self._told.values()))
        except AgentError as error:
            await self._send_all(refusal(data, error))
            return
        if record.turn_id not in self._told:
            known = {"cancel": record.turn_id, "session_id": record.session_id, "status": record.status}
            await self._send(json_text(known))

    async def _send_all(self, texts: list[str]) -> None:
        for text in texts:
            await self._send(text)

    def _start(self, work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)
        task.add_done_callback(_ended)


def _ended(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, ConnectionError):
        log.error("a telling broke off", exc_info=error)
