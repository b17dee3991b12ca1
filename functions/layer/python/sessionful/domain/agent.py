"""An agent's settings, as the YAML spells them (`agents.*`), with their defaults."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from sessionful.domain.message import Value


def seconds(value: Any) -> Any:
    """`30m`, `24h`, `1h30m`, `45s`, `2d` or a number of seconds → seconds."""
    if isinstance(value, bool):
        raise ValueError("a duration is text like 30m, or a number of seconds")
    if not isinstance(value, str):
        return value
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    rest, total = value.strip(), 0.0
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789."))
        letters = len(rest[digits:]) - len(rest[digits:].lstrip("mshd"))
        number, unit, rest = rest[:digits], rest[digits : digits + letters], rest[digits + letters :]
        if not number or number.count(".") > 1 or (unit not in units and (unit or rest)):
            raise ValueError(f"{value!r} is not a duration; write 30m, 24h, 1h30m or a number of seconds")
        total += float(number) * units.get(unit, 1)
    return total


Duration = Annotated[float, BeforeValidator(seconds), Field(gt=0, allow_inf_nan=False)]


class Settings(Value):
    """Settings left empty in the YAML (`reasoning:` with nothing below it) mean the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reasoning(Settings):
    enable_streaming: bool = True
    show_tool_execution: bool = False
    show_thinking: bool = False
    show_debug_info: bool = False
    max_steps: int = Field(default=20, ge=1, le=1000)


class Streaming(Settings):
    """Re-chunking for the reader: `chunk_size` characters (none: as the model gives them), `delay_ms` between chunks,
    `buffer_size` characters held back for a slow reader."""

    chunk_size: int | None = Field(default=None, ge=1)
    delay_ms: int = Field(default=0, ge=0, le=10_000)
    buffer_size: int = Field(default=1024, ge=1)


class WorkingMemory(Settings):
    """`budget` is in tokens, `window_size` in messages; `threshold` and `target` are shares of the budget."""

    strategy: Literal["full", "buffer_window", "summary_buffer"] = "summary_buffer"
    budget: int = Field(default=8000, ge=1)
    threshold: float = Field(default=0.85, gt=0, le=1)
    target: float = Field(default=0.7, gt=0, le=1)
    window_size: int = Field(default=20, ge=1)


class LongTermMemory(Settings):
    storage_scope: Literal["session", "conversational", "all", "summaries_only"] = "session"
    auto_recall: bool = True
    recall_limit: int = Field(default=5, ge=1, le=100)
    similarity_threshold: float = Field(default=0.7, ge=0, le=1)
    batch_size: int = Field(default=1, ge=0)


class MemorySettings(Settings):
    working: WorkingMemory = WorkingMemory()
    longterm: LongTermMemory | None = None


class Limits(Settings):
    """Bounds of a turn: seconds for the turn and for one tool call, characters of one tool result, and how often a turn
    is tried whose process died."""

    turn_timeout: Duration = 600.0
    tool_timeout: Duration = 30.0
    tool_result_chars: int = Field(default=50_000, ge=100)
    max_attempts: int = Field(default=3, ge=1, le=100)


class AgentSettings(Settings):
    """What the core needs to know of an agent besides its model and its tools."""

    instructions: str | None = None
    description: str = ""
    reasoning: Reasoning = Reasoning()
    streaming: Streaming = Streaming()
    memory: MemorySettings = MemorySettings()
    limits: Limits = Limits()
    concurrency: Literal["reject", "enqueue", "interrupt", "rollback"] = "reject"
    sharing: bool = False
    options: dict[str, Any] = Field(default_factory=dict)
