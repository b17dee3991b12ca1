"""Sessions in memory: each with its head, its idempotency keys, its queue, and what its open step has flushed."""

from collections.abc import Collection, Iterable, Iterator

from sessionful.domain.lineage import shared_logs
from sessionful.domain.session import QueuedTurn, RunningTurn, Session, SessionKey
from sessionful.domain.turn import Group, Lease
from sessionful.ports import Clock
from sessionful.stores import heads
from sessionful.stores.detached import detached_session
from sessionful.stores.shelf import Shelf


class Record:
    """`held` are the logs it holds on to; `flushed` belongs to the lease with the epoch `flusher`, whose newest group
    has the number `group`."""

    def __init__(self, head: Session) -> None:
        self.head = head
        self.keys: dict[str, tuple[str | None, str]] = {}
        self.held = {head.log, *shared_logs(head)}
        self.queue: list[QueuedTurn] = []
        self.flushed: list[str] = []
        self.flusher = self.group = 0

    def move(self, head: Session) -> Session:
        self.head = head
        return detached_session(head)

    def use_key(self, turn: RunningTurn | QueuedTurn) -> None:
        if turn.idempotency_key is not None:
            self.keys[turn.idempotency_key] = (turn.request_hash, turn.turn_id)

    def flush(self, epoch: int, group: Group) -> None:
        if epoch != self.flusher:
            self.flusher, self.group, self.flushed = epoch, 0, []
        if group.number > self.group:
            self.group = group.number
            self.flushed.append(group.text)


class Records:
    """Not safe for threads by itself: its owner holds a lock."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf, self._clock = shelf, clock
        self._records: dict[tuple[str, str], dict[str, Record]] = {}

    def of(self, owner: str, agent: str) -> dict[str, Record]:
        return self._records.get((owner, agent), {})

    def listed(self, owner: str, agents: Iterable[str]) -> Iterator[Session]:
        """The live heads of the owner's sessions with these agents."""
        now = self._clock()
        records = (record for agent in set(agents) for record in self.of(owner, agent).values())
        return (record.head for record in records if not record.head.expired(now))

    def expired(self, agents: Collection[str], at: int) -> Iterator[Session]:
        """The heads of these agents' sessions, of all owners, that had expired by then."""
        shelves = (shelf for (_, agent), shelf in self._records.items() if agent in agents)
        return (record.head for shelf in shelves for record in shelf.values() if record.head.expired(at))

    def get(self, key: SessionKey, log: str | None = None) -> Record:
        """Raises SessionNotFound, also when another incarnation than that of `log` is there."""
        record = self.of(key.owner, key.agent).get(key.id)
        if record is None:
            raise heads.not_found(key)
        heads.check_log(record.head, log)
        return record

    def live(self, key: SessionKey) -> Record:
        """Raises SessionNotFound and SessionExpired."""
        record = self.get(key)
        heads.check_live(record.head, self._clock())
        return record

    def held_by(self, lease: Lease) -> tuple[Record, RunningTurn]:
        """Raises LeaseLost."""
        record = self.of(lease.key.owner, lease.key.agent).get(lease.key.id)
        if record is None or record.head.running is None or not heads.holds(lease, record.head):
            raise heads.lease_lost(lease)
        return record, record.head.running

    def room_for(self, key: SessionKey) -> Record | None:
        """The expired holder of the key, if it has one. Raises SessionExists."""
        holder = self.of(key.owner, key.agent).get(key.id)
        if holder is not None and not holder.head.expired(self._clock()):
            raise heads.already_exists(key)
        return holder

    def enter(self, session: Session, instead_of: Record | None) -> Session:
        if instead_of is not None:
            self.erase(instead_of)
        record = Record(detached_session(session))
        self._shelf.hold(session.log, record.held)
        self._records.setdefault((session.key.owner, session.key.agent), {})[session.key.id] = record
        return detached_session(record.head)

    def erase(self, record: Record) -> None:
        key = record.head.key
        shelf = self._records[key.owner, key.agent]
        del shelf[key.id]
        if not shelf:
            del self._records[key.owner, key.agent]
        self._shelf.release(record.head.log, record.held)

    def count(self) -> int:
        """Heads, keys, waiting turns and flushed groups."""
        kept = [record for shelf in self._records.values() for record in shelf.values()]
        return len(kept) + sum(len(record.keys) + len(record.queue) + len(record.flushed) for record in kept)
