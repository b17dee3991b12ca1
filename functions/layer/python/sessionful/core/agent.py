"""An agent as it runs: a model, instructions, tools and settings under a name, the log of its sessions, and where what
outlives the window is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sessionful.core.toolbox import Toolbox
from sessionful.domain.agent import AgentSettings
from sessionful.ports import Embedder, MemoryBank, Model, SessionLog, Tool


@dataclass(frozen=True)
class Agent:
    """Without a `bank` nothing is summarised or remembered; without an `embedder` memories are found by words alone."""

    name: str
    model: Model
    log: SessionLog
    settings: AgentSettings = field(default_factory=AgentSettings)
    tools: Sequence[Tool] = ()
    bank: MemoryBank | None = None
    embedder: Embedder | None = None
    toolbox: Toolbox = field(init=False, repr=False)

    def __post_init__(self) -> None:
        limits = self.settings.limits
        box = Toolbox(self.tools, timeout=limits.tool_timeout, result_chars=limits.tool_result_chars)
        object.__setattr__(self, "toolbox", box)
