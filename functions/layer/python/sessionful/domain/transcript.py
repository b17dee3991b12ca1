"""What may follow what in a session's history, so that every vendor takes it: checked before anything is written.

A turn's entries are held to all of it. What callers put in by hand may come in any order of roles, but every result
must answer a call; where a past is given whole, every call must be answered too.
"""

from collections import Counter
from collections.abc import Sequence

from sessionful.domain.error import AgentError, InvalidRequest
from sessionful.domain.message import Message
from sessionful.domain.session import Session
from sessionful.domain.turn import Entry


class HistorySpoilt(AgentError):
    """What was about to be written would have spoilt the history. Nothing was written."""


def check_entry(entry: Entry, stored: Sequence[Entry], head: Session) -> None:
    """Whether a running turn may store this next. `stored` is what it has stored so far, by whatever attempt; `head` is
    the session's as this holder was given it. Raises HistorySpoilt."""
    _check_place(entry, stored, head)
    _check_roles(entry, first=not stored)
    _check_calls(entry)
    _check_end(entry, stored)
    said, spent = (stored[-1].message_count, stored[-1].usage_total) if stored else (head.message_count, head.usage)
    _hold(entry.message_count == said + len(entry.messages), "the messages are not counted right")
    _hold(entry.usage_total == spent + entry.usage, "the tokens are not summed right")


def _check_place(entry: Entry, stored: Sequence[Entry], head: Session) -> None:
    before = stored[-1] if stored else None
    turn = before.position.turn if before else head.running.number if head.running else entry.position.turn
    _hold(before is None or before.ending is None, "the turn has ended")
    _hold(entry.position == (turn, len(stored) + 1), f"step {len(stored) + 1} of turn {turn} is next")
    _hold(before is None or before.turn_id == entry.turn_id, "the step is another turn's")
    _hold(before is None or before.attempt <= entry.attempt, "the step is of an attempt that was superseded")


def _check_roles(entry: Entry, first: bool) -> None:
    _hold(bool(entry.given) or not first, "a turn begins with the user's message")
    _hold(all(message.role == "user" for message in entry.given), "what is given to a turn is the user's")
    _hold(entry.reply is None or entry.reply.role == "assistant", "a reply is the assistant's")
    _hold(entry.results is None or entry.results.role == "tool", "results are the tools'")


def _check_calls(entry: Entry) -> None:
    """The reply's calls and their results, one to one."""
    calls = [call.id for call in entry.reply.tool_calls] if entry.reply else []
    answered = [result.call_id for result in entry.results.tool_results] if entry.results else []
    _hold(len(set(calls)) == len(calls), "two calls of one reply have the same id")
    _hold(bool(calls) == (entry.results is not None), "calls and results come together")
    _hold(Counter(calls) == Counter(answered), "every call is answered, and once")
    stray = [*entry.given, *([entry.reply] if entry.reply else [])]
    _hold(not any(message.tool_results for message in stray), "only a tool's message has results")
    _hold(not any(m.tool_calls for m in (*entry.given, entry.results) if m is not None), "only a reply calls tools")


def _check_end(entry: Entry, stored: Sequence[Entry]) -> None:
    end = entry.ending
    calls = entry.reply.tool_calls if entry.reply else ()
    _hold(not (entry.torn and (calls or entry.reply is None)), "a reply that broke off calls no tools")
    told_why = entry.reply is None or entry.torn == (entry.stop_reason == "error")
    _hold(told_why, "a whole reply tells why it stopped, and no other")
    if end is None:
        _hold(entry.reply is not None and not entry.torn, "only a whole reply is followed by another step")
        return
    steps = {entry.position.step} if entry.reply is not None else {entry.position.step, len(stored)}
    _hold(end.steps in steps, "the turn's steps are not counted right")
    _hold(end.usage == sum((one.usage for one in stored), entry.usage), "the turn's tokens are not summed right")
    _hold((end.error is None) == (end.status == "completed"), "a turn that did not complete says why")


def _hold(rule: bool, says: str) -> None:
    if not rule:
        raise HistorySpoilt(f"the step would spoil the history: {says}")


def check_past(messages: Sequence[Message], field: str = "messages") -> None:
    """A whole past, as it may be handed in. Raises InvalidRequest naming the message."""
    check_given(messages, field)
    waiting: list[tuple[str, int]] = []
    for place, message in enumerate(messages):
        for result in message.tool_results:
            asked = next((call for call in reversed(waiting) if call[0] == result.call_id), None)
            if asked is None:
                _refuse(f"the result answers {result.call_id!r}, which was not called before it", field, place)
            else:
                waiting.remove(asked)
        waiting += [(call.id, place) for call in message.tool_calls]
    if waiting:
        call_id, place = waiting[0]
        _refuse(f"the call {call_id!r} is never answered", field, place)


def check_given(messages: Sequence[Message], field: str = "messages") -> None:
    """Messages that are added to a past, where a call and its result may come one after the other. Raises
    InvalidRequest naming the message."""
    for place, message in enumerate(messages):
        calls = [call.id for call in message.tool_calls]
        if calls and message.role != "assistant":
            _refuse("only an assistant calls tools", field, place)
        if message.tool_results and message.role not in ("tool", "user"):
            _refuse("only a tool's message has results", field, place)
        if len(set(calls)) < len(calls):
            _refuse("two calls of one message have the same id", field, place)


def _refuse(says: str, field: str, place: int) -> None:
    raise InvalidRequest(says, field=f"{field}[{place}]")
