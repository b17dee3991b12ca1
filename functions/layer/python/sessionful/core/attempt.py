"""One attempt at a turn: step by step, each stored before it is told, until it is settled."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sessionful.core.agent import Agent
from sessionful.core.answer import Answer, correction
from sessionful.core.feed import Feed
from sessionful.core.lease_keeper import LeaseKeeper
from sessionful.core.replay import ending_event
from sessionful.core.step import Step
from sessionful.domain.error import (
    AgentError,
    LeaseLost,
    MaxStepsExceeded,
    SchemaValidationError,
    TurnCancelled,
    TurnInterrupted,
    TurnTimeout,
)
from sessionful.domain.event import MessageStart, StepCompleted, TurnFailed, TurnStarted
from sessionful.domain.message import Message
from sessionful.domain.session import Position, RunningTurn, Session
from sessionful.domain.turn import Ending, Entry, Lease
from sessionful.domain.usage import Usage
from sessionful.ports import Clock, SessionLog

Stop = Literal["cancelled", "timeout", "interrupted", "lost"]

logger = logging.getLogger("sessionful.turn")


@dataclass
class Attempt:
    """Runs as a task of its own. Only the model and the tools can be interrupted, never a write."""

    agent: Agent
    log: SessionLog
    lease: Lease
    session: Session
    running: RunningTurn
    past: list[Message]
    feed: Feed
    clock: Clock
    lease_ms: int
    answer: Answer | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    stored: list[Entry] = field(default_factory=list)
    _stop: Stop | None = None
    _working: "asyncio.Task[None] | None" = None
    _given: tuple[Message, ...] = ()
    _usage: Usage = field(default_factory=Usage)
    _count: int = 0
    _corrections: int = 2

    def stop(self, why: Stop) -> None:
        """Interrupt the model or the tools; the turn is then settled as what it is. `lost` writes nothing more."""
        if self._stop is None:
            self._stop = why
            if self._working is not None:
                self._working.cancel()

    async def run(self) -> None:
        timeout = self.agent.settings.limits.turn_timeout
        deadline = asyncio.get_running_loop().call_later(timeout, self.stop, "timeout")
        keeper = LeaseKeeper(self.log, self.lease, self.lease_ms, self.clock, self.stop)
        keeper.start()
        try:
            await self._steps()
        except AgentError as error:
            logger.warning("turn=<%s> code=<%s> | ended without being settled", self.running.turn_id, error.code)
            self.feed.tell(TurnFailed(turn_id=self.running.turn_id, error=as_json(error)))
        except Exception:
            logger.exception("turn=<%s> | a step could not be stored", self.running.turn_id)
            failure = as_json(AgentError("the turn failed unexpectedly"))
            self.feed.tell(TurnFailed(turn_id=self.running.turn_id, error=failure))
        finally:
            deadline.cancel()
            keeper.close()

    async def _steps(self) -> None:
        self._given, self._count = (self.running.message,), self.session.message_count
        messages = [*self.past, self.running.message]
        turn_id, number, goes_on = self.running.turn_id, 0, True
        deadline = time.monotonic() + self.agent.settings.limits.turn_timeout
        self.feed.tell(TurnStarted(turn_id=turn_id, session_id=self.session.key.id, agent=self.agent.name))
        while goes_on:
            number += 1
            self.feed.tell(MessageStart(step=number))
            step = Step(number, self.agent, self.session, turn_id, self.feed, deadline)
            error = await self._run(step, messages)
            goes_on = await self._finish(step, messages, error)

    async def _run(self, step: Step, messages: list[Message]) -> AgentError | None:
        try:
            await self._interruptible(step.ask(messages, self.answer, self.options))
            if step.reply.stop_reason and step.reply.message().tool_calls:
                await self._interruptible(step.call_tools())
        except asyncio.CancelledError:
            if self._stop is None:
                raise
            return self._stop_error(self._stop)
        except AgentError as error:
            return error
        except Exception:
            logger.exception("turn=<%s> | unexpected error", self.running.turn_id)
            return AgentError("the turn failed unexpectedly")
        return None

    async def _finish(self, step: Step, messages: list[Message], error: AgentError | None) -> bool:
        """Store the step, then tell it. True when the turn goes on."""
        reply, results = step.close()
        torn = error is not None and not step.calls
        output, again = None, list[Message]()
        if error is None:
            output, again, error = self._judge(step, reply)
        self._usage += step.reply.usage
        goes_on = error is None and bool(step.calls or again)
        ending = None if goes_on else self._ending(step.number, error, output)
        stop_reason = step.reply.finish.stop_reason if step.reply.finish and not torn else "error"
        self._count += len(self._given) + 1 + (results is not None)
        await self._write(
            Entry(
                position=Position(self.lease.turn, step.number),
                turn_id=self.running.turn_id,
                attempt=self.lease.attempt,
                agent=self.agent.name,
                at=self.clock(),
                started_at=self.running.started_at,
                given=self._given,
                reply=reply,
                results=results,
                torn=torn,
                stop_reason=stop_reason,
                usage=step.reply.usage,
                ending=ending,
                idempotency_key=self.running.idempotency_key,
                message_count=self._count,
                usage_total=self.session.usage + self._usage,
            )
        )
        if not torn:
            self.feed.tell(StepCompleted(step=step.number, stop_reason=stop_reason, usage=step.reply.usage))
        if ending is not None:
            self.feed.tell(ending_event(self.running.turn_id, ending))
        messages += [m for m in (reply, results, *again) if m is not None]
        self._given = tuple(again)
        return goes_on

    def _judge(self, step: Step, reply: Message) -> tuple[Any, list[Message], AgentError | None]:
        """A whole step's outcome: the typed answer's value, what to tell a model that got it wrong, or an error."""
        most = self.agent.settings.reasoning.max_steps
        if step.calls:
            error = MaxStepsExceeded(f"the model still asked for tools after {most} steps", max_steps=most)
            return None, [], error if step.number >= most else None
        if self.answer is None:
            return None, [], None
        try:
            return self.answer.check(reply.text), [], None
        except ValueError as problem:
            if self._corrections > 0:
                self._corrections -= 1
                return None, [Message.user(correction(str(problem)))], None
            return None, [], SchemaValidationError("no answer fitted the schema", problem=str(problem))

    def _ending(self, steps: int, error: AgentError | None, output: Any) -> Ending:
        status: Literal["completed", "failed", "cancelled", "interrupted"] = "completed"
        if error is not None:
            status = {"turn_cancelled": "cancelled", "turn_interrupted": "interrupted"}.get(error.code, "failed")  # type: ignore[assignment]
        return Ending(
            status=status,
            ended_at=self.clock(),
            steps=steps,
            usage=self._usage,
            error=as_json(error) if error else None,
            output=output,
        )

    def _stop_error(self, why: Stop) -> AgentError:
        if why == "timeout":
            return TurnTimeout(f"the turn took longer than {self.agent.settings.limits.turn_timeout:g} seconds")
        if why == "interrupted":
            return TurnInterrupted("the server stopped while the turn ran")
        return TurnCancelled("the turn was cancelled")

    async def _write(self, entry: Entry) -> None:
        if self._stop == "lost":
            raise LeaseLost("another writer took the session over, or it was deleted")
        if entry.ending is None:
            await self.log.append(self.lease, entry, self.clock() + self.lease_ms)
        else:
            await self.log.settle(self.lease, entry)
        self.stored.append(entry)

    async def _interruptible(self, work: Coroutine[Any, Any, None]) -> None:
        if self._stop is not None:
            work.close()
            raise asyncio.CancelledError
        self._working = asyncio.create_task(work)
        try:
            await self._working
        finally:
            self._working = None


def as_json(error: AgentError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "details": error.details}
