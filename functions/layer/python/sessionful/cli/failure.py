"""How a command fails: one line on stderr and an exit code."""

from typing import Any

from sessionful.domain.error import AgentError, AgentNotFound, ConfigError, InvalidRequest

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


class CommandFailed(Exception):
    """Something that only a command can tell: a turn that failed, a server that is not there."""

    def __init__(self, message: str, code: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.message, self.code, self.status = message, code, status

    @classmethod
    def turn(cls, error: dict[str, Any]) -> "CommandFailed":
        """From the error that a turn's record keeps."""
        return cls(str(error.get("message", "the turn failed")), str(error.get("code", "internal_error")))


def line(message: str, code: str) -> str:
    return f"error: {' '.join(message.split())} ({code})"


def status_of(error: AgentError | CommandFailed) -> int:
    """Asking for what cannot be asked is wrong usage; what then goes wrong is a failure."""
    if isinstance(error, CommandFailed):
        return error.status
    return WRONG_USAGE if isinstance(error, ConfigError | InvalidRequest | AgentNotFound) else FAILED
