"""One message and its answer, in the foreground: Ctrl-C stops the turn, not the program."""

import asyncio
from typing import NamedTuple

from sessionful.cli.conversations import Conversations
from sessionful.cli.failure import WRONG_USAGE, CommandFailed
from sessionful.cli.telling import Ending, Telling
from sessionful.domain.error import SessionNotFound, TurnNotFound
from sessionful.domain.identity import sortable_id

_AGAIN = 0.1  # seconds between two tries to cancel a turn that was not admitted yet


class Outcome(NamedTuple):
    """`interrupted`: the person at the keyboard stopped it."""

    ending: Ending
    interrupted: bool


def check_text(text: str, what: str = "message") -> None:
    """Before anything is opened. Raises CommandFailed for what no agent can answer."""
    if not text.strip():
        raise CommandFailed(f"the {what} is empty", "invalid_request", WRONG_USAGE)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CommandFailed(f"the {what} is not UTF-8", "invalid_request", WRONG_USAGE) from None


async def exchange(conversations: Conversations, session_id: str, text: str, telling: Telling) -> Outcome:
    """The first Ctrl-C cancels the running turn and waits until that is settled; a second one gives up waiting.

    The telling is a task of its own, so that whatever the turn still says is heard to the end.
    """
    key = sortable_id()
    told = asyncio.create_task(telling.tell(conversations.turn(session_id, text, key)))
    try:
        return Outcome(await asyncio.shield(told), interrupted=False)
    except asyncio.CancelledError:
        this = asyncio.current_task()
        if this is None or this.cancelling() == 0:
            raise
        this.uncancel()
    try:
        await _cancel(conversations, session_id, key, told)
        ending = await told
    finally:
        told.cancel()
    telling.interrupted()
    return Outcome(ending, interrupted=True)


async def _cancel(conversations: Conversations, session_id: str, key: str, told: "asyncio.Task[Ending]") -> None:
    while not told.done():
        try:
            return await conversations.cancel(session_id, key)
        except (TurnNotFound, SessionNotFound):
            await asyncio.wait({told}, timeout=_AGAIN)
