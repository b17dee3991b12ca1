"""Recall: what is remembered that has to do with a message, as a block of text for the prompt."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from sessionful.core.agent import Agent
from sessionful.core.memory.prompts import REMEMBERED
from sessionful.core.memory.ranking import queries, ranked
from sessionful.core.memory.scopes import scope_of, undone
from sessionful.core.memory.tokens import estimated
from sessionful.core.memory.words import roots, statements
from sessionful.domain.error import AgentError, MemoryNotFound
from sessionful.domain.memory import Found, Memory, Scope
from sessionful.domain.message import Message
from sessionful.domain.session import Session
from sessionful.ports import MemoryBank

PATIENCE = 3.0
"""Seconds that a turn waits for its memories."""

_SHARE = 8  # of the working memory's budget, one part in so many
_LEAST_TOKENS = 200
_LONGEST_LINE = 1000
_WORDS = 2000  # of one message of the window

logger = logging.getLogger("sessionful.memory")


class Recalled(NamedTuple):
    """Best first, and the labelled block that the prompt has of them."""

    found: list[Found]
    text: str


async def recall(
    agent: Agent, session: Session, message: Message, window: Sequence[Message], patience: float = PATIENCE
) -> Recalled | None:
    """None when nothing is near enough, and when the bank cannot be reached in time: a turn goes on without.

    `message` is the one that is answered, `window` what the prompt has before it: what is said there is not told again.
    """
    longterm = agent.settings.memory.longterm
    if longterm is None or not longterm.auto_recall or agent.bank is None or not message.text.strip():
        return None
    try:
        async with asyncio.timeout(patience):
            found = await _found(agent, session, message.text, longterm.recall_limit * 2)
    except TimeoutError:
        logger.warning("session=<%s> | nothing was recalled in time", session.key.id)
        return None
    except AgentError as error:
        logger.warning("session=<%s> code=<%s> | nothing could be recalled", session.key.id, error.code)
        return None
    except Exception:
        logger.exception("session=<%s> | nothing could be recalled", session.key.id)
        return None
    near = [one for one in found if one.score >= longterm.similarity_threshold]
    if longterm.storage_scope == "summaries_only":
        near = [one for one in near if one.memory.kind == "summary"]
    kept = list(_bounded(_each_once(near, window), longterm.recall_limit, agent))
    return Recalled(kept, "\n".join([REMEMBERED, *(line_of(one.memory) for one in kept)])) if kept else None


def line_of(memory: Memory) -> str:
    """In one line, so that no memory looks like anything else of the prompt."""
    said = datetime.fromtimestamp(memory.created_at / 1000, UTC).date().isoformat()
    return f"- {' '.join(memory.text.split())[:_LONGEST_LINE]} ({said})"


async def _found(agent: Agent, session: Session, text: str, limit: int) -> list[Found]:
    assert agent.bank is not None
    scope = scope_of(agent, session)
    (query,) = await queries(agent.embedder, [text])
    related = agent.embedder.related if agent.embedder is not None else 1.0
    found = await ranked(agent.bank, scope, query, related, limit)
    return [held for one in found for held in await _holding(agent.bank, scope, one, session)]


async def _holding(bank: MemoryBank, scope: Scope, one: Found, session: Session) -> list[Found]:
    """The memory, or where the session was rewound from what said it, those that it had taken the place of."""
    if not undone(one.memory, session):
        return [one]
    before: list[Found] = []
    for memory_id in one.memory.supersedes:
        with contextlib.suppress(MemoryNotFound):
            before += await _holding(bank, scope, Found(await bank.get(scope, memory_id), one.score), session)
    return before


def _each_once(found: Sequence[Found], window: Sequence[Message]) -> Iterator[Found]:
    """Without those that a message of the window, or a better one, says with all their words."""
    said = [set(roots(_stated(message), _WORDS)) for message in window]
    for one in found:
        words = set(roots(one.memory.text))
        if words and any(words <= others for others in said):
            continue
        said.append(words)
        yield one


def _stated(message: Message) -> str:
    texts = [message.text, *(result.content for result in message.tool_results)]
    return " ".join(statements(text) for text in dict.fromkeys(texts))


def _bounded(found: Iterator[Found], limit: int, agent: Agent) -> Iterator[Found]:
    left = max(agent.settings.memory.working.budget // _SHARE, _LEAST_TOKENS) - estimated(REMEMBERED)
    for one in islice(found, limit):
        left -= estimated(line_of(one.memory))
        if left < 0:
            return
        yield one
