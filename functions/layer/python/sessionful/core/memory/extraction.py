"""Extraction: what a session's turns say that is worth keeping, found by the model and stored for good.

How far it has come is kept in the bank, as an empty summary of a log that no session has (see `progress_log`): written
after the memories, so that a crash in between has them found again, and merged.
"""

import logging
from collections.abc import Sequence
from itertools import chain

from sessionful.core.agent import Agent
from sessionful.core.memory.asking import filled_in, reply_to
from sessionful.core.memory.facts import (
    NewFacts,
    Said,
    embed_rest,
    keep_facts,
    made,
    shown,
    with_vectors,
    worth_keeping,
)
from sessionful.core.memory.junk import has_secret, told_sentences
from sessionful.core.memory.prompts import FACTS, SUMMARY, TRANSCRIPT
from sessionful.core.memory.ranking import queries, ranked
from sessionful.core.memory.scopes import scope_of
from sessionful.core.memory.transcript import Turn, chunks, ended_turns, transcript, user_texts
from sessionful.core.memory.words import content_words
from sessionful.domain.error import InvalidRequest, SessionExpired, SessionNotFound
from sessionful.domain.lineage import END, START, log_at, tip
from sessionful.domain.memory import Memory, Scope, Source, Summary
from sessionful.domain.message import Message
from sessionful.domain.session import Position, Session
from sessionful.ports import MemoryBank, ModelRequest, SessionLog

_NEAR = 6  # known memories that are shown for each of the user's messages
_KNOWN = 30  # and in all
_ASKED = 12  # messages of the user that known memories are looked up for
_LONGEST_SUMMARY = 3000
_SUMMARY_TOKENS = 2000  # room for a model that thinks first
_NOTHING = "NOTHING"

logger = logging.getLogger("sessionful.memory")


def progress_log(log: str) -> str:
    """Under which name the bank keeps how far a log was read; summaries of that name go with the session."""
    return f"{log}#remembered"


async def remember(agent: Agent, log: SessionLog, session: Session, *, flush: bool = False) -> None:
    """Store what is worth keeping of the turns that ended since the last time, once there are `batch_size` of them. An
    ended session leaves nothing waiting, nor does `flush`, which is for one that has expired and is about to go; a
    `batch_size` of 0 waits for that. Of a session that somebody deletes meanwhile nothing is left.

    Only turns that this agent answered are read. Doing it twice, or in two places at once, stores nothing twice. Raises
    what the model, the log and the bank raise: then the rest is tried the next time.
    """
    if agent.bank is None or agent.settings.memory.longterm is None:
        return
    scope = scope_of(agent, session)
    after = await _progress(agent.bank, agent, session)
    if tip(session) <= after:
        return
    turns = [turn async for turn in ended_turns(log, session, max(after, _start(scope, session)))]
    own = [turn for turn in turns if _is_read(turn, agent, scope, session)]
    if not own or len(own) < _batch(agent, session, flush):
        return
    for chunk in chunks(own):
        await _remember_chunk(agent, agent.bank, scope, session, chunk)
        await _keep_progress(agent.bank, agent, session, chunk[-1][-1].position)
        if not flush and not await _still_there(log, session):
            await _take_back(agent.bank, agent, scope, session)
            return
    if agent.embedder is not None:
        await embed_rest(agent.bank, agent.embedder, scope)


async def _remember_chunk(agent: Agent, bank: MemoryBank, scope: Scope, session: Session, chunk: list[Turn]) -> None:
    text = transcript(chunk)
    if not any(content_words(said) for said in user_texts(chunk)) and "\ntool " not in text:
        return  # a greeting, thanks: not worth asking a model
    said = {turn[0].position.turn: _said(turn, session) for turn in chunk}
    try:
        if _longterm_scope(agent) == "summaries_only":
            await _keep_summary(agent, bank, scope, text, said)
            return
        known = await _known(agent, bank, scope, chunk)
        found = await filled_in(agent.model, FACTS, shown(known, text), NewFacts)
    except InvalidRequest as refused:
        logger.warning("session=<%s> | the model does not read these turns: %s", session.key.id, refused.message)
        return
    if found is None:
        logger.warning("session=<%s> model=<%s> | no list of facts was given", session.key.id, agent.model.name)
        return
    restated = told_sentences(
        agent.settings.instructions, session.system, *(spec.description for spec in agent.toolbox.specs)
    )
    facts = worth_keeping(found.facts, text, restated)
    await keep_facts(bank, agent.embedder, scope, facts, known, said)


async def _keep_summary(agent: Agent, bank: MemoryBank, scope: Scope, text: str, said: dict[int, Said]) -> None:
    request = ModelRequest([Message.user(f"{TRANSCRIPT}\n{text}")], SUMMARY, options={"max_tokens": _SUMMARY_TOKENS})
    summary = (await reply_to(agent.model, request)).text[:_LONGEST_SUMMARY].strip()
    if not summary or summary.rstrip(".") == _NOTHING or has_secret(summary):
        return
    at = max(one.at for one in said.values())
    memory = made(scope, summary, "summary", at, tuple(one.source for one in said.values()))
    await bank.store(await with_vectors(agent.embedder, [memory]))


async def _known(agent: Agent, bank: MemoryBank, scope: Scope, chunk: Sequence[Turn]) -> list[Memory]:
    """What is remembered already and lies nearest to what the user says."""
    related = agent.embedder.related if agent.embedder is not None else 1.0
    asked = [text for text in user_texts(chunk) if content_words(text)][-_ASKED:]
    near = [await ranked(bank, scope, query, related, _NEAR) for query in await queries(agent.embedder, asked)]
    best = sorted(chain.from_iterable(near), key=lambda one: -one.score)
    return list({one.memory.id: one.memory for one in best if one.memory.kind == "fact"}.values())[:_KNOWN]


def _batch(agent: Agent, session: Session, flush: bool) -> float:
    longterm = agent.settings.memory.longterm
    if flush or session.ended_at is not None or longterm is None:
        return 1
    return longterm.batch_size or float("inf")


def _start(scope: Scope, session: Session) -> Position:
    """What a fork shares with its parent is read for memories of its own, not for those in common."""
    if session.parent is None or scope.session_id is not None:
        return START
    return Position(session.parent.at.turn, END.step)


def _is_read(turn: Turn, agent: Agent, scope: Scope, session: Session) -> bool:
    if turn[0].agent not in (agent.name, session.key.agent):
        return False
    return scope.session_id is not None or log_at(session, turn[-1].position) == session.log


def _said(turn: Turn, session: Session) -> Said:
    last = turn[-1]
    log = log_at(session, last.position) or session.log
    source = Source(owner=session.key.owner, session_id=session.key.id, log=log, at=last.position)
    return Said(source, turn[0].started_at)


def _longterm_scope(agent: Agent) -> str | None:
    longterm = agent.settings.memory.longterm
    return longterm.storage_scope if longterm is not None else None


async def _progress(bank: MemoryBank, agent: Agent, session: Session) -> Position:
    kept = await bank.summary(session.key.owner, agent.name, progress_log(session.log))
    return kept.upto if kept is not None else START


async def _keep_progress(bank: MemoryBank, agent: Agent, session: Session, upto: Position) -> None:
    mark = Summary(log=progress_log(session.log), upto=upto, text="", tokens=0, made_at=session.updated_at, model="")
    await bank.keep_summary(session.key.owner, agent.name, mark)


async def _take_back(bank: MemoryBank, agent: Agent, scope: Scope, session: Session) -> None:
    await bank.forget(scope, session.log)
    await bank.forget_summaries(session.key.owner, agent.name, progress_log(session.log))


async def _still_there(log: SessionLog, session: Session) -> bool:
    """Or was the session deleted meanwhile? What was stored of it would outlive it."""
    try:
        return (await log.get(session.key)).log == session.log
    except SessionExpired:
        return True
    except SessionNotFound:
        return False
