"""An agent as it runs: a model, instructions, tools and settings under a name, and the log of its sessions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sessionful.core.toolbox import Toolbox
from sessionful.domain.agent import AgentSettings
from sessionful.ports import Model, SessionLog, Tool


@dataclass(frozen=True)
class Agent:
    name: str
    model: Model
    log: SessionLog
    settings: AgentSettings = field(default_factory=AgentSettings)
    tools: Sequence[Tool] = ()
    toolbox: Toolbox = field(init=False, repr=False)

    def __post_init__(self) -> None:
        limits = self.settings.limits
        box = Toolbox(self.tools, timeout=limits.tool_timeout, result_chars=limits.tool_result_chars)
        object.__setattr__(self, "toolbox", box)
