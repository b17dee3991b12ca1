"""Sessions in this process's memory: nothing outlives it. The quickest store, and the yardstick for the others."""

import heapq
import threading
from collections.abc import Sequence

from sessionful.domain.clock import now_ms
from sessionful.domain.error import InvalidRequest
from sessionful.domain.session import Position, RunningTurn, Segment, Session, SessionChange, SessionKey, SessionPage
from sessionful.domain.turn import Admitted, Attached, Entry, Lease, NewTurn, Window
from sessionful.ports import Clock
from sessionful.stores import heads
from sessionful.stores.cursor import list_place, read_cursor, write_cursor
from sessionful.stores.detached import detached_message, detached_session
from sessionful.stores.lineage import START, forked, log_at, shared_logs, stretches, tip, turn_stretches
from sessionful.stores.shelf import Shelf


class _Record:
    """A session as it is kept: its head, what its idempotency keys were used for, the logs it holds on to."""

    def __init__(self, head: Session) -> None:
        self.head = head
        self.keys: dict[str, tuple[str | None, str]] = {}
        self.held = {head.log, *shared_logs(head)}


class InMemoryLog:
    """A SessionLog for one process. Safe for tasks, threads and several event loops: every method is one critical
    section without an await, so each is atomic."""

    def __init__(self, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[tuple[str, str], dict[str, _Record]] = {}
        self._shelf = Shelf()

    async def create(self, session: Session, entries: Sequence[Entry] = ()) -> Session:
        with self._lock:
            expired = self._room_for(session.key)
            self._shelf.put(session.log, entries)
            return self._enter(session, instead_of=expired)

    async def get(self, key: SessionKey) -> Session:
        with self._lock:
            return detached_session(self._live(key).head)

    async def find(self, owner: str, session_id: str, agents: Sequence[str]) -> list[Session]:
        with self._lock:
            now = self._clock()
            found = (self._records.get((owner, agent), {}).get(session_id) for agent in dict.fromkeys(agents))
            return [detached_session(one.head) for one in found if one is not None and not one.head.expired(now)]

    async def list_sessions(
        self, owner: str, agents: Sequence[str], limit: int, cursor: str | None = None
    ) -> SessionPage:
        behind = None if cursor is None else read_cursor(cursor)
        with self._lock:
            now = self._clock()
            records = (r for agent in set(agents) for r in self._records.get((owner, agent), {}).values())
            live = (r.head for r in records if not r.head.expired(now))
            rest = (head for head in live if behind is None or list_place(head) > behind)
            page = [detached_session(head) for head in heapq.nsmallest(limit + 1, rest, key=list_place)]
        more = len(page) > limit
        return SessionPage(page[:limit], write_cursor(list_place(page[limit - 1])) if more else None)

    async def change(self, key: SessionKey, change: SessionChange, if_version: int | None = None) -> Session:
        with self._lock:
            record = self._live(key)
            heads.check_version(record.head, if_version)
            return self._move(record, detached_session(heads.changed(record.head, change)))

    async def delete(self, key: SessionKey) -> None:
        with self._lock:
            self._erase(self._record(key))

    async def fork(self, source: SessionKey, at: Position | None, child: Session) -> Session:
        with self._lock:
            parent = self._live(source).head
            place = tip(parent) if at is None else at
            count, usage = parent.message_count, parent.usage
            if at is not None or place != START:
                log = log_at(parent, place)
                entry = None if log is None else self._shelf.at(log, place)
                if entry is None:
                    raise InvalidRequest("the session has no entry at this place", session_id=source.id, at=list(place))
                if place != tip(parent):
                    count, usage = entry.message_count, entry.usage_total
            expired = self._room_for(child.key)
            return self._enter(forked(parent, place, child, count, usage), instead_of=expired)

    async def rebase(self, key: SessionKey, past: Sequence[Segment], message_count: int) -> Session:
        with self._lock:
            record = self._live(key)
            heads.check_free(record.head, self._clock())
            # Logs once held stay held: a rewind may bring back what was hidden before.
            after = heads.rebased(record.head, tuple(past), message_count)
            record.held |= shared_logs(after)
            self._shelf.hold(after.log, record.held)
            return self._move(record, after)

    async def begin(self, key: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached:
        with self._lock:
            now = self._clock()
            record = self._live(key)
            used = None if turn.idempotency_key is None else record.keys.get(turn.idempotency_key)
            if used is not None:
                if used[0] != turn.request_hash:
                    raise heads.key_conflict(str(turn.idempotency_key))
                return Attached(detached_session(record.head), used[1])
            heads.check_open(record.head)
            heads.check_free(record.head, now)
            turn = turn.model_copy(update={"message": detached_message(turn.message)})
            head, running = heads.begun(record.head, turn, now)
            if turn.idempotency_key is not None:
                record.keys[turn.idempotency_key] = (turn.request_hash, running.turn_id)
            past = self._shelf.newest(stretches(head), window)
            return Admitted(heads.lease_of(head, running), self._move(record, head), past)

    async def append(self, lease: Lease, entry: Entry, lease_until: int) -> None:
        with self._lock:
            record, running = self._held_by(lease)
            self._shelf.put(lease.log, [entry])
            prolonged = running.model_copy(update={"lease_until": lease_until})
            record.head = heads.appended(record.head, entry, prolonged)

    async def settle(self, lease: Lease, entry: Entry) -> Session:
        with self._lock:
            record, _ = self._held_by(lease)
            self._shelf.put(lease.log, [entry])
            return self._move(record, heads.appended(record.head, entry, None))

    async def insert(self, key: SessionKey, entry: Entry) -> Session:
        with self._lock:
            now = self._clock()
            record = self._live(key)
            heads.check_free(record.head, now)
            head, placed = heads.inserted(record.head, entry, now)
            self._shelf.put(head.log, [placed])
            return self._move(record, head)

    async def renew(self, lease: Lease, lease_until: int) -> bool:
        with self._lock:
            record, running = self._held_by(lease)
            prolonged = running.model_copy(update={"lease_until": lease_until})
            record.head = record.head.model_copy(update={"running": prolonged})
            return running.cancel_asked

    async def take_over(self, key: SessionKey, lease_until: int) -> tuple[Lease, Session] | None:
        with self._lock:
            record = self._record(key)
            running = record.head.running
            if running is None or running.lease_until > self._clock():
                return None
            head, again = heads.taken_over(record.head, running, lease_until)
            return heads.lease_of(head, again), self._move(record, head)

    async def ask_cancel(self, key: SessionKey, turn: int) -> None:
        with self._lock:
            record = self._record(key)
            running = record.head.running
            if running is not None and running.number == turn:
                asked = running.model_copy(update={"cancel_asked": True})
                record.head = record.head.model_copy(update={"running": asked})

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
            used = self._record(key).keys.get(idempotency_key)
            return None if used is None else used[1]

    async def close(self) -> None:
        """Nothing to close; what is kept goes with the object."""

    def raw_count(self) -> int:
        """Everything that is physically kept: heads, keys, entries and holds on logs."""
        with self._lock:
            kept = [record for shelf in self._records.values() for record in shelf.values()]
            return len(kept) + sum(len(record.keys) for record in kept) + self._shelf.count()

    def _record(self, key: SessionKey) -> _Record:
        record = self._records.get((key.owner, key.agent), {}).get(key.id)
        if record is None:
            raise heads.not_found(key)
        return record

    def _live(self, key: SessionKey) -> _Record:
        record = self._record(key)
        heads.check_live(record.head, self._clock())
        return record

    def _held_by(self, lease: Lease) -> tuple[_Record, RunningTurn]:
        record = self._records.get((lease.key.owner, lease.key.agent), {}).get(lease.key.id)
        if record is None or record.head.running is None or not heads.holds(lease, record.head):
            raise heads.lease_lost(lease)
        return record, record.head.running

    def _room_for(self, key: SessionKey) -> _Record | None:
        """The expired holder of the key, if it has one. Raises SessionExists."""
        holder = self._records.get((key.owner, key.agent), {}).get(key.id)
        if holder is not None and not holder.head.expired(self._clock()):
            raise heads.already_exists(key)
        return holder

    def _enter(self, session: Session, instead_of: _Record | None) -> Session:
        if instead_of is not None:
            self._erase(instead_of)
        record = _Record(detached_session(session))
        self._shelf.hold(session.log, record.held)
        self._records.setdefault((session.key.owner, session.key.agent), {})[session.key.id] = record
        return detached_session(record.head)

    def _erase(self, record: _Record) -> None:
        key = record.head.key
        shelf = self._records[key.owner, key.agent]
        del shelf[key.id]
        if not shelf:
            del self._records[key.owner, key.agent]
        self._shelf.release(record.head.log, record.held)

    def _move(self, record: _Record, head: Session) -> Session:
        record.head = head
        return detached_session(head)
