"""One attempt at a turn: step by step, each stored before it is told, until it is settled or given out of hand."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from sessionful.core.about import about
from sessionful.core.agent import Agent
from sessionful.core.answer import Answer
from sessionful.core.deadline import seconds_left
from sessionful.core.endings import Verdict, as_json, ending, judged, stop_error, stripped
from sessionful.core.feed import Feed
from sessionful.core.memory.working import Past
from sessionful.core.pace import Pace
from sessionful.core.prompt import prompt_of
from sessionful.core.recorder import Recorder
from sessionful.core.replay import ending_event
from sessionful.core.resumption import Torn, kept_text
from sessionful.core.step import Step
from sessionful.core.work import Stop, Work
from sessionful.domain.error import AgentError, LeaseLost, RateLimited, StoreUnavailable, TurnInterrupted
from sessionful.domain.event import MessageStart, StepCompleted, TurnFailed, TurnSuperseded
from sessionful.domain.message import Message
from sessionful.domain.session import Position, RunningTurn, Session
from sessionful.domain.transcript import check_entry
from sessionful.domain.turn import Entry, Lease
from sessionful.ports import Clock, SessionLog

logger = logging.getLogger("sessionful.turn")


class _TornAway(Exception):
    """The turn is handed over in the middle of a step, which is tried again elsewhere."""


@dataclass
class Attempt:
    """Runs as a task of its own. Only the model and the tools can be interrupted, never a write.

    `newest` is what is read of the log before the turn, if anything is, `past` what its prompt begins with; `stored` is
    what is stored of it, `torn` the step that a former holder had open.
    `after` is the head once the turn is settled; `handed_over` tells that it goes on elsewhere.
    """

    agent: Agent
    log: SessionLog
    lease: Lease
    session: Session
    running: RunningTurn
    newest: Sequence[Entry] | None
    feed: Feed
    clock: Clock
    pace: Pace
    answer: Answer | None = None
    stored: list[Entry] = field(default_factory=list)
    torn: Torn | None = None
    after: Session | None = None
    handed_over: bool = False
    past: Past = field(default_factory=Past)
    _work: Work = field(default_factory=Work)
    _given: tuple[Message, ...] = ()
    _until: float = 0.0
    _border: float | None = None

    def __post_init__(self) -> None:
        pace = self.pace
        self._recorder = Recorder(
            self.log, self.lease, self.feed, self.clock, pace.lease_ms, pace.flush_seconds, self.stop
        )
        self._count, self._total = self.session.message_count, self.session.usage

    def stop(self, why: Stop) -> None:
        """Interrupt the model or the tools; the turn is then settled as what it is. `lost` and `deleted` write nothing
        more, `handed_over` leaves the open step to another holder."""
        self._work.stop(why)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._until = loop.time() + self._seconds_left()
        timers = [loop.call_at(self._until, self.stop, "timeout")]
        border = self.pace.border(seconds_left())
        if border is not None:
            self._border = loop.time() + border.wanted
            timers.append(loop.call_later(border.torn, self.stop, "handed_over"))
        self._recorder.start()
        try:
            with about(session_id=self.session.key.id, turn_id=self.running.turn_id):
                await self._steps()
        except _TornAway:
            await self._tear_away()
        except LeaseLost:
            if self._work.stopped == "deleted":
                self._fail(AgentError("the session was deleted"))
        except AgentError as error:
            logger.warning("turn=<%s> code=<%s> | left to whoever takes over", self.running.turn_id, error.code)
        except Exception:
            logger.exception("turn=<%s> | a step could not be stored", self.running.turn_id)
            self._fail(AgentError("the turn failed unexpectedly"))
        finally:
            for timer in timers:
                timer.cancel()
            self._recorder.close()
            self.feed.close()

    async def _steps(self) -> None:
        turn_id, number = self.running.turn_id, len(self.stored)
        said = [message for entry in self.stored for message in entry.messages]
        self._given = () if self.stored else (self.running.message,)
        if self.lease.attempt > self.feed.told[-1].cursor.attempt:
            self.feed.tell(TurnSuperseded(keep=kept_text(self.stored)))
        if self.running.cancel_asked:
            self.stop("cancelled")
        said = said or [self.running.message]
        prompt = await prompt_of(self.agent, self.log, self.session, self.newest, self.lease.turn, said)
        self.past, messages = prompt.past, prompt.messages
        if prompt.recalled is not None and self.lease.attempt == 1 and not self.stored:
            self.feed.tell(prompt.recalled)
        self._correct_last(messages)
        goes_on = True
        while goes_on:
            number += 1
            self._recorder.step = number
            self.feed.tell(MessageStart(step=number))
            step = Step(number, self.agent, self.session, turn_id, self.feed, self._until)
            error = await self._run(step, messages)
            goes_on = await self._finish(step, messages, error)
            if goes_on and self._border is not None and asyncio.get_running_loop().time() >= self._border:
                await self._hand_over()
                return

    async def _run(self, step: Step, messages: list[Message]) -> AgentError | None:
        try:
            if self.torn is not None:
                step.resume(self.torn)
                self.torn = None
            if step.lost:
                lost = ", ".join(call.name for call in step.lost)
                return TurnInterrupted(
                    f"the process that ran the turn died while {lost} ran; it is not known whether that was done",
                    tools=[{"name": call.name, "call_id": call.id} for call in step.lost],
                )
            if step.said is None:
                await self._work.run(step.ask(messages, self.answer, self.running.options))
            if step.said is not None and step.said.message.tool_calls:
                await self._work.run(step.call_tools(self._recorder))
        except asyncio.CancelledError:
            if self._work.stopped is None:
                raise
            if self._work.stopped == "handed_over":
                raise _TornAway from None
            return stop_error(self._work.stopped, self.agent)
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
        verdict = Verdict(error=error)
        if error is None:
            verdict = judged(self.agent, self.answer, step.number, reply, bool(step.calls), self._answers())
        goes_on = verdict.error is None and bool(step.calls or verdict.again)
        stop_reason = step.said.stop_reason if step.said is not None and not torn else "error"
        total = self._total + step.usage
        entry = Entry(
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
            usage=step.usage,
            ending=None if goes_on else ending(verdict, self.clock(), step.number, self.stored, step.usage),
            idempotency_key=self.running.idempotency_key,
            message_count=self._count + len(self._given) + 1 + (results is not None),
            usage_total=total,
        )
        entry = await self._write(entry)
        if not entry.torn and entry.reply is not None:
            self.feed.tell(StepCompleted(step=step.number, stop_reason=stop_reason, usage=step.usage))
        if entry.ending is not None:
            self.feed.tell(ending_event(self.running.turn_id, entry.ending))
        messages += [m for m in (reply, results, *verdict.again) if m is not None]
        self._given, self._count, self._total = verdict.again, entry.message_count, total
        return entry.ending is None

    def _answers(self) -> int:
        """Replies without tool calls so far: each was an answer that did not fit."""
        return sum(entry.reply is not None and not entry.reply.tool_calls for entry in self.stored)

    def _correct_last(self, messages: list[Message]) -> None:
        """A former holder may have died between an answer that did not fit and saying so."""
        last = self.stored[-1] if self.stored else None
        if last is None or last.reply is None or last.reply.tool_calls:
            return
        verdict = judged(self.agent, self.answer, last.position.step, last.reply, False, self._answers() - 1)
        self._given = verdict.again
        messages += verdict.again

    async def _write(self, entry: Entry) -> Entry:
        """What was stored: when the store can never take the step, the turn ends without it."""
        if self._work.stopped in ("lost", "deleted"):
            raise LeaseLost("another writer took the session over, or it was deleted")
        async with self._recorder.writing():
            try:
                await self._store(entry)
            except (LeaseLost, RateLimited, StoreUnavailable):
                raise
            except AgentError as error:
                entry = stripped(entry, error, self.stored)
                await self._store(entry)
        self.stored.append(entry)
        return entry

    async def _store(self, entry: Entry) -> None:
        check_entry(entry, self.stored, self.session)
        if entry.ending is None:
            await self.log.append(self.lease, entry, self.clock() + self.pace.lease_ms)
        else:
            self.after = await self.log.settle(self.lease, entry)

    async def _hand_over(self) -> None:
        async with self._recorder.writing():
            await self.log.release(self.lease)
        self.handed_over = True

    async def _tear_away(self) -> None:
        """The lease ends now; whoever takes over supersedes what was told of the open step."""
        async with self._recorder.writing():
            await self.log.flush(self.lease, None, 0)
        self.handed_over = True

    def _fail(self, error: AgentError) -> None:
        self.feed.tell(TurnFailed(turn_id=self.running.turn_id, error=as_json(error)))

    def _seconds_left(self) -> float:
        """A turn that was handed over goes on with the time it had; one whose holder died starts afresh."""
        limit = self.agent.settings.limits.turn_timeout
        spent = (self.clock() - self.running.started_at) / 1000 if self.lease.attempt == 1 else 0.0
        return max(limit - spent, 0.0)
