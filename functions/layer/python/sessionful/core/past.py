"""Between messages and the entries of a log: what is put in by hand, exported, and shown as a session's past."""

from collections.abc import Iterable, Sequence

from sessionful.domain.identity import new_turn_id, sortable_id
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession, Position, Session, SessionKey
from sessionful.domain.turn import Ending, Entry
from sessionful.domain.usage import Usage


def entries_from(messages: Sequence[Message], agent: str, now: int) -> list[Entry]:
    """A past to start from, as ended turns: each begins with a user's message (the first with whatever comes first)."""
    groups: list[list[Message]] = []
    for message in messages:
        if not groups or (message.role == "user" and groups[-1][-1].role != "user"):
            groups.append([])
        groups[-1].append(message)
    entries, count = list[Entry](), 0
    for number, group in enumerate(groups, start=1):
        count += len(group)
        entries.append(given_entry(Position(number, 1), group, agent, now, count))
    return entries


_SETTINGS = ("title", "system", "work_dir", "metadata", "state", "sharing", "timeout", "max_duration")


def fresh(key: SessionKey, now: int, like: NewSession | Session) -> Session:
    """The head of a session that nobody has spoken in, with the settings of `like` and a log of its own."""
    settings = {name: getattr(like, name) for name in _SETTINGS}
    moved = bool(settings["state"])  # no entry holds it yet
    return Session(key=key, log=sortable_id(now), created_at=now, updated_at=now, state_moved=moved, **settings)


def starting_from(session: Session, messages: Sequence[Message]) -> tuple[Session, list[Entry]]:
    """A new head with these messages as its past, and their entries. The state it starts with holds for all of them."""
    entries = entries_from(messages, session.key.agent, session.created_at)
    if not entries:
        return session, entries
    first, last = entries[0].position, entries[-1]
    counted = {"turns": last.position.turn, "last": last.position, "message_count": last.message_count}
    if not session.state:
        return session.model_copy(update=counted), entries
    stated = [entry.model_copy(update={"state_at": first}) for entry in entries[1:]]
    holding = entries[0].model_copy(update={"state": session.state})
    head = session.model_copy(update={**counted, "state_at": first, "state_moved": False})
    return head, [holding, *stated]


def given_entry(position: Position, messages: Sequence[Message], agent: str, now: int, count: int = 0) -> Entry:
    return Entry(
        position=position,
        turn_id=new_turn_id(position.turn, sortable_id(now)),
        agent=agent,
        at=now,
        started_at=now,
        given=tuple(messages),
        ending=Ending(status="completed", ended_at=now, steps=0, usage=Usage()),
        message_count=count,
    )


def spoken(entries: Iterable[Entry]) -> list[Message]:
    """The messages of a session as its SDK face shows them: a turn that failed leaves nothing but its whole steps."""
    return [
        message for entry in entries if not failed_before_told(entry) for message in entry.messages if message.parts
    ]


def failed_before_told(entry: Entry) -> bool:
    """True for the entry of a step that failed before it was whole (not for one that was cancelled), and for a message
    that was withdrawn before anybody answered it."""
    if entry.ending is not None and entry.ending.status == "cancelled":
        return entry.reply is None and entry.ending.steps == 0
    broke_off = entry.ending is not None and (entry.torn or (entry.reply is None and entry.ending.steps > 0))
    return broke_off and entry.ending is not None and entry.ending.status == "failed"
