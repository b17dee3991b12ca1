"""The one family of errors. Each class has a stable code; every surface keeps one table from code to its own status."""

from collections.abc import Mapping
from typing import Any, ClassVar


class AgentError(Exception):
    """Base of everything sessionful raises on purpose.

    `code` is stable and machine-readable, `message` is for a person, `details` is a JSON object that says
    which field was wrong and what would be right. Nothing secret goes into any of them.
    """

    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidRequest(AgentError):
    """The request does not say something that can be done."""

    code = "invalid_request"


class ConfigError(AgentError):
    """The configuration is wrong; `details` has `key`, `line` and, where one is near, `nearest`."""

    code = "invalid_config"


class Unauthenticated(AgentError):
    code = "unauthenticated"


class Forbidden(AgentError):
    code = "forbidden"


class AgentNotFound(AgentError):
    code = "agent_not_found"


class SessionNotFound(AgentError):
    code = "session_not_found"


class TurnNotFound(AgentError):
    code = "turn_not_found"


class SessionBusy(AgentError):
    """Another turn holds the session. `details` has `turn_id` and `lease_expired` (its holder is presumed dead)."""

    code = "session_busy"


class IdempotencyConflict(AgentError):
    """The idempotency key was used before with another body."""

    code = "idempotency_conflict"


class SessionExists(AgentError):
    code = "session_exists"


class CheckpointExists(AgentError):
    """The name is taken by another point of the session."""

    code = "checkpoint_exists"


class CheckpointNotFound(AgentError):
    code = "checkpoint_not_found"


class MemoryNotFound(AgentError):
    code = "memory_not_found"


class VersionConflict(AgentError):
    """`If-Match` named a version that is no longer the current one."""

    code = "version_conflict"


class SessionExpired(AgentError):
    code = "session_expired"


class SessionEnded(AgentError):
    """The session was ended: it can be read, not continued."""

    code = "session_ended"


class PayloadTooLarge(AgentError):
    code = "payload_too_large"


class RateLimited(AgentError):
    """A model or a store asks to come back later; `retry_after` is in seconds."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class ModelError(AgentError):
    """The model answered with an error, or with something that cannot be read."""

    code = "model_error"

    def __init__(self, message: str, status_code: int | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.status_code = status_code


class ModelUnavailable(ModelError):
    """The model cannot be reached or is not ready."""

    code = "model_unavailable"


class ModelAuthentication(ModelError):
    """The model's vendor refused the credentials."""


class SchemaValidationError(ModelError):
    """No answer fitted the schema, also after the model was asked again."""

    code = "schema_validation"


class StoreUnavailable(AgentError):
    """The store cannot be reached, or refuses after bounded retries; nothing was half-written."""

    code = "store_unavailable"


class ServerStopping(AgentError):
    """This process ends before it could do that; another one can."""

    code = "server_stopping"


class TurnTimeout(AgentError):
    code = "turn_timeout"


class TurnCancelled(AgentError):
    """Raised to a caller that waits for a turn somebody cancelled."""

    code = "turn_cancelled"


class TurnInterrupted(AgentError):
    """The process that ran the turn died; the turn was closed and the session goes on."""

    code = "turn_interrupted"


class MaxStepsExceeded(AgentError):
    """The model still asked for tools after `max_steps` steps."""

    code = "max_steps_exceeded"


class ToolError(AgentError):
    """Raised by a tool to tell the model, in its own words, what went wrong."""

    code = "tool_error"


class LeaseLost(AgentError):
    """Another writer took the session over: whoever sees this stops writing at once."""

    code = "lease_lost"


def error_from(record: Mapping[str, Any]) -> AgentError:
    """The exception for an error as a turn's record keeps it: `{code, message, details}`."""
    code, message = str(record.get("code")), str(record.get("message"))
    kinds = {kind.code: kind for kind in reversed(every_error()) if "code" in vars(kind)}
    error = kinds.get(code, AgentError)(message)
    error.details = dict(record.get("details") or {})  # as they are: they may hold a key `message` of their own
    return error


def every_error() -> list[type[AgentError]]:
    """All classes of the family, for the tests that walk them through each surface's table."""
    found: list[type[AgentError]] = []
    waiting: list[type[AgentError]] = [AgentError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found
