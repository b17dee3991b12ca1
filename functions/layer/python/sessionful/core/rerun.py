"""Run a stored turn again: the real loop, with the stored replies for a model and the stored results for tools."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sessionful.core.agent import Agent
from sessionful.core.answer import Answer, correction
from sessionful.core.service import Service
from sessionful.core.toolbox import Toolbox
from sessionful.domain.agent import AgentSettings, Reasoning
from sessionful.domain.event import Told
from sessionful.domain.message import Message, ToolCall, ToolResult
from sessionful.domain.session import Session, SessionKey
from sessionful.domain.turn import Entry
from sessionful.ports import Model, SessionLog, ToolContext

_MOST_STEPS = 1000


class Stage(NamedTuple):
    """What a turn is run again on: a log that is empty and kept nowhere, and a model that plays a turn's replies."""

    log: Callable[[], SessionLog]
    model: Callable[[Sequence[Entry]], Model]


class Rerun(NamedTuple):
    entries: list[Entry]
    told: list[Told]


async def rerun(stage: Stage, head: Session, past: Sequence[Entry], turn: Sequence[Entry]) -> Rerun:
    """`head` has the sums of what came before the turn; `past` is the newest of that."""
    first = turn[0]
    key = SessionKey(head.key.owner, first.agent, head.key.id)
    log = stage.log()
    results = [entry.results for entry in turn if entry.results is not None]
    service = Service([_Replayed(first.agent, stage.model(turn), log, _settings(turn), results=results)])
    session = Session(
        key=key,
        log=head.log,
        created_at=first.started_at,
        updated_at=first.started_at,
        turns=first.position.turn - 1,
        last=past[-1].position if past else head.last,
        message_count=head.message_count,
        usage=head.usage,
    )
    try:
        await log.create(session, past)
        handle = await service.start_turn(key.owner, key.agent, key.id, first.given[0], answer=_answer(turn))
        told = [one async for one in handle.events()]
        await handle.result()
        return Rerun(await log.turn(await log.get(key), first.position.turn), told)
    finally:
        await service.close()


def _settings(turn: Sequence[Entry]) -> AgentSettings:
    """The bounds that the turn was held to, as far as it tells: the agent's may have changed since."""
    error = turn[-1].ending.error if turn[-1].ending else None
    held = error["details"].get("max_steps") if error is not None and error["code"] == "max_steps_exceeded" else None
    return AgentSettings(reasoning=Reasoning(max_steps=held or _MOST_STEPS))


@dataclass(frozen=True)
class _Replayed(Agent):
    results: Sequence[Message] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "toolbox", _RecordedToolbox(self.results))


class _RecordedToolbox(Toolbox):
    """Gives the results of one tool message after the other, in the order in which the tools were done then."""

    def __init__(self, results: Sequence[Message]) -> None:
        super().__init__((), timeout=0, result_chars=0)
        self._results = iter(results)

    def repeatable(self, call: ToolCall) -> bool:
        return True

    async def run(
        self, calls: Sequence[ToolCall], context_for: Callable[[ToolCall], ToolContext]
    ) -> AsyncGenerator[ToolResult, None]:
        stored = next(self._results, None)
        for result in stored.tool_results if stored is not None else ():
            yield result


def _answer(turn: Sequence[Entry]) -> Answer | None:
    """Of a turn whose answer had to fit a schema: the schema is not kept, but what was found of each answer is."""
    end = turn[-1].ending
    code = end.error["code"] if end is not None and end.error is not None else None
    typed = any(entry.given for entry in turn[1:]) or code == "schema_validation"
    if not typed and (end is None or end.output is None):
        return None
    problems = [_problem(after.given[0].text) for after in turn[1:] if after.given]
    if end is not None and end.error is not None and code == "schema_validation":
        problems.append(end.error["details"]["problem"])
    return _RecordedAnswer(problems, end.output if end is not None else None)


def _problem(told: str) -> str:
    before, after = correction("\n").split("\n")
    return told.removeprefix(before).removesuffix(after)


class _RecordedAnswer:
    schema: Mapping[str, Any] = {}

    def __init__(self, problems: Sequence[str], output: Any) -> None:
        self._problems, self._output = iter(problems), output

    def check(self, text: str) -> Any:
        problem = next(self._problems, None)
        if problem is not None:
            raise ValueError(problem)
        return self._output

    def parse(self, value: Any) -> Any:
        return value
