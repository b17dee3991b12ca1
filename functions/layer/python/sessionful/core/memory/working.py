"""Working memory: what a prompt has of the past, and the summary that is made when that grows too long."""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple

from sessionful.core.agent import Agent
from sessionful.core.memory.summary import as_message, fold, latest_summary, longest
from sessionful.core.memory.tokens import counter_of
from sessionful.core.window import reach, tokens_of, told_to_model, window
from sessionful.domain.clock import now_ms
from sessionful.domain.error import AgentError
from sessionful.domain.lineage import START, tip
from sessionful.domain.memory import Summary
from sessionful.domain.message import Message
from sessionful.domain.session import Position, Session
from sessionful.domain.turn import Entry
from sessionful.ports import Clock, SessionLog

_PAGE = 25
_PATIENCE = 5.0  # seconds that a turn waits for a summary that was made

logger = logging.getLogger("sessionful.memory")


class Past(NamedTuple):
    """How a turn's prompt begins. `tokens` are those of all messages behind the summary, also of such as no longer
    fit."""

    messages: Sequence[Message] = ()
    tokens: int = 0


async def recollect(agent: Agent, log: SessionLog, session: Session, turn: int, newest: Sequence[Entry] | None) -> Past:
    """What was there before that turn, as its prompt has it. `newest` is what is read of it; None: nothing is.

    With summary_buffer: everything, as long as it is within the threshold; else the latest summary and everything
    behind it. While a new summary is not ready that may grow to the budget; beyond it, the oldest messages are left
    out. Raises what the log raises; a bank that fails is done without."""
    memory, count, before = agent.settings.memory.working, counter_of(agent.model), Position(turn, 1)
    if newest is None:
        newest = await _read_newest(log, session, before, agent)
    if memory.strategy != "summary_buffer":
        return Past(await _shown(agent, log, session, newest))
    entries = await read_back(log, session, before, agent, memory.budget, newest)
    tokens, room = tokens_of(entries, memory, count), memory.budget * memory.threshold
    if tokens <= room or agent.bank is None:
        return Past(await _shown(agent, log, session, entries), tokens)
    summary = await _made_before(agent, session)
    head = [as_message(summary)] if summary is not None and summary.text else []
    if summary is not None:
        entries = [entry for entry in entries if entry.position > summary.upto]
        tokens = tokens_of(entries, memory, count)
    left = max(memory.budget - sum(map(count, head)), 0)
    shown = await _shown(agent, log, session, entries, left if tokens <= left else min(room, left))
    return Past([*head, *shown], tokens)


def outgrown(agent: Agent, tokens: int) -> bool:
    """Whether so many tokens behind the summary call for a new one."""
    memory = agent.settings.memory.working
    return memory.strategy == "summary_buffer" and tokens > memory.budget * memory.threshold


async def summarise(agent: Agent, log: SessionLog, session: Session, clock: Clock = now_ms) -> bool:
    """Fold what is older than the newest tokens within the target into a summary, together with the one before, where
    the messages behind that have passed the threshold. Whole turns are folded or kept. A long past is folded piece by
    piece, and each summary is kept: whoever comes after a failure goes on from there. Nothing is done twice, and of
    several at once each may be the one whose summary is kept. True when there was something to fold. Raises what the
    model, the log and the bank raise."""
    bank, memory, count = agent.bank, agent.settings.memory.working, counter_of(agent.model)
    if bank is None or memory.strategy != "summary_buffer":
        return False
    former = await latest_summary(bank, session)
    low = former.upto if former is not None else START
    high = Position(session.running.number if session.running is not None else tip(session).turn + 1, 1)
    newest = await read_back(log, session, high, agent, memory.budget * memory.threshold, after=low)
    last = _last_to_fold(agent, newest)
    while last is not None and low < last:
        chunk = await _chunk(log, session, agent, low, last)
        if not chunk:
            break
        said = [message for entry in chunk for message in told_to_model(entry, memory)]
        text = await fold(agent.model, former.text if former is not None else "", said, count, longest(memory))
        low = chunk[-1].position
        tokens = count(Message.system(text)) if text else 0
        former = Summary(log=session.log, upto=low, text=text, tokens=tokens, made_at=clock(), model=agent.model.name)
        await bank.keep_summary(session.key.owner, session.key.agent, former)
        logger.info("session=<%s> upto=<%d.%d> tokens=<%d> | summarised", session.key.id, *low, tokens)
    return last is not None


async def read_back(
    log: SessionLog,
    session: Session,
    before: Position,
    agent: Agent,
    enough: float,
    newest: Sequence[Entry] = (),
    after: Position = START,
) -> list[Entry]:
    """`newest` and what lies before it, until there are more than `enough` tokens or nothing is left behind `after`."""
    memory, count = agent.settings.memory.working, counter_of(agent.model)
    entries = list(newest)
    tokens = tokens_of(entries, memory, count)
    while tokens <= enough and not _is_all(entries, session, after):
        at = entries[0].position if entries else before
        page = await log.read(session, _PAGE, after=after, before=at, newest_first=True)
        entries[:0] = reversed(page)
        tokens += tokens_of(page, memory, count)
        if len(page) < _PAGE:
            break
    return entries


def _is_all(entries: Sequence[Entry], session: Session, after: Position) -> bool:
    if not entries:
        return tip(session) <= after
    return entries[0].message_count <= len(entries[0].messages)


def _last_to_fold(agent: Agent, newest: Sequence[Entry]) -> Position | None:
    """The last entry that is not among the newest whole turns within the target; None while nothing is to be folded."""
    memory, count = agent.settings.memory.working, counter_of(agent.model)
    sizes = [tokens_of([entry], memory, count) for entry in newest]
    if not outgrown(agent, sum(sizes)):
        return None
    room = memory.budget * min(memory.target, memory.threshold)
    kept, start = 0, len(newest)
    for place in range(len(newest) - 1, -1, -1):
        kept += sizes[place]
        if kept > room:
            break
        if place == 0 or newest[place - 1].position.turn != newest[place].position.turn:
            start = place
    return newest[start - 1].position if start else None


async def _chunk(log: SessionLog, session: Session, agent: Agent, after: Position, upto: Position) -> list[Entry]:
    """The oldest entries between the two that fit the budget beside a summary, whole turns where that is possible."""
    memory, count = agent.settings.memory.working, counter_of(agent.model)
    room, found, tokens = memory.budget - longest(memory), list[Entry](), 0
    before = Position(upto.turn, upto.step + 1)
    while page := await log.read(session, _PAGE, after=after, before=before):
        for entry in page:
            tokens += tokens_of([entry], memory, count)
            if found and tokens > room:
                whole = [one for one in found if one.position.turn != entry.position.turn]
                return whole or found
            found.append(entry)
        after = page[-1].position
        if len(page) < _PAGE:
            break
    return found


async def _read_newest(log: SessionLog, session: Session, before: Position, agent: Agent) -> list[Entry]:
    """As much as is read at admission."""
    memory = agent.settings.memory.working
    if memory.strategy == "summary_buffer":
        return []
    span, entries = reach(memory), list[Entry]()
    while len(entries) < span.entries:
        at = entries[0].position if entries else before
        page = await log.read(session, min(_PAGE, span.entries - len(entries)), before=at, newest_first=True)
        if not page:
            break
        entries[:0] = reversed(page)
    return entries


async def _shown(
    agent: Agent, log: SessionLog, session: Session, entries: Sequence[Entry], room: float | None = None
) -> list[Message]:
    """The window. Of a last turn that is too long for it, also the question is read where it lies further back."""
    memory, count = agent.settings.memory.working, counter_of(agent.model)
    shown = window(entries, memory, count, room)
    if shown or not entries or entries[0].position.step == 1:
        return shown
    turn = entries[-1].position.turn
    first = await log.read(session, 1, after=Position(turn, 0), before=Position(turn, 2))
    return window([*first, *entries], memory, count, room)


async def _made_before(agent: Agent, session: Session) -> Summary | None:
    if agent.bank is None:
        return None
    try:
        async with asyncio.timeout(_PATIENCE):
            return await latest_summary(agent.bank, session)
    except (AgentError, TimeoutError) as error:
        logger.warning("session=<%s> error=<%s> | the turn goes without a summary", session.key.id, error)
        return None
