"""`sessionful chat`: a conversation at the prompt."""

import re
import sys

from sessionful.cli.console import say
from sessionful.cli.conversations import AgentInfo, Conversations
from sessionful.cli.exchange import check_text, exchange
from sessionful.cli.failure import DONE, FAILED, INTERRUPTED, CommandFailed, line
from sessionful.cli.foreground import Foreground
from sessionful.cli.prompt import Prompt
from sessionful.cli.target import Target
from sessionful.cli.telling import Telling
from sessionful.cli.transcript import print_history
from sessionful.domain.error import AgentError, SessionNotFound
from sessionful.domain.event import TurnFailed, TurnWasCancelled
from sessionful.domain.identity import new_session_id
from sessionful.domain.session import check_session_id

_HELP = "/history shows the conversation, /clear starts it anew, /quit or Ctrl-D leaves; Ctrl-C stops an answer"


def chat(target: Target, session_id: str | None, stream: bool) -> int:
    """Reads the keyboard, or lines from a pipe. Says at the end how the conversation is taken up again."""
    prompt = Prompt(sys.stdin)
    if session_id is not None:
        check_session_id(session_id)
    target.tell_warnings()
    with Foreground() as foreground, target.open(foreground) as conversations:
        talk = foreground.run(Chat.begin(conversations, session_id, stream))
        if prompt.interactive:
            say(_HELP)
        try:
            for text in prompt:
                if text in ("/quit", "/exit"):
                    break
                foreground.run(talk.hear(text))
                if foreground.leaving:
                    return INTERRUPTED
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            return INTERRUPTED
        finally:
            if talk.exists:
                say(f"session: {talk.session_id}\nresume:  {target.resume_command(talk.session_id)}")
    return FAILED if talk.failed and not prompt.interactive else DONE


class Chat:
    """`exists`: the session was there, or something was said in it. `failed`: a turn did not come to its end."""

    def __init__(
        self, conversations: Conversations, agent: AgentInfo, session_id: str, exists: bool, stream: bool
    ) -> None:
        self._conversations, self._agent = conversations, agent
        self._stream = stream and agent.reasoning.enable_streaming
        self.session_id, self.exists, self.failed = session_id, exists, False

    @classmethod
    async def begin(cls, conversations: Conversations, session_id: str | None, stream: bool) -> "Chat":
        """Says who answers, and where in the conversation one is."""
        agent, past = await conversations.agent(), 0
        exists = session_id is not None
        if session_id is not None:
            try:
                past = (await conversations.get(session_id)).message_count
            except SessionNotFound:
                exists = False
        where = f"session {session_id}" if session_id is not None else "a new session"
        say(f"{agent.name} ({agent.model}), {where}" + (f", {past} messages so far" if exists else ""))
        return cls(conversations, agent, session_id or new_session_id(), exists, stream)

    async def hear(self, text: str) -> None:
        """A command or a message. What goes wrong is told, and the conversation goes on."""
        try:
            if text == "/history":
                await print_history(self._conversations, self.session_id)
            elif text == "/clear":
                await self._clear()
            elif re.fullmatch("/[a-z]+", text):
                say(f"there is no command {text}; {_HELP}")
            else:
                await self._answer(text)
        except (AgentError, CommandFailed) as error:
            self.failed = True
            sys.stderr.write(line(error.message, error.code) + "\n")

    async def _answer(self, text: str) -> None:
        check_text(text)
        telling = Telling(self._agent.reasoning, streaming=self._stream, out=sys.stdout, aside=sys.stdout)
        outcome = await exchange(self._conversations, self.session_id, text, telling)
        self.exists = True
        if isinstance(outcome.ending, TurnFailed):
            raise CommandFailed.turn(outcome.ending.error)
        if isinstance(outcome.ending, TurnWasCancelled) and not outcome.interrupted:
            raise CommandFailed("the turn was cancelled", "turn_cancelled")

    async def _clear(self) -> None:
        if self.exists:
            await self._conversations.clear(self.session_id)
        say("the conversation starts anew")
