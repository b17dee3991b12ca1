"""Sessions in this process's memory: nothing outlives it. The quickest store, and the yardstick for the others."""

import heapq
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from sessionful.domain.clock import now_ms
from sessionful.domain.error import InvalidRequest
from sessionful.domain.lineage import START, forked, log_at, shared_logs, stretches, tip, turn_stretches
from sessionful.domain.session import (
    Position,
    QueuedTurn,
    RunningTurn,
    Segment,
    Session,
    SessionChange,
    SessionKey,
    SessionPage,
)
from sessionful.domain.turn import Admitted, Attached, Entry, Group, Lease, NewTurn, Queued, Taken, Watched, Window
from sessionful.ports import Clock
from sessionful.stores import heads
from sessionful.stores.cursor import list_place, read_cursor, write_cursor
from sessionful.stores.detached import detached_session, detached_turn
from sessionful.stores.records import Record, Records
from sessionful.stores.shelf import Shelf


class InMemoryLog:
    """A SessionLog for one process. Safe for tasks, threads and several event loops: every method is one critical
    section without an await, so each is atomic."""

    def __init__(self, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._shelf = Shelf()
        self._records = Records(self._shelf, clock)

    async def create(self, session: Session, entries: Sequence[Entry] = ()) -> Session:
        with self._lock:
            expired = self._records.room_for(session.key)
            self._shelf.put(session.log, entries)
            return self._records.enter(session, instead_of=expired)

    async def get(self, key: SessionKey) -> Session:
        with self._lock:
            return detached_session(self._records.live(key).head)

    async def head(self, key: SessionKey) -> Session:
        with self._lock:
            return detached_session(self._records.get(key).head)

    async def find(self, owner: str, session_id: str, agents: Sequence[str]) -> list[Session]:
        with self._lock:
            now = self._clock()
            found = (self._records.of(owner, agent).get(session_id) for agent in dict.fromkeys(agents))
            return [detached_session(one.head) for one in found if one is not None and not one.head.expired(now)]

    async def list_sessions(
        self, owner: str, agents: Sequence[str], limit: int, cursor: str | None = None
    ) -> SessionPage:
        behind = None if cursor is None else read_cursor(cursor)
        with self._lock:
            rest = (one for one in self._records.listed(owner, agents) if behind is None or list_place(one) > behind)
            page = [detached_session(head) for head in heapq.nsmallest(limit + 1, rest, key=list_place)]
        more = len(page) > limit
        return SessionPage(page[:limit], write_cursor(list_place(page[limit - 1])) if more else None)

    async def change(self, key: SessionKey, change: SessionChange, if_version: int | None = None) -> Session:
        with self._lock:
            record = self._records.live(key)
            heads.check_version(record.head, if_version)
            return record.move(detached_session(heads.changed(record.head, change)))

    async def delete(self, key: SessionKey, log: str | None = None) -> None:
        with self._lock:
            self._records.erase(self._records.get(key, log))

    async def expired(self, agents: Sequence[str], at: int, limit: int) -> list[Session]:
        with self._lock:
            found = self._records.expired(agents, at)
            return [detached_session(head) for head in heapq.nsmallest(limit, found, key=heads.end_of)]

    async def fork(self, source: SessionKey, at: Position | None, child: Session) -> Session:
        with self._lock:
            parent = self._records.live(source).head
            place = tip(parent) if at is None else at
            count, usage = parent.message_count, parent.usage
            if at is not None or place != START:
                log = log_at(parent, place)
                entry = None if log is None else self._shelf.at(log, place)
                if entry is None:
                    raise InvalidRequest("the session has no entry at this place", session_id=source.id, at=list(place))
                if place != tip(parent):
                    count, usage = entry.message_count, entry.usage_total
            expired = self._records.room_for(child.key)
            return self._records.enter(forked(parent, place, child, count, usage), instead_of=expired)

    async def rebase(
        self,
        key: SessionKey,
        past: Sequence[Segment],
        message_count: int,
        state: Mapping[str, Any] | None = None,
        if_version: int | None = None,
    ) -> Session:
        with self._lock:
            record = self._records.live(key)
            heads.check_free(record.head, self._clock(), queue_too=False)
            heads.check_version(record.head, if_version)
            # Logs once held stay held: a rewind may bring back what was hidden before.
            after = detached_session(heads.rebased(record.head, tuple(past), message_count, state))
            record.held |= shared_logs(after)
            self._shelf.hold(after.log, record.held)
            return record.move(after)

    async def begin(self, key: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached | Queued:
        with self._lock:
            now = self._clock()
            record = self._records.live(key)
            used = None if turn.idempotency_key is None else record.keys.get(turn.idempotency_key)
            if used is not None:
                if used[0] != turn.request_hash:
                    raise heads.key_conflict(str(turn.idempotency_key))
                return Attached(detached_session(record.head), used[1])
            heads.check_open(record.head)
            turn = detached_turn(turn)
            if turn.wait and (record.head.running is not None or record.head.queued):
                head, waiting = heads.enqueued(record.head, turn, now)
                record.queue.append(waiting)
                record.use_key(waiting)
                return Queued(record.move(head), waiting.turn_id)
            heads.check_free(record.head, now)
            head, running = heads.begun(record.head, turn, now)
            record.use_key(running)
            return self._admitted(record, head, running, window)

    async def begin_next(self, key: SessionKey, lease_ms: int, window: Window) -> Admitted | None:
        with self._lock:
            record = self._records.live(key)
            if record.head.running is not None or not record.queue:
                return None
            head, running = heads.promoted(record.head, record.queue[0], self._clock(), lease_ms)
            del record.queue[0]
            return self._admitted(record, head, running, window)

    async def queued(self, key: SessionKey) -> list[QueuedTurn]:
        with self._lock:
            return [detached_turn(waiting) for waiting in self._records.live(key).queue]

    async def append(self, lease: Lease, entry: Entry, lease_until: int) -> None:
        with self._lock:
            record, running = self._records.held_by(lease)
            self._shelf.put(lease.log, [entry])
            record.flushed = []
            prolonged = running.model_copy(update={"lease_until": lease_until})
            record.head = heads.appended(record.head, entry, prolonged)

    async def settle(self, lease: Lease, entry: Entry) -> Session:
        with self._lock:
            record, _ = self._records.held_by(lease)
            head, stated = heads.stated(record.head, entry)
            self._shelf.put(lease.log, [stated])
            record.flushed = []
            return record.move(heads.appended(head, stated, None))

    async def insert(self, key: SessionKey, entry: Entry) -> Session:
        with self._lock:
            now = self._clock()
            record = self._records.live(key)
            heads.check_free(record.head, now)
            head, placed = heads.inserted(record.head, entry, now)
            self._shelf.put(head.log, [placed])
            return record.move(head)

    async def flush(self, lease: Lease, group: Group | None, lease_until: int) -> bool:
        with self._lock:
            record, running = self._records.held_by(lease)
            if group is not None:
                record.flush(lease.epoch, group)
            prolonged = running.model_copy(update={"lease_until": lease_until})
            record.head = record.head.model_copy(update={"running": prolonged})
            return running.cancel_asked

    async def peek(self, lease: Lease) -> bool:
        with self._lock:
            return self._records.held_by(lease)[1].cancel_asked

    async def release(self, lease: Lease) -> None:
        with self._lock:
            record, running = self._records.held_by(lease)
            record.head = record.head.model_copy(update={"running": heads.released(running)})

    async def take_over(self, key: SessionKey, lease_until: int) -> Taken | None:
        with self._lock:
            record = self._records.get(key)
            running = record.head.running
            if running is None or running.lease_until > self._clock():
                return None
            head, again = heads.taken_over(record.head, running, lease_until)
            return Taken(heads.lease_of(head, again), record.move(head), list(record.flushed))

    async def watch(self, key: SessionKey) -> Watched:
        with self._lock:
            record = self._records.live(key)
            return Watched(detached_session(record.head), list(record.flushed))

    async def ask_cancel(self, key: SessionKey, turn: int) -> None:
        with self._lock:
            record = self._records.get(key)
            running = record.head.running
            if running is not None and running.number == turn:
                asked = running.model_copy(update={"cancel_asked": True})
                record.head = record.head.model_copy(update={"running": asked})
            record.queue = [
                one.model_copy(update={"cancel_asked": True}) if one.number == turn else one for one in record.queue
            ]

    async def read(
        self,
        session: Session,
        limit: int,
        after: Position | None = None,
        before: Position | None = None,
        newest_first: bool = False,
    ) -> list[Entry]:
        with self._lock:
            return self._shelf.read(stretches(session, after, before), limit, newest_first)

    async def turn(self, session: Session, number: int) -> list[Entry]:
        with self._lock:
            return self._shelf.read(turn_stretches(session, number))

    async def turn_for(self, key: SessionKey, idempotency_key: str) -> str | None:
        with self._lock:
            used = self._records.get(key).keys.get(idempotency_key)
            return None if used is None else used[1]

    async def close(self) -> None:
        """Nothing to close; what is kept goes with the object."""

    def raw_count(self) -> int:
        """Everything that is physically kept."""
        with self._lock:
            return self._records.count() + self._shelf.count()

    def _admitted(self, record: Record, head: Session, running: RunningTurn, window: Window) -> Admitted:
        past = self._shelf.newest(stretches(head), window)
        return Admitted(heads.lease_of(head, running), record.move(head), past)
