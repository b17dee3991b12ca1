"""`sessionful replay`: a stored session's loop is run again without any model, and compared with what is stored."""

import json
from typing import Any

from sessionful import wiring
from sessionful.cli.console import out
from sessionful.cli.failure import DONE, FAILED, WRONG_USAGE, CommandFailed
from sessionful.cli.foreground import Foreground
from sessionful.cli.target import OWNER, Target
from sessionful.core.rerun import Stage
from sessionful.core.verification import Difference, TurnCheck, verify
from sessionful.models.recorded import RecordedModel

_STAGE = Stage(log=lambda: wiring.make_log("memory"), model=RecordedModel)
_SHOWN = 200  # characters of a value that differs


def replay(where: Target, session_id: str, as_json: bool) -> int:
    """The exit code: 0 when every turn is as it should be, 1 when one is not."""
    if where.url is not None:
        raise CommandFailed("replay reads this machine's store, not a server's", "usage", WRONG_USAGE)
    with Foreground() as foreground:
        return foreground.run(_replay(where, session_id, as_json))


async def _replay(where: Target, session_id: str, as_json: bool) -> int:
    service = wiring.open_service(where.configuration(), where.settings)
    checks: list[TurnCheck] = []
    try:
        named = service.agent(where.agent).name if where.agent is not None else None
        session = await service.get_session(OWNER, named, session_id)
        async for check in verify(session, service.log_of(session.key.agent), _STAGE):
            checks.append(check)
            if not as_json:
                _tell(check)
    finally:
        await service.close()
    again, wrong = sum(check.kept_from is None for check in checks), sum(bool(check.differences) for check in checks)
    if as_json:
        facts = {"session_id": session_id, "turns": [_facts(check) for check in checks]}
        out(json.dumps({**facts, "run_again": again, "different": wrong}, ensure_ascii=False, indent=2))
    else:
        out(f"{_count(len(checks), 'turn')}: {again} run again, {len(checks) - again} only checked, {wrong} different")
    return FAILED if wrong else DONE


def _tell(check: TurnCheck) -> None:
    found = "the same" if check.kept_from is None else f"well-formed; not run again: {check.kept_from}"
    verdict = "DIFFERENT" if check.differences else found
    out(f"turn {check.turn:<4} {_count(check.steps, 'step'):<9} {check.status:<11} {verdict}")
    for difference in check.differences:
        out(f"  {_place(difference)}: stored {_short(difference.stored)}, now {_short(difference.again)}")


def _place(difference: Difference) -> str:
    return f"step {difference.step}, {difference.field}" if difference.step else difference.field


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _facts(check: TurnCheck) -> dict[str, Any]:
    return {**check._asdict(), "differences": [difference._asdict() for difference in check.differences]}
