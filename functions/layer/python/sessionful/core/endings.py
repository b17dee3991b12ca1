"""How a turn ends: what a whole step amounts to, the ending that its last entry carries, and entries that only end."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from sessionful.core.agent import Agent
from sessionful.core.answer import Answer, correction
from sessionful.domain.error import (
    AgentError,
    MaxStepsExceeded,
    SchemaValidationError,
    TurnCancelled,
    TurnInterrupted,
    TurnTimeout,
)
from sessionful.domain.message import Message
from sessionful.domain.session import Position, RunningTurn, Session
from sessionful.domain.turn import Ending, Entry, Lease
from sessionful.domain.usage import Usage

_CORRECTIONS = 2
_STATUS: dict[str, Literal["cancelled", "interrupted"]] = {
    "turn_cancelled": "cancelled",
    "turn_interrupted": "interrupted",
}


class Verdict(NamedTuple):
    """An error, or the typed answer's value, or what to tell a model whose answer did not fit."""

    error: AgentError | None = None
    output: Any = None
    again: tuple[Message, ...] = ()


def judged(agent: Agent, answer: Answer | None, step: int, reply: Message, called: bool, misfits: int) -> Verdict:
    """Of a whole step. `misfits`: how many answers before this one did not fit."""
    most = agent.settings.reasoning.max_steps
    if called:
        error = MaxStepsExceeded(f"the model still asked for tools after {most} steps", max_steps=most)
        return Verdict(error if step >= most else None)
    if answer is None:
        return Verdict()
    try:
        return Verdict(output=answer.check(reply.text))
    except ValueError as problem:
        if misfits < _CORRECTIONS:
            return Verdict(again=(Message.user(correction(str(problem))),))
        return Verdict(SchemaValidationError("no answer fitted the schema", problem=str(problem)))


def stop_error(why: str, agent: Agent) -> AgentError:
    if why == "timeout":
        return TurnTimeout(f"the turn took longer than {agent.settings.limits.turn_timeout:g} seconds")
    if why == "interrupted":
        return TurnInterrupted("the server stopped while the turn ran")
    return TurnCancelled("the turn was cancelled")


def ending(verdict: Verdict, now: int, steps: int, stored: Sequence[Entry], usage: Usage) -> Ending:
    """`usage` is the last step's, `stored` the steps before it."""
    error = verdict.error
    return Ending(
        status="completed" if error is None else _STATUS.get(error.code, "failed"),
        ended_at=now,
        steps=steps,
        usage=sum((entry.usage for entry in stored), usage),
        error=as_json(error) if error is not None else None,
        output=verdict.output,
    )


def stripped(entry: Entry, error: AgentError, stored: Sequence[Entry]) -> Entry:
    """The turn's end instead of a step that the store can never take."""
    end = ending(Verdict(error), entry.at, entry.position.step, stored, entry.usage)
    count = entry.message_count - 1 - (entry.results is not None)
    nothing = {"reply": None, "results": None, "torn": False, "stop_reason": "error"}
    return entry.model_copy(update={**nothing, "ending": end, "message_count": count})


def closing_entry(
    lease: Lease, session: Session, running: RunningTurn, stored: Sequence[Entry], now: int, error: AgentError
) -> Entry:
    """The end of a turn that nobody goes on with: its finished steps stay, and so does the user's text."""
    given = () if stored else (running.message,)
    return Entry(
        position=Position(lease.turn, len(stored) + 1),
        turn_id=running.turn_id,
        attempt=lease.attempt,
        agent=running.agent,
        at=now,
        started_at=running.started_at,
        given=given,
        ending=ending(Verdict(error), now, len(stored), stored, Usage()),
        idempotency_key=running.idempotency_key,
        message_count=session.message_count + len(given),
        usage_total=session.usage,
    )


def as_json(error: AgentError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "details": error.details}


def agentless(running: RunningTurn) -> AgentError:
    return TurnInterrupted(f"nobody carries the turn on: there is no agent {running.agent!r} any more")


def worn_out(running: RunningTurn, agent: Agent | None) -> AgentError | None:
    """Why nobody should try a turn once more."""
    if agent is None or running.attempt <= agent.settings.limits.max_attempts:
        return None
    most = agent.settings.limits.max_attempts
    return TurnInterrupted(f"the process that ran the turn died {most} times over", attempts=most)
