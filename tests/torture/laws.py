"""The laws, as they show from the outside: in what clients have on their screens, in the history, in the ledger."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tests.torture.client import OutOfPatience
from tests.torture.ledger import Execution
from tests.torture.model_server import refused
from tests.torture.plans import tags
from tests.torture.talk import Talk

Messages = Sequence[dict[str, Any]]


async def broken_laws(talk: Talk, seen_before: Messages = ()) -> tuple[list[str], list[dict[str, Any]]]:
    """What is wrong with a session in which nothing runs any more, and its history. `seen_before` is what it was at
    some earlier time."""
    try:
        history = await talk.history()
    except OutOfPatience as error:
        return [str(error)], []
    found = [*talk.violations, *_order(history), *_valid(history), *_admitted_once(talk, history)]
    found += [*_texts(talk, history), *_records(talk, history), *_kept(talk, history, seen_before)]
    return [f"{talk.session}: {what}" for what in found], history


def _order(history: Messages) -> Iterable[str]:
    """Turns and steps stand in their order, and are not interleaved."""
    places = [tuple(map(int, message["id"].split("."))) for message in history]
    if places != sorted(set(places)):
        yield f"the history is out of order: {[message['id'] for message in history]}"
    for message in history:
        if message["status"] in ("running", "queued"):
            yield f"{message['id']} still runs"


def _valid(history: Messages) -> Iterable[str]:
    """Every provider would take it: each call with its result, right behind it."""
    wire: list[dict[str, Any]] = []
    for message in history:
        results = [part for part in message["parts"] if part["type"] == "tool_result"]
        calls = [{"id": part["id"]} for part in message["parts"] if part["type"] == "tool_call"]
        if results:
            wire += [{"role": "tool", "tool_call_id": part["call_id"]} for part in results]
        else:
            wire.append({"role": message["role"], "content": message["text"], "tool_calls": calls})
    return refused(wire)


def _admitted_once(talk: Talk, history: Messages) -> Iterable[str]:
    """Each key has one turn, and one message of the user; two keys never share a turn."""
    said = Counter(tag for message in history if message["role"] == "user" for tag in tags(message["text"]))
    turns = Counter(ask.turn_id for ask in talk.asks if ask.turn_id is not None)
    for ask in talk.asks:
        least = int(ask.turn_id is not None and ask.turn_id not in talk.gone)
        if not least <= said[ask.tag] <= 1:
            yield f"{ask.tag} ({ask.turn_id}) stands {said[ask.tag]} times in the history"
        if ask.turn_id is not None and turns[ask.turn_id] > 1:
            yield f"{ask.turn_id} belongs to several keys"
    inherited = {tag for message in talk.past for tag in tags(message["text"])}
    for tag in said.keys() - inherited - {ask.tag for ask in talk.asks}:
        yield f"nobody asked {tag} here"


def _texts(talk: Talk, history: Messages) -> Iterable[str]:
    """Every reader has what is stored, character by character."""
    stored: dict[str, str] = defaultdict(str)
    for message in history:
        stored[message["turn_id"]] += message["text"] if message["role"] == "assistant" else ""
    visible = {message["turn_id"] for message in history}
    for ask, screen in talk.screens:
        if ask.turn_id not in talk.gone:
            yield from (f"{ask.tag} ({screen.dialect}): {fault}" for fault in screen.faults)
        if ask.turn_id in visible and ask.refused is None and screen.text != stored[str(ask.turn_id)]:
            yield (
                f"{ask.tag} ({ask.turn_id}, {screen.dialect}, {screen.cuts} cuts, {screen.superseded} superseded) is"
                f" {_difference(screen.text, stored[str(ask.turn_id)])}"
            )


def _records(talk: Talk, history: Messages) -> Iterable[str]:
    """How a turn ended is told alike to whoever asks, and no turn ends badly without a reason."""
    statuses = {message["turn_id"]: message["status"] for message in history}
    for ask in talk.asks:
        status = (ask.record or {}).get("status")
        if status is not None and ask.turn_id in statuses and statuses[ask.turn_id] not in (status, "completed"):
            yield f"{ask.turn_id} is {status} by its record, {statuses[ask.turn_id]} by the history"
        error = (ask.record or {}).get("error") or {}
        if status == "failed":
            yield f"{ask.turn_id} failed: {error}"
        if status == "interrupted" and not error.get("message"):
            yield f"{ask.turn_id} was interrupted, and does not say why"
    for ask, screen in talk.screens:
        status = (ask.record or {}).get("status", "gone")
        told = "interrupted" if screen.error == "turn_interrupted" else screen.ending
        if status != "gone" and ask.turn_id not in talk.gone and told != status:
            yield f"{ask.turn_id} is {status}, its reader was told {told} ({screen.error})"


def _kept(talk: Talk, history: Messages, before: Messages) -> Iterable[str]:
    """What was once stored stays as it was."""
    now = {message["id"]: message for message in history}
    if history[: len(talk.past)] != talk.past:
        yield "it does not begin with the past it was forked with"
    for message in before:
        if message["turn_id"] not in talk.gone and now.get(message["id"]) != message:
            yield f"{message['id']} was {message} and is {now.get(message['id'])}"


def broken_ledger(ledger: Sequence[Execution], results: dict[str, str]) -> list[str]:
    """`results` are the successful results in all histories, by call id. What must not be repeated was begun once in
    a step; what is told as done was done; and what was told is what one run of it said."""
    found, begun = [], defaultdict(list)
    done = {line.run for line in ledger if line.phase == "done"}
    for line in ledger:
        if line.phase == "begun":
            step = line.key.rpartition(".")[0]
            begun[(line.session, step, line.tool)].append(line)
    for (session, step, tool), lines in begun.items():
        if tool == "pay" and len(lines) > 1:
            found.append(f"{session}: pay was begun {len(lines)} times in {step}: {lines}")
    runs = {line.call: line for line in ledger}
    for call, text in results.items():
        if call not in runs:
            found.append(f"{call} has the result {text!r}, and was never run")
        elif text.rpartition(" ")[2] not in done:
            found.append(f"{call} has the result {text!r}, and was never done")
    return found


def results_in(history: Messages) -> dict[str, str]:
    parts = [part for message in history for part in message["parts"] if part["type"] == "tool_result"]
    return {part["call_id"]: part["content"] for part in parts if not part["is_error"]}


def _difference(read: str, stored: str) -> str:
    place = next((i for i, (a, b) in enumerate(zip(read, stored, strict=False)) if a != b), min(len(read), len(stored)))
    around = slice(max(place - 20, 0), place + 40)
    return (
        f"{len(read)} characters long, stored are {len(stored)}; from {place} on it reads {read[around]!r},"
        f" stored is {stored[around]!r}"
    )
