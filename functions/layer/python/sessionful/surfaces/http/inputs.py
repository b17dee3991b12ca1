"""What clients may send: one model a body, with the spellings that each of them uses."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from sessionful.domain.agent import Duration
from sessionful.surfaces.http.body import Body

_SESSION = {"sessionId": "session_id"}
_AGENT = {"agentId": "agent_id"}
_REQUEST = {"requestId": "request_id"}

RequestId = Annotated[str | None, Field(description="The same as the Idempotency-Key header.")]

MessageInput = Annotated[Any, WithJsonSchema({"anyOf": [{"type": kind} for kind in ("string", "object", "array")]})]
"""A text, a list of parts, or `{role, content}` with either; a part is one of ours or just `{"text": ...}`."""


class SessionInput(Body):
    """Every field is optional. `agent_id` belongs in the path where the path has an agent. Durations are seconds, or
    `30m`, `24h`."""

    spellings: ClassVar[Mapping[str, str]] = {**_SESSION, **_AGENT, **_REQUEST, "id": "session_id"}

    session_id: str | None = None
    agent_id: str | None = None
    title: str | None = None
    system: str | None = None
    work_dir: str | None = None
    metadata: dict[str, Any] | None = None
    state: dict[str, Any] | None = None
    messages: list[dict[str, Any]] | None = Field(default=None, description="A history to start from.")
    timeout: Duration | None = None
    max_duration: Duration | None = None
    sharing: bool | None = Field(default=None, description="Whether other agents may answer in it.")
    request_id: RequestId = None


class ImportNames(Body):
    """What stands in the body beside the document."""

    spellings: ClassVar[Mapping[str, str]] = {**_AGENT, **_REQUEST}

    agent_id: str | None = None
    request_id: RequestId = None


class SessionChangeInput(Body):
    """Only what is sent is changed; null clears."""

    title: str | None = None
    system: str | None = None
    work_dir: str | None = None
    metadata: dict[str, Any] | None = None
    state: dict[str, Any] | None = None
    timeout: Duration | None = None


class ForkInput(Body):
    spellings: ClassVar[Mapping[str, str]] = {**_SESSION, **_REQUEST, "id": "session_id"}

    session_id: str | None = Field(default=None, description="The new session's id.")
    at: str | int | None = Field(default=None, description="A turn (`12`, or its id) or a step (`12.3`).")
    request_id: RequestId = None


class CheckpointInput(Body):
    spellings: ClassVar[Mapping[str, str]] = _REQUEST

    name: str | None = Field(
        default=None, description="1 to 128 printable characters, and not what reads as a turn. Default: generated."
    )
    request_id: RequestId = None


class RewindInput(Body):
    spellings: ClassVar[Mapping[str, str]] = {"checkpoint": "to", "at": "to"}

    to: str | int = Field(description="A checkpoint's name, a turn (`12`, or its id) or a step (`12.3`).")


class MemoryInput(Body):
    spellings: ClassVar[Mapping[str, str]] = _REQUEST

    text: str = Field(description="One fact, in words that stand by themselves; at most 4000 characters.")
    request_id: RequestId = None


class MemoryChangeInput(Body):
    text: str = Field(description="What is right instead.")


class MessagePost(Body):
    spellings: ClassVar[Mapping[str, str]] = {**_SESSION, **_AGENT, **_REQUEST}

    message: MessageInput
    agent_id: str | None = Field(default=None, description="The agent that is to answer.")
    session_id: str | None = None
    request_id: RequestId = None


class TaskPart(Body):
    """`type` is a media type; `content` a text, `{"text": ...}`, any JSON value, or an image in base64."""

    type: str = "text/plain"
    content: Any


class TaskContext(BaseModel):
    """Only the session is used; clients may send more."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    sessionId: str | None = None
    session_id: str | None = None


class TaskPost(Body):
    spellings: ClassVar[Mapping[str, str]] = {**_AGENT, **_REQUEST, "task_id": "taskId"}

    taskId: str | None = Field(default=None, description="Names the task, and makes a repeated request harmless.")
    input: TaskPart
    parameters: dict[str, Any] | None = Field(default=None, description="Options for the model, such as temperature.")
    context: TaskContext | None = None
    agent_id: str | None = None
    request_id: RequestId = None
