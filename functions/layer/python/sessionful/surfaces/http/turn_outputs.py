"""A turn as clients get it: the answer to a message, a task, and the record itself."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field

from sessionful.domain.message import Message
from sessionful.domain.turn import TurnRecord, TurnStatus
from sessionful.domain.usage import Usage
from sessionful.surfaces.http.outputs import Resource, rfc3339


class Spent(Resource):
    input_tokens: int
    output_tokens: int

    @classmethod
    def of(cls, usage: Usage) -> Self:
        return cls(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)


class ToolCallResource(Resource):
    """A call with its result, which is null as long as the tool runs."""

    id: str
    name: str
    arguments: dict[str, Any]
    result: str | None
    is_error: bool


def tool_calls(record: TurnRecord) -> list[ToolCallResource]:
    results = {result.call_id: result for result in record.tool_results}
    return [
        ToolCallResource(
            id=call.id,
            name=call.name,
            arguments=call.arguments,
            result=results[call.id].content if call.id in results else None,
            is_error=call.id in results and results[call.id].is_error,
        )
        for call in record.tool_calls
    ]


class Reply(Resource):
    """The answer to `POST …/message`."""

    response: str
    tool_calls: list[ToolCallResource]
    usage: Spent
    steps: int
    turn_id: str
    session_id: str

    @classmethod
    def of(cls, record: TurnRecord) -> Self:
        return cls(
            response=record.response,
            tool_calls=tool_calls(record),
            usage=Spent.of(record.usage),
            steps=record.steps,
            turn_id=record.turn_id,
            session_id=record.session_id,
        )


class Answer(Resource):
    """The answer to `POST …/messages`."""

    session_id: str
    turn_id: str
    response: str
    tool_calls: list[ToolCallResource]
    usage: Usage
    steps: int
    agent: str

    @classmethod
    def of(cls, record: TurnRecord) -> Self:
        return cls(
            session_id=record.session_id,
            turn_id=record.turn_id,
            response=record.response,
            tool_calls=tool_calls(record),
            usage=record.usage,
            steps=record.steps,
            agent=record.agent,
        )


class TurnResource(Answer):
    status: TurnStatus
    message: Message
    error: dict[str, Any] | None
    output: Any
    started_at: str
    ended_at: str | None

    @classmethod
    def of(cls, record: TurnRecord) -> Self:
        return cls(
            **dict(Answer.of(record)),
            status=record.status,
            message=record.message,
            error=record.error,
            output=record.output,
            started_at=rfc3339(record.started_at),
            ended_at=rfc3339(record.ended_at) if record.ended_at is not None else None,
        )


class TurnList(Resource):
    """The turn that runs, and those that wait behind it, in order."""

    turns: list[TurnResource]


class StillRunning(Resource):
    """The turn goes on, or waits for others; `Location` is where its record is."""

    session_id: str
    turn_id: str
    status: Literal["running", "queued"] = "running"

    @classmethod
    def of(cls, record: TurnRecord) -> Self:
        status: Literal["running", "queued"] = "queued" if record.status == "queued" else "running"
        return cls(session_id=record.session_id, turn_id=record.turn_id, status=status)


class TaskOutput(Resource):
    type: str
    content: Any


TaskStatus = Literal["pending", "running", "completed", "failed", "cancelled"]
_TASK_STATUS: Mapping[TurnStatus, TaskStatus] = {
    "queued": "pending",
    "running": "running",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "interrupted": "failed",
}


class TaskResource(Resource):
    """A turn in the words of the older A2A form: one that is queued is pending, an interrupted one has failed."""

    taskId: str
    status: TaskStatus
    output: TaskOutput | None
    error: dict[str, Any] | None = Field(default=None, exclude_if=lambda error: error is None)
    metadata: dict[str, Any]
    startedAt: str
    endedAt: str | None

    @classmethod
    def of(cls, task_id: str, record: TurnRecord) -> Self:
        ended, spent = record.ended_at, record.usage
        typed = record.output is not None
        output = TaskOutput(
            type="application/json" if typed else "text/plain", content=record.output if typed else record.response
        )
        return cls(
            taskId=task_id,
            status=_TASK_STATUS[record.status],
            output=output if record.status == "completed" else None,
            error=record.error,
            metadata={
                "session_id": record.session_id,
                "turn_id": record.turn_id,
                "agent": record.agent,
                "steps": record.steps,
                "usage": Spent.of(spent).model_dump(),
                "tokens_used": spent.input_tokens + spent.output_tokens,
                "duration_ms": ended - record.started_at if ended is not None else None,
            },
            startedAt=rfc3339(record.started_at),
            endedAt=rfc3339(ended) if ended is not None else None,
        )
