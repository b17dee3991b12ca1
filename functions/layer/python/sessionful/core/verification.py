"""Verify a stored session: each turn's form, and, where that has a meaning, that the loop makes of the same replies
and results exactly what is stored."""

from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, NamedTuple

from sessionful.core.replay import replay
from sessionful.core.rerun import Rerun, Stage, rerun
from sessionful.domain.error import AgentError
from sessionful.domain.event import AnyEvent, TextDelta, ThinkingDelta, Told, TurnSuperseded
from sessionful.domain.session import Session
from sessionful.domain.transcript import check_entry, check_given
from sessionful.domain.turn import Entry
from sessionful.domain.usage import Usage
from sessionful.ports import SessionLog

_PAGE = 100
_PAST = 50  # entries before a turn that it is run again on: the replies do not depend on them
_FROM_MODELS = frozenset({"model_error", "model_unavailable", "rate_limited", "invalid_request", "internal_error"})
_JUDGED = frozenset({"max_steps_exceeded", "schema_validation"})
_COMPARED = ("given", "reply", "results", "torn", "stop_reason", "usage", "message_count", "usage_total")
_ENDINGS = ("status", "steps", "usage", "error", "output")


class Difference(NamedTuple):
    """`step` is 0 for what concerns the turn. `again` is what came out, or which rule is broken."""

    step: int
    field: str
    stored: Any
    again: Any


class TurnCheck(NamedTuple):
    """`kept_from` says why a turn was not run again; its form was checked nevertheless."""

    turn: int
    turn_id: str
    status: str
    steps: int
    kept_from: str | None
    differences: tuple[Difference, ...]


async def verify(session: Session, log: SessionLog, stage: Stage) -> AsyncIterator[TurnCheck]:
    """Every turn of the visible past, oldest first. Nothing is written to `log`, and no model is asked."""
    past = deque[Entry](maxlen=_PAST)
    async for turn in _turns(session, log):
        yield await _check(session, past, turn, stage)
        past.extend(turn)


async def _turns(session: Session, log: SessionLog) -> AsyncIterator[list[Entry]]:
    turn, after = list[Entry](), None
    while page := await log.read(session, _PAGE, after=after):
        for entry in page:
            if turn and entry.position.turn != turn[0].position.turn:
                yield turn
                turn = []
            turn.append(entry)
        after = page[-1].position
    if turn:
        yield turn


async def _check(session: Session, past: Sequence[Entry], turn: list[Entry], stage: Stage) -> TurnCheck:
    before = past[-1] if past else None
    head = session.model_copy(
        update={
            "message_count": before.message_count if before else 0,
            "usage": _before(turn[0]),
            "running": None,
        }
    )
    found = list(_form(head, before, turn))
    kept_from = _kept_from(session, turn)
    if kept_from is None and not found:
        found += _compared(session.key.id, turn, await rerun(stage, head, past, turn))
    end = turn[-1].ending
    steps = sum(entry.reply is not None for entry in turn)
    status = end.status if end is not None else "running"
    return TurnCheck(turn[0].position.turn, turn[0].turn_id, status, steps, kept_from, tuple(found))


def _before(first: Entry) -> Usage:
    """What the session had spent before the turn: also on turns that nobody sees any more."""
    spent, own = first.usage_total.model_dump(), first.usage.model_dump()
    return Usage(**{name: spent[name] - own[name] for name in spent})


def _form(head: Session, before: Entry | None, turn: Sequence[Entry]) -> Iterator[Difference]:
    spent, last = head.usage.model_dump(), before.usage_total.model_dump() if before else {}
    if any(spent[name] < last[name] for name in last):
        yield Difference(1, "usage_total", turn[0].usage_total.model_dump(), "less than before the turn")
    for place, entry in enumerate(turn):
        try:
            if not _by_hand(turn):
                check_entry(entry, turn[:place], head)
                continue
            check_given(entry.given)
        except AgentError as error:
            yield Difference(place + 1, "form", None, error.message)
            return
        if entry.message_count != head.message_count + len(entry.given):
            yield Difference(1, "message_count", entry.message_count, head.message_count + len(entry.given))


def _by_hand(turn: Sequence[Entry]) -> bool:
    end = turn[0].ending
    return len(turn) == 1 and turn[0].reply is None and end is not None and (end.status, end.steps) == ("completed", 0)


def _kept_from(session: Session, turn: Sequence[Entry]) -> str | None:
    """Why it would have no meaning to run the turn again."""
    last = turn[-1]
    if last.ending is None:
        running = session.running is not None and session.running.number == last.position.turn
        return "it still runs" if running else "it goes on in the session that this one was forked from"
    if _by_hand(turn):
        return "it was put in by hand"
    if last.ending.status in ("cancelled", "interrupted"):
        return f"it was {last.ending.status} from outside"
    if last.ending.status == "completed":
        return None
    code = (last.ending.error or {}).get("code")
    again = code in _JUDGED or (code in _FROM_MODELS and last.torn)
    return None if again else f"what it failed of does not come again: {code}"


def _compared(session_id: str, turn: Sequence[Entry], again: Rerun) -> Iterator[Difference]:
    if len(again.entries) != len(turn):
        yield Difference(0, "steps", len(turn), len(again.entries))
        return
    for stored, made in zip(turn, again.entries, strict=True):
        step = stored.position.step
        pairs = [(name, getattr(stored, name), getattr(made, name)) for name in _COMPARED]
        if stored.ending is not None and made.ending is not None:
            pairs += [(f"ending.{n}", getattr(stored.ending, n), getattr(made.ending, n)) for n in _ENDINGS]
        elif stored.ending != made.ending:
            pairs.append(("ending", stored.ending, made.ending))
        yield from (Difference(step, name, _plain(one), _plain(other)) for name, one, other in pairs if one != other)
    one_attempt = [entry.model_copy(update={"attempt": 1}) for entry in turn]
    tape, told = (_tape(told, turn[-1].torn) for told in (replay(session_id, one_attempt), again.told))
    if tape != told:
        place = next((n for n, pair in enumerate(zip(tape, told, strict=False)) if pair[0] != pair[1]), len(tape))
        yield Difference(0, "events", _plain(tape[place : place + 1]), _plain(told[place : place + 1]))


def _tape(told: Sequence[Told], torn: bool) -> list[AnyEvent]:
    """The events without what differs from run to run: how text was cut, and the turn's id; of a turn that was torn,
    also which part a text belongs to, because calls that stood before it are not kept."""
    flat: list[AnyEvent] = []
    for event in (one.event for one in told):
        if torn and isinstance(event, TextDelta | ThinkingDelta):
            event = event.model_copy(update={"index": 0})
        last = flat[-1] if flat else None
        if isinstance(event, TurnSuperseded):
            continue
        if isinstance(event, TextDelta | ThinkingDelta) and isinstance(last, type(event)) and last.index == event.index:
            flat[-1] = last.model_copy(update={"text": last.text + event.text})
            continue
        flat.append(event.model_copy(update={"turn_id": ""}) if hasattr(event, "turn_id") else event)
    return flat


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value
