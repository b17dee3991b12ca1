"""What a turn's model is shown first: the past, and what is remembered that has to do with the user's message."""

from collections.abc import Sequence
from typing import NamedTuple

from sessionful.core.agent import Agent
from sessionful.core.memory.recall import Recalled, recall
from sessionful.core.memory.working import Past, recollect
from sessionful.domain.event import MemoryRecalled, RecalledMemory
from sessionful.domain.message import Message, Text
from sessionful.domain.session import Session
from sessionful.domain.turn import Entry
from sessionful.ports import SessionLog


class Prompt(NamedTuple):
    """`messages` end with what was said in the turn so far."""

    past: Past
    messages: list[Message]
    recalled: MemoryRecalled | None


async def prompt_of(
    agent: Agent, log: SessionLog, session: Session, newest: Sequence[Entry] | None, turn: int, said: Sequence[Message]
) -> Prompt:
    """`said` are the messages of the turn so far, the user's first. What is remembered stands in the user's message of
    this prompt alone and is stored nowhere: what stands before it is the same as in the prompt before. Raises what the
    log raises."""
    past = await recollect(agent, log, session, turn, newest)
    recalled = await recall(agent, session, said[0], past.messages)
    if recalled is None:
        return Prompt(past, [*past.messages, *said], None)
    told = MemoryRecalled(memories=tuple(RecalledMemory(id=m.id, score=score) for m, score in recalled.found))
    return Prompt(past, [*past.messages, _reminded(said[0], recalled), *said[1:]], told)


def _reminded(message: Message, recalled: Recalled) -> Message:
    return Message(role=message.role, parts=(Text(text=f"{recalled.text}\n\n"), *message.parts))
