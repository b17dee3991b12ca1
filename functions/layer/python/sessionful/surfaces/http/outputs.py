"""What clients get: each resource in every spelling that its readers use."""

from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from sessionful.core.agent import Agent
from sessionful.core.history import HistoryMessage
from sessionful.domain.agent import Reasoning
from sessionful.domain.message import Part, Role
from sessionful.domain.session import SHARED_AGENT, Checkpoint, Position, Session
from sessionful.domain.turn import TurnStatus
from sessionful.domain.usage import Usage


def rfc3339(ms: int) -> str:
    """UTC, to the millisecond."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def place(at: Position) -> str:
    """As it is sent back: a turn and its step."""
    return f"{at.turn}.{at.step}"


class Resource(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)


class ParentResource(Resource):
    session_id: str
    at: str


class SessionResource(Resource):
    id: str
    session_id: str
    sessionId: str
    agent_id: str | None
    agentId: str | None
    created_at: str
    createdAt: str
    updated_at: str
    last_activity_at: str
    lastActivityAt: str
    title: str | None
    system: str | None
    state: dict[str, Any]
    metadata: dict[str, Any]
    work_dir: str | None
    sharing: bool
    status: Literal["idle", "busy", "input_required", "ended"]
    turn_id: str | None
    queued: int = Field(description="How many turns wait.")
    message_count: int
    usage: Usage
    parent: ParentResource | None
    timeout: float | None
    max_duration: float | None
    expires_at: str | None
    version: int

    @classmethod
    def of(cls, session: Session) -> Self:
        key, created, active = session.key, rfc3339(session.created_at), rfc3339(session.updated_at)
        agent = key.agent if key.agent != SHARED_AGENT else None
        parent = session.parent
        return cls(
            id=key.id,
            session_id=key.id,
            sessionId=key.id,
            agent_id=agent,
            agentId=agent,
            created_at=created,
            createdAt=created,
            updated_at=active,
            last_activity_at=active,
            lastActivityAt=active,
            title=session.title,
            system=session.system,
            state=session.state,
            metadata=session.metadata,
            work_dir=session.work_dir,
            sharing=session.sharing,
            status=session.status,
            turn_id=session.running.turn_id if session.running else None,
            queued=session.queued,
            message_count=session.message_count,
            usage=session.usage,
            parent=ParentResource(session_id=parent.session_id, at=place(parent.at)) if parent else None,
            timeout=session.timeout,
            max_duration=session.max_duration,
            expires_at=rfc3339(session.expires_at) if session.expires_at is not None else None,
            version=session.version,
        )


class SessionList(Resource):
    sessions: list[SessionResource]
    next_cursor: str | None


class CheckpointResource(Resource):
    """`at` is the step it stands behind (`0.0`: before the first)."""

    name: str
    at: str
    message_count: int
    state: dict[str, Any]
    created_at: str

    @classmethod
    def of(cls, point: Checkpoint) -> Self:
        return cls(
            name=point.name,
            at=place(point.at),
            message_count=point.message_count,
            state=point.state,
            created_at=rfc3339(point.made_at),
        )


class CheckpointList(Resource):
    """In the order they were made."""

    checkpoints: list[CheckpointResource]


class MessageResource(Resource):
    """`id` is a place: it can be sent as `before` or `after`. `status` is the turn's; `torn` marks a reply that broke
    off."""

    id: str
    role: Role
    parts: list[Part]
    text: str
    turn_id: str
    step: int
    agent: str | None
    created_at: str
    usage: Usage | None
    status: TurnStatus
    torn: bool

    @classmethod
    def of(cls, message: HistoryMessage) -> Self:
        return cls(
            id=message.id,
            role=message.role,
            parts=list(message.parts),
            text=message.text,
            turn_id=message.turn_id,
            step=message.step,
            agent=message.agent if message.agent != SHARED_AGENT else None,
            created_at=rfc3339(message.at),
            usage=message.usage,
            status=message.status,
            torn=message.torn,
        )


class MessageList(Resource):
    """Oldest first. `next_cursor` goes on in the direction that was asked for."""

    messages: list[MessageResource]
    next_cursor: str | None


class ToolResource(Resource):
    name: str
    description: str


class AgentResource(Resource):
    id: str
    name: str
    description: str
    model: str
    tools: list[ToolResource]
    reasoning: Reasoning = Field(description="What of its doing the agent shows.")

    @classmethod
    def of(cls, agent: Agent) -> Self:
        return cls(
            id=agent.name,
            name=agent.name,
            description=agent.settings.description,
            model=agent.model.name,
            tools=[ToolResource(name=tool.spec.name, description=tool.spec.description) for tool in agent.tools],
            reasoning=agent.settings.reasoning,
        )


class AgentList(Resource):
    agents: list[AgentResource]


class Health(Resource):
    status: Literal["ok"]
