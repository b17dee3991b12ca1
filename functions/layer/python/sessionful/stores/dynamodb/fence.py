"""The condition of every write that a lease gives the right to: nobody has taken the turn over since."""

from sessionful.domain.turn import Lease
from sessionful.stores.dynamodb.actions import Item, number, string

HOLDING = "#g = :log AND #e = :epoch AND #rt = :turn"


def holding(lease: Lease) -> Item:
    """The values of HOLDING."""
    return {"log": string(lease.log), "epoch": number(lease.epoch), "turn": number(lease.turn)}


def holds(lease: Lease, item: Item) -> bool:
    """Whether HOLDING is so of this item."""
    return all(item.get(name) == value for name, value in zip(("g", "e", "rt"), holding(lease).values(), strict=True))
