"""The fence: a write of a turn finds its session only while the epoch is its lease's."""

from sqlalchemy import bindparam

from sessionful.domain.turn import Lease
from sessionful.stores.sql.rows import AnyRow, Columns, digest
from sessionful.stores.sql.schema import HEADS

HELD = (
    HEADS.c.session == bindparam("of_session"),
    HEADS.c.log == bindparam("of_log"),
    HEADS.c.epoch == bindparam("of_epoch"),
    HEADS.c.running_turn.is_not(None),
)
"""The condition of a write; `holder` gives its values."""


def holder(lease: Lease) -> Columns:
    return {"of_session": digest(*lease.key), "of_log": lease.log, "of_epoch": lease.epoch}


def holds(lease: Lease, row: AnyRow) -> bool:
    """Whether the lease still gives the right to write."""
    return row.running_turn is not None and (row.log, row.epoch) == (lease.log, lease.epoch)
