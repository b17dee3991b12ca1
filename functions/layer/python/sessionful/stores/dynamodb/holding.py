"""The heads of the turns that this process runs, so that it can write them on without reading them again."""

from dataclasses import replace

from sessionful.domain.message import Message
from sessionful.domain.session import RunningTurn
from sessionful.domain.turn import Admitted, Entry, Lease
from sessionful.stores import heads
from sessionful.stores.detached import detached_session
from sessionful.stores.dynamodb.codec import Head
from sessionful.stores.dynamodb.recent import Recent

_MOST = 1000


class Held:
    """A guess that every write checks: the table refuses it when it is out of date."""

    def __init__(self) -> None:
        self._heads: Recent[tuple[str, int], Head] = Recent(_MOST)

    def admit(self, head: Head, running: RunningTurn, past: list[Entry]) -> Admitted:
        lease = heads.lease_of(head.session, running)
        self.keep(lease, head)
        return Admitted(lease, head.session, past)

    def keep(self, lease: Lease, head: Head) -> None:
        session = detached_session(head.session)  # its caller has the same JSON objects in hand
        if session.running is not None:
            # The message is in the table, and its attribute in the head: no need to keep it here as well.
            without = session.running.model_copy(update={"message": Message(role="user", parts=())})
            session = session.model_copy(update={"running": without})
        self.give_back(lease, replace(head, session=session))

    def get(self, lease: Lease) -> Head | None:
        return self._heads.get((lease.log, lease.epoch))

    def take(self, lease: Lease) -> Head | None:
        """What is kept, which then is not kept any more."""
        head = self.get(lease)
        self.drop(lease)
        return head

    def give_back(self, lease: Lease, head: Head) -> None:
        """Of a head that was taken, or read and told nobody."""
        self._heads.put((lease.log, lease.epoch), head)

    def drop(self, lease: Lease) -> None:
        self._heads.drop((lease.log, lease.epoch))
