"""`sessionful call`: one message, one answer."""

import sys

from sessionful.cli.console import say
from sessionful.cli.conversations import Conversations
from sessionful.cli.exchange import Outcome, check_text, exchange
from sessionful.cli.failure import DONE, INTERRUPTED, CommandFailed
from sessionful.cli.foreground import Foreground
from sessionful.cli.target import Target
from sessionful.cli.telling import Telling
from sessionful.domain.event import TurnCompleted, TurnFailed
from sessionful.domain.identity import new_session_id
from sessionful.domain.session import check_session_id


def call(target: Target, text: str, session_id: str | None, stream: bool) -> int:
    """The answer goes to stdout, everything else to stderr. Without a session it makes one."""
    check_text(text)
    home = check_session_id(session_id) if session_id is not None else new_session_id()
    with Foreground() as foreground, target.open(foreground) as conversations:
        outcome = foreground.run(_ask(conversations, home, text, stream))
    if outcome.interrupted:
        return INTERRUPTED
    if isinstance(outcome.ending, TurnCompleted):
        return DONE
    if isinstance(outcome.ending, TurnFailed):
        raise CommandFailed.turn(outcome.ending.error)
    raise CommandFailed("the turn was cancelled", "turn_cancelled")


async def _ask(conversations: Conversations, session_id: str, text: str, stream: bool) -> Outcome:
    agent = await conversations.agent()
    say(f"{agent.name} ({agent.model}), session {session_id}")
    streaming = stream and agent.reasoning.enable_streaming
    telling = Telling(agent.reasoning, streaming=streaming, out=sys.stdout, aside=sys.stderr)
    return await exchange(conversations, session_id, text, telling)
