"""A session's head as an item.

Attribute names are short because every write of the head is billed by its whole size: with the user's message in it, it
should stay under 1 KB.

    k   key, JSON        g   log               c   created_at       u   updated_at      v   version      e   epoch
    n   turns            l   last              mc  message_count    us  usage           b   own_after    en  ended_at
    d   settings         w   nonce of its maker, or of the last who changed d           fk  how many hold on to its log
    ti  idle timeout, ms                       ix  when that ends   hx  when max_duration ends
    ts  seconds from an activity to the day the item may be erased  ttl that day (see table.py)
    a, m  where and from when the index lists it                    mk  its newest mark there (see marks.py)
    and while a turn runs
    rt  number           rn  nonce             ra  attempt          rg  agent           rm  message      rl  lease_until
    rk  idempotency_key  rh  request_hash      rc  cancel_asked     ro  nonce of who took it over last
    (it started at u: nothing else slides that meanwhile)

`d` is the JSON of what turns never change: title, system, metadata, state, past and so on, and where the logs of
others lie that the session sees.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sessionful.domain.identity import new_turn_id
from sessionful.domain.session import Parent, Position, RunningTurn, Segment, Session, SessionKey
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.actions import Action, Attribute, Item, assignment, key, number, string, update
from sessionful.stores.dynamodb.entries import read_message, read_usage, write_json, write_usage
from sessionful.stores.dynamodb.table import EXPIRY, GRACE_SECONDS, INDEX_PARTITION, INDEX_SORT

RUNNING = ("rt", "rn", "ra", "rg", "rm", "rl", "rk", "rh", "rc", "ro")

NEVER_MS = 10**15
NEVER_SECONDS = 10**11

_NO_MESSAGE = '["user"]'


@dataclass(frozen=True)
class Head:
    """A session with what the store knows of it besides.

    `mark` is the newest mark of its activity in the index, `shares` how many living logs hold on to this one, `where`
    the partition of every log of others that it has seen, `held` the one of them it holds on to itself. `settings` and
    `message` are those attributes as they are stored, for they may be pointers to pieces.
    """

    session: Session
    mark: int
    shares: int = 0
    where: Mapping[str, str] = field(default_factory=dict)
    held: str | None = None
    settings: Attribute | None = None
    message: Attribute | None = None

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
    """The attributes that can change during a session's life, but for `fk`."""
    session = head.session
    item: dict[str, Attribute | None] = {
        "u": number(session.updated_at),
        "v": number(session.version),
        "e": number(session.epoch),
        "n": number(session.turns),
        "l": string(f"{session.last.turn}.{session.last.step}"),
        "mc": number(session.message_count),
        "us": string(",".join(map(str, write_usage(session.usage)))),
        "b": number(session.own_after) if session.own_after else None,
        "en": _optional(session.ended_at),
        "d": head.settings,
        "mk": number(head.mark),
        **_limits(session),
        **(running(session.running, head.message) if session.running else {}),
    }
    return {name: value for name, value in item.items() if value is not None}


def move(before: Head, after: Head, always: Iterable[str] = (), maker: str | None = None) -> Action:
    """The update that makes `before` into `after`, and is refused when somebody else has moved the head.

    `always` names attributes to set even when `before` says they are so already: what can change without a new version.
    `maker` is a nonce to know this change by, where nothing else in it is its maker's own.
    """
    old, new = moving(before), moving(after)
    # Admission moves the limits by arithmetic in the table, so they may not be what `before` would say.
    loose = {"ix", EXPIRY}
    changes = {name: value for name, value in new.items() if name in {*loose, *always} or old.get(name) != value}
    if maker is not None:
        changes["w"] = string(maker)
    freed = set(RUNNING) if before.session.running is not None and after.session.running is None else set()
    expression, values = assignment(changes, sorted((set(old) | loose | freed) - set(new)))
    values |= {"was": number(before.session.version), "log": string(before.session.log)}
    return update(key(after.partition, keys.HEAD), expression, "#v = :was AND #g = :log", values)


def running(turn: RunningTurn, message: Attribute | None) -> dict[str, Attribute | None]:
    return {
        "rt": number(turn.number),
        "rn": string(turn.turn_id.removeprefix(new_turn_id(turn.number, ""))),
        "ra": number(turn.attempt),
        "rg": string(turn.agent),
        "rm": message,
        "rl": number(turn.lease_until),
        "rk": None if turn.idempotency_key is None else string(turn.idempotency_key),
        "rh": None if turn.request_hash is None else string(turn.request_hash),
        "rc": {"BOOL": True} if turn.cancel_asked else None,
    }


def settings_text(head: Head) -> str:
    """What `d` says; empty when it says nothing."""
    session = head.session
    fields: dict[str, Any] = {
        "title": session.title,
        "system": session.system,
        "work_dir": session.work_dir,
        "metadata": session.metadata or None,
        "state": session.state or None,
        "sharing": session.sharing or None,
        "timeout": _odd(session.timeout),
        "max_duration": _odd(session.max_duration),
        "parent": None if session.parent is None else [session.parent.session_id, *session.parent.at],
        "past": [[segment.log, segment.after_turn, *segment.upto] for segment in session.past] or None,
        "where": dict(head.where) or None,
        "held": head.held,
    }
    kept = {name: value for name, value in fields.items() if value is not None}
    return write_json(kept) if kept else ""


def read_head(item: Item, settings: str = "", message: str = _NO_MESSAGE) -> Head:
    """`settings` and `message` are the texts of `d` and `rm`. Without them the head is right in all but what they say:
    enough to sort it, and to see whether it has expired."""
    said: dict[str, Any] = json.loads(settings) if settings else {}
    created_at, updated_at, parent = _int(item, "c"), _int(item, "u"), said.get("parent")
    session = Session(
        key=read_key(item),
        log=item["g"]["S"],
        created_at=created_at,
        updated_at=updated_at,
        title=said.get("title"),
        system=said.get("system"),
        work_dir=said.get("work_dir"),
        metadata=said.get("metadata", {}),
        state=said.get("state", {}),
        sharing=said.get("sharing", False),
        timeout=said["timeout"] if "timeout" in said else _seconds(item, "ti"),
        max_duration=said["max_duration"] if "max_duration" in said else _seconds(item, "hx", since=created_at),
        ended_at=_int(item, "en") if "en" in item else None,
        version=_int(item, "v"),
        epoch=_int(item, "e"),
        turns=_int(item, "n"),
        last=Position(*map(int, item["l"]["S"].split("."))),
        message_count=_int(item, "mc"),
        usage=read_usage([int(count) for count in item["us"]["S"].split(",") if count]),
        parent=Parent(session_id=parent[0], at=Position(*parent[1:])) if parent else None,
        past=tuple(
            Segment(log=log, after_turn=after, upto=Position(*upto)) for log, after, *upto in said.get("past", ())
        ),
        own_after=_int(item, "b") if "b" in item else 0,
        running=read_running(item, message, updated_at) if "rt" in item else None,
    )
    return Head(
        session,
        mark=_int(item, "mk"),
        shares=_int(item, "fk") if "fk" in item else 0,
        where=said.get("where", {}),
        held=said.get("held"),
        settings=item.get("d"),
        message=item.get("rm"),
    )


def read_running(item: Item, message: str, started_at: int) -> RunningTurn:
    turn = _int(item, "rt")
    return RunningTurn(
        number=turn,
        turn_id=new_turn_id(turn, item["rn"]["S"]),
        attempt=_int(item, "ra"),
        agent=item["rg"]["S"],
        message=read_message(json.loads(message)),
        started_at=started_at,
        lease_until=_int(item, "rl"),
        idempotency_key=item["rk"]["S"] if "rk" in item else None,
        request_hash=item["rh"]["S"] if "rh" in item else None,
        cancel_asked="rc" in item,
    )


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


def _odd(seconds: float | None) -> float | None:
    """A time that whole milliseconds do not tell."""
    return None if seconds is None or int(seconds * 1000) / 1000 == seconds else seconds


def _seconds(item: Item, name: str, since: int = 0) -> float | None:
    return (_int(item, name) - since) / 1000 if name in item else None


def _int(item: Item, name: str) -> int:
    return int(item[name]["N"])
