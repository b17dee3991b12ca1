"""How a head moves: the next head for each write, and the refusals, computed without any store."""

from collections.abc import Mapping
from typing import Any

from sessionful.domain.error import (
    IdempotencyConflict,
    LeaseLost,
    SessionBusy,
    SessionEnded,
    SessionExists,
    SessionExpired,
    SessionNotFound,
    VersionConflict,
)
from sessionful.domain.identity import new_turn_id
from sessionful.domain.session import (
    Position,
    QueuedTurn,
    RunningTurn,
    Segment,
    Session,
    SessionChange,
    SessionKey,
)
from sessionful.domain.turn import Entry, Lease, NewTurn


def not_found(key: SessionKey) -> SessionNotFound:
    return SessionNotFound("there is no such session", session_id=key.id)


def already_exists(key: SessionKey) -> SessionExists:
    return SessionExists("a session with this id exists already", session_id=key.id)


def key_conflict(idempotency_key: str) -> IdempotencyConflict:
    return IdempotencyConflict("the idempotency key was used with another request", idempotency_key=idempotency_key)


def lease_lost(lease: Lease) -> LeaseLost:
    return LeaseLost("another writer holds the session", session_id=lease.key.id, turn=lease.turn, epoch=lease.epoch)


def check_live(session: Session, now: int) -> None:
    """Raises SessionExpired."""
    if session.expired(now):
        raise SessionExpired("the session has expired", session_id=session.key.id, expires_at=session.expires_at)


def check_log(session: Session, log: str | None) -> None:
    """Raises SessionNotFound when another incarnation than that of `log` is meant."""
    if log is not None and session.log != log:
        raise not_found(session.key)


def end_of(session: Session) -> tuple[int, SessionKey]:
    """Sorts those that expire: the first to end comes first."""
    return session.expires_at or 0, session.key


def check_open(session: Session) -> None:
    """Raises SessionEnded."""
    if session.ended_at is not None:
        raise SessionEnded("the session was ended", session_id=session.key.id, ended_at=session.ended_at)


def check_free(session: Session, now: int, queue_too: bool = True) -> None:
    """Raises SessionBusy, also when the holder's lease has run out: then somebody has to take its turn over. With
    `queue_too` also when turns wait, though none runs: then somebody has to admit the next."""
    running = session.running
    if running is not None:
        raise SessionBusy(
            "another turn holds the session",
            session_id=session.key.id,
            turn_id=running.turn_id,
            lease_expired=running.lease_until <= now,
        )
    if queue_too and session.queued:
        raise SessionBusy("other turns wait for the session", session_id=session.key.id, turn_id=None)


def check_version(session: Session, if_version: int | None) -> None:
    """Raises VersionConflict."""
    if if_version is not None and session.version != if_version:
        raise VersionConflict(
            "the session has changed since", session_id=session.key.id, version=session.version, if_match=if_version
        )


def holds(lease: Lease, head: Session) -> bool:
    """Whether the lease still gives the right to write."""
    return head.running is not None and (head.log, head.epoch) == (lease.log, lease.epoch)


def lease_of(head: Session, running: RunningTurn) -> Lease:
    return Lease(head.key, head.log, head.epoch, running.number, running.attempt)


def changed(head: Session, change: SessionChange) -> Session:
    """Applies the fields that were set; what holds several and is set to None is emptied."""
    fields: dict[str, Any] = {name: getattr(change, name) for name in change.model_fields_set}
    for name in ("metadata", "state", "checkpoints"):
        if name in fields and fields[name] is None:
            fields[name] = () if name == "checkpoints" else {}
    if "state" in fields:
        fields["state_moved"] = True
    return head.model_copy(update={**fields, "version": head.version + 1})


def rebased(
    head: Session, past: tuple[Segment, ...], message_count: int, state: Mapping[str, Any] | None = None
) -> Session:
    moved: dict[str, Any] = {} if state is None else {"state": dict(state), "state_moved": True}
    return head.model_copy(
        update={
            "past": past,
            "own_after": head.last.turn,
            "message_count": message_count,
            "version": head.version + 1,
            **moved,
        }
    )


def begun(head: Session, turn: NewTurn, now: int) -> tuple[Session, RunningTurn]:
    """The head after admission."""
    running = RunningTurn(**_asked(turn, head.turns + 1), attempt=1, started_at=now, lease_until=now + turn.lease_ms)
    return _admitted(head, running, now).model_copy(update={"turns": running.number}), running


def enqueued(head: Session, turn: NewTurn, now: int) -> tuple[Session, QueuedTurn]:
    """The head with one turn more that waits. (The one before it has the number before, whether it runs or waits.)"""
    before = head.turns if turn.undo else None
    waiting = QueuedTurn(**_asked(turn, head.turns + 1), queued_at=now, undo=before)
    update = {"turns": waiting.number, "queued": head.queued + 1, "version": head.version + 1}
    return head.model_copy(update=update), waiting


def promoted(head: Session, waiting: QueuedTurn, now: int, lease_ms: int) -> tuple[Session, RunningTurn]:
    """The head after admission of the turn that waited longest."""
    asked = waiting.model_dump(exclude={"queued_at", "undo", "message"})
    running = RunningTurn(**asked, message=waiting.message, attempt=1, started_at=now, lease_until=now + lease_ms)
    return _admitted(head, running, now).model_copy(update={"queued": head.queued - 1}), running


def _asked(turn: NewTurn, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "turn_id": new_turn_id(number, turn.nonce),
        "agent": turn.agent,
        "message": turn.message,
        "idempotency_key": turn.idempotency_key,
        "request_hash": turn.request_hash,
        "options": turn.options,
        "answer_schema": turn.answer_schema,
    }


def _admitted(head: Session, running: RunningTurn, now: int) -> Session:
    update = {"epoch": head.epoch + 1, "updated_at": now, "running": running, "version": head.version + 1}
    return head.model_copy(update=update)


def appended(head: Session, entry: Entry, running: RunningTurn | None) -> Session:
    """The head after a step; `running` is the turn with its prolonged lease, or None when the step was its last."""
    return head.model_copy(
        update={
            "last": entry.position,
            "message_count": entry.message_count,
            "usage": entry.usage_total,
            "running": running,
            "version": head.version + 1,
        }
    )


def stated(head: Session, entry: Entry) -> tuple[Session, Entry]:
    """A turn's last entry with what it has to say of the state, and the head that knows where the state is now."""
    if not head.state_moved:
        return head, entry if head.state_at is None else entry.model_copy(update={"state_at": head.state_at})
    update = {"state_at": entry.position, "state_moved": False}
    return head.model_copy(update=update), entry.model_copy(update={"state": head.state})


def inserted(head: Session, entry: Entry, now: int) -> tuple[Session, Entry]:
    """The head after messages were put in by hand, and their entry with its place, its turn's id and its sums: the
    caller may have computed them from an older head."""
    number, nonce = head.turns + 1, entry.turn_id.rpartition("_")[2]
    placed = entry.model_copy(
        update={
            "position": Position(number, 1),
            "turn_id": new_turn_id(number, nonce),
            "message_count": head.message_count + len(entry.messages),
            "usage_total": head.usage + entry.usage,
        }
    )
    head, placed = stated(head, placed)
    after = appended(head, placed, None).model_copy(update={"turns": number, "updated_at": now})
    return after, placed


def taken_over(head: Session, running: RunningTurn, lease_until: int) -> tuple[Session, RunningTurn]:
    """The head after a take-over of `running`."""
    attempt = running.attempt if running.released else running.attempt + 1
    again = running.model_copy(update={"attempt": attempt, "lease_until": lease_until, "released": False})
    return head.model_copy(update={"epoch": head.epoch + 1, "running": again, "version": head.version + 1}), again


def released(running: RunningTurn) -> RunningTurn:
    """The turn once its holder has given it out of hand."""
    return running.model_copy(update={"lease_until": 0, "released": True})
