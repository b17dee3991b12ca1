"""When a message finds its session taken: refuse it, queue it, or stop what runs to make room for it."""

from sessionful.core.state import state_at
from sessionful.domain.error import SessionBusy, VersionConflict
from sessionful.domain.lineage import cut
from sessionful.domain.session import Position, SessionKey
from sessionful.ports import SessionLog

_TRIES = 20


async def stop_before(log: SessionLog, key: SessionKey, number: int) -> None:
    """Leave word with every turn before this one: the running one stops, waiting ones never begin."""
    running = (await log.get(key)).running
    if running is not None and running.number < number:
        await log.ask_cancel(key, running.number)
    for waiting in await log.queued(key):
        if waiting.number < number:
            await log.ask_cancel(key, waiting.number)


async def undo(log: SessionLog, key: SessionKey, turn: int) -> None:
    """Hide an ended turn that is the last one visible, as if it had never been: messages and state are as before it.
    Nothing happens when it is hidden already. Nor when a turn began meanwhile: then somebody else has done it."""
    for _ in range(_TRIES):
        head = await log.get(key)
        if head.running is not None or not await log.turn(head, turn):
            return
        before = await log.read(head, 1, before=Position(turn, 1), newest_first=True)
        past = cut(head, before[0].position) if before else ()
        state = await state_at(log, head, before[0]) if before else None
        count = before[0].message_count if before else 0
        try:
            await log.rebase(key, past, count, state, if_version=head.version)
        except VersionConflict:  # it was changed meanwhile
            continue
        except SessionBusy:
            pass
        return
