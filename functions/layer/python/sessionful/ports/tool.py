"""Tools: what a model can call."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from sessionful.domain.memory import Source


class ToolSpec(NamedTuple):
    """What a model is told of a tool; `schema` is the JSON schema of its arguments, an object."""

    name: str
    description: str
    schema: Mapping[str, Any]


class ToolContext(NamedTuple):
    """What a tool may know of the call it serves. `work_dir` is the only folder it may touch; `deadline` is
    in seconds of `time.monotonic()`. `idempotency_key` is the same whenever this call is made again. `session_agent` is
    the agent in the session's key ("" means `agent`), `source` the call's place in the session's log."""

    session_id: str
    turn_id: str
    call_id: str
    agent: str
    owner: str
    work_dir: str | None
    deadline: float
    idempotency_key: str = ""
    session_agent: str = ""
    source: Source | None = None


class Tool(Protocol):
    """Something a model can call. Its answer is text; it raises ToolError to tell the model what went wrong. One with
    a true `idempotent` may be called again when it is not known whether it was done."""

    @property
    def spec(self) -> ToolSpec: ...

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str: ...
