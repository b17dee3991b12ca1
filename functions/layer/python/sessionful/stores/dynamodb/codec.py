"""A session's head as an item.

Attribute names are short because every write of the head is billed by its whole size: with the user's message and the
newest groups in it, it should stay under 1 KB.

    k   key, JSON        g   log               c   created_at       u   updated_at      v   version      e   epoch
    n   turns            l   last              mc  message_count    us  usage           b   own_after    en  ended_at
    d   settings         w   nonce of its maker, or of the last who changed d           fk  how many hold on to its log
    q   queued           sa  state_at          sm  state_moved
    ti  idle timeout, ms                       ix  when that ends   hx  when max_duration ends
    ts  seconds from an activity to the day the item may be erased  ttl that day (see table.py)
    a, m  where and from when the index lists it                    mk  its newest mark there (see marks.py)
    and while a turn runs, besides what it was asked with (see asked.py)
    ra  attempt          rl  lease_until       rz  0 once released  ro  nonce of who took it last
    fe  epoch of the flusher                   fn  its last group   ft  newest groups   fc  chunks (see flushed.py)
    (it started at u: nothing else slides that meanwhile)

`d` is what turns never change (see settings.py).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sessionful.domain.session import Position, RunningTurn, Session, SessionKey
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.actions import Action, Attribute, Item, assignment, key, number, string, update
from sessionful.stores.dynamodb.asked import ASKED, NO_MESSAGE, YES, read_asked, write_asked
from sessionful.stores.dynamodb.entries import read_usage, write_json, write_usage
from sessionful.stores.dynamodb.flushed import FLUSHED, NOTHING, OF_THE_STEP, Flushed, read_flushed
from sessionful.stores.dynamodb.settings import read_settings, write_settings
from sessionful.stores.dynamodb.table import EXPIRY, GRACE_SECONDS, INDEX_PARTITION, INDEX_SORT

RUNNING = (*ASKED, "ra", "rl", "rz", "ro", *FLUSHED)

NEVER_MS = 10**15
NEVER_SECONDS = 10**11


@dataclass(frozen=True)
class Head:
    """A session with what the store knows of it besides.

    `mark` is the newest mark of its activity in the index, `shares` how many living logs hold on to this one, `where`
    the partition of every log of others that it has seen, `held` the one of them it holds on to itself. `settings` and
    `message` are those attributes as they are stored, for they may be pointers to pieces. `flushed` is what was flushed
    of the open step.
    """

    session: Session
    mark: int
    shares: int = 0
    where: Mapping[str, str] = field(default_factory=dict)
    held: str | None = None
    settings: Attribute | None = None
    message: Attribute | None = None
    flushed: Flushed = NOTHING

    @property
    def partition(self) -> str:
        return keys.partition(self.session.key)

    def home(self, log: str) -> str | None:
        """The partition of a log that the session sees."""
        return self.partition if log == self.session.log else self.where.get(log)


def new_item(head: Head, maker: str) -> Item:
    session = head.session
    return {
        **key(head.partition, keys.HEAD),
        **moving(head),
        "g": string(session.log),
        "k": string(write_json(list(session.key))),
        "c": number(session.created_at),
        "w": string(maker),
        INDEX_PARTITION: string(keys.listing(session.key.owner, session.key.agent)),
        INDEX_SORT: number(head.mark),
    }


def moving(head: Head) -> Item:
    """The attributes that can change during a session's life, but for `fk` and what is flushed."""
    session = head.session
    item: dict[str, Attribute | None] = {
        "u": number(session.updated_at),
        "v": number(session.version),
        "e": number(session.epoch),
        "n": number(session.turns),
        "l": string(write_place(session.last)),
        "mc": number(session.message_count),
        "us": string(",".join(map(str, write_usage(session.usage)))),
        "b": number(session.own_after) if session.own_after else None,
        "en": _optional(session.ended_at),
        "d": head.settings,
        "q": number(session.queued) if session.queued else None,
        "sa": None if session.state_at is None else string(write_place(session.state_at)),
        "sm": YES if session.state_moved else None,
        "mk": number(head.mark),
        **_limits(session),
        **(running(session.running, head.message) if session.running else {}),
    }
    return {name: value for name, value in item.items() if value is not None}


def move(
    before: Head,
    after: Head,
    always: Iterable[str] = (),
    also: Mapping[str, Attribute] | None = None,
    step: bool = False,
) -> Action:
    """The update that makes `before` into `after`, and is refused when somebody else has moved the head.

    `always` names attributes to set even when `before` says they are so already: what can change without a new version.
    `also` is set besides: a nonce to know this change by, where nothing else in it is its maker's own. With `step` what
    was flushed of the open step goes.
    """
    old, new = moving(before), moving(after)
    # Admission moves the limits by arithmetic in the table, so they may not be what `before` would say.
    loose = {"ix", EXPIRY}
    changes = {name: value for name, value in new.items() if name in {*loose, *always} or old.get(name) != value}
    changes |= also or {}
    gone = set(old) | loose | (set(OF_THE_STEP) if step else set())
    if before.session.running is not None and after.session.running is None:
        gone |= set(RUNNING)
    expression, values = assignment(changes, sorted(gone - set(new)))
    values |= {"was": number(before.session.version), "log": string(before.session.log)}
    return update(key(after.partition, keys.HEAD), expression, "#v = :was AND #g = :log", values)


def running(turn: RunningTurn, message: Attribute | None) -> dict[str, Attribute | None]:
    return {
        **write_asked(turn, message),
        "ra": number(turn.attempt),
        "rl": number(turn.lease_until),
        "rz": number(0) if turn.released else None,
    }


def settings_text(head: Head) -> str:
    """What `d` says; empty when it says nothing."""
    return write_settings(head.session, head.where, head.held)


def read_head(item: Item, settings: str = "", message: str = NO_MESSAGE) -> Head:
    """`settings` and `message` are the texts of `d` and `rm`. Without them the head is right in all but what they say:
    enough to sort it, and to see whether it has expired."""
    said = read_settings(settings)
    created_at, updated_at = _int(item, "c"), _int(item, "u")
    fields: dict[str, Any] = {
        "timeout": _seconds(item, "ti"),
        "max_duration": _seconds(item, "hx", since=created_at),
        **said.fields,
    }
    session = Session(
        key=read_key(item),
        log=item["g"]["S"],
        created_at=created_at,
        updated_at=updated_at,
        ended_at=_int(item, "en") if "en" in item else None,
        version=_int(item, "v"),
        epoch=_int(item, "e"),
        turns=_int(item, "n"),
        last=read_place(item["l"]),
        message_count=_int(item, "mc"),
        usage=read_usage([int(count) for count in item["us"]["S"].split(",") if count]),
        own_after=_int(item, "b") if "b" in item else 0,
        running=read_running(item, message, updated_at) if "rt" in item else None,
        queued=_int(item, "q") if "q" in item else 0,
        state_at=read_place(item["sa"]) if "sa" in item else None,
        state_moved="sm" in item,
        **fields,
    )
    return Head(
        session,
        mark=_int(item, "mk"),
        shares=_int(item, "fk") if "fk" in item else 0,
        where=said.where,
        held=said.held,
        settings=item.get("d"),
        message=item.get("rm"),
        flushed=read_flushed(item),
    )


def read_running(item: Item, message: str, started_at: int) -> RunningTurn:
    return RunningTurn(
        **read_asked(item, message),
        attempt=_int(item, "ra"),
        started_at=started_at,
        lease_until=_int(item, "rl"),
        released="rz" in item,
    )


def write_place(place: Position) -> str:
    return f"{place.turn}.{place.step}"


def read_place(attribute: Attribute) -> Position:
    turn, step = attribute["S"].split(".")
    return Position(int(turn), int(step))


def read_key(item: Item) -> SessionKey:
    return SessionKey(*json.loads(item["k"]["S"]))


def _limits(session: Session) -> dict[str, Attribute | None]:
    idle, longest, end = session.timeout, session.max_duration, session.expires_at
    sliding = idle if idle is not None else longest
    return {
        "ti": _optional(None if idle is None else int(idle * 1000)),
        "ix": _optional(None if idle is None else session.updated_at + int(idle * 1000)),
        "hx": _optional(None if longest is None else session.created_at + int(longest * 1000)),
        "ts": _optional(None if sliding is None else int(sliding) + 1 + GRACE_SECONDS),
        EXPIRY: _optional(None if end is None else end // 1000 + 1 + GRACE_SECONDS),
    }


def _optional(value: int | None) -> Attribute | None:
    return None if value is None else number(value)


def _seconds(item: Item, name: str, since: int = 0) -> float | None:
    return (_int(item, name) - since) / 1000 if name in item else None


def _int(item: Item, name: str) -> int:
    return int(item[name]["N"])
