"""Summaries: one row for each log and place. Each function is one transaction's work."""

from sqlalchemy import bindparam, delete, insert, or_, select

from sessionful.domain.memory import Summary
from sessionful.domain.session import Position
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import Columns, digest, written
from sessionful.stores.sql.schema import SUMMARIES

_S = SUMMARIES.c
_OF_LOG = _S.log == bindparam("of_log")
_THERE = select(_S.turn).where(_OF_LOG, _S.turn == bindparam("at_turn"), _S.step == bindparam("at_step"))
_PUT = insert(SUMMARIES)
_LATEST = select(_S.payload).where(_OF_LOG).order_by(_S.turn.desc(), _S.step.desc()).limit(1)
_LATEST_UPTO = _LATEST.where(
    _S.turn <= bindparam("at_turn"), or_(_S.turn < bindparam("at_turn"), _S.step <= bindparam("at_step"))
)
_DROP = delete(SUMMARIES).where(_OF_LOG)


def keep(tx: Transaction, owner: str, agent: str, summary: Summary) -> None:
    """Of two at once one fails on the other's row, begins again, and sees it."""
    log, (turn, step) = digest(owner, agent, summary.log), summary.upto
    if tx.connection.execute(_THERE, {"of_log": log, "at_turn": turn, "at_step": step}).first() is None:
        tx.connection.execute(_PUT, {"log": log, "turn": turn, "step": step, "payload": written(summary)})


def latest(tx: Transaction, owner: str, agent: str, log: str, upto: Position | None) -> Summary | None:
    asked: Columns = {"of_log": digest(owner, agent, log)}
    statement = _LATEST
    if upto is not None:
        asked |= {"at_turn": upto.turn, "at_step": upto.step}
        statement = _LATEST_UPTO
    payload = tx.connection.execute(statement, asked).scalar()
    return None if payload is None else Summary.model_validate_json(payload)


def forget(tx: Transaction, owner: str, agent: str, log: str) -> None:
    tx.connection.execute(_DROP, {"of_log": digest(owner, agent, log)})
