"""The whole configuration: what each key of the YAML may hold, and what it means together."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from sessionful.config.backends import Auth, Embedder, Llm, McpServer, SessionStore
from sessionful.domain.agent import AgentSettings, Duration, Settings

_POOL_KEYS = frozenset({"max_conns", "max_idle", "conn_max_lifetime"})


def _name_or_inline(value: Any) -> Literal["name", "inline"]:
    return "inline" if isinstance(value, dict | Llm) else "name"


class Skill(Settings):
    """What the agent's card says that it can do."""

    id: str
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


class Options(Settings):
    """What a request to a model may carry besides its messages."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: tuple[str, ...] | str | None = None
    seed: int | None = Field(default=None, ge=0)


class AgentConfig(AgentSettings):
    """An agent's settings and, by name, what it is put together from. No tool is on unless it is listed."""

    llm: (
        Annotated[Annotated[str, Tag("name")] | Annotated[Llm, Tag("inline")], Discriminator(_name_or_inline)] | None
    ) = None
    tools: tuple[str, ...] = ()
    sub_agents: tuple[str, ...] = ()
    session_store: str | None = None
    skills: tuple[Skill, ...] = ()

    def settings(self) -> AgentSettings:
        """What the core needs to know, without the names that wiring resolves."""
        return AgentSettings.model_construct(**{name: getattr(self, name) for name in AgentSettings.model_fields})


class Sessions(Settings):
    """Seconds. `timeout` slides with each message, `max_duration` does not."""

    timeout: Duration | None = None
    max_duration: Duration | None = None


class Defaults(Settings):
    llm: str | None = None
    session_store: str | None = None
    embedder: str | None = None


class Config(Settings):
    agents: dict[str, AgentConfig] = Field(default_factory=dict)
    llms: dict[str, Llm] = Field(default_factory=dict)
    embedders: dict[str, Embedder] = Field(default_factory=dict)
    session_stores: dict[str, SessionStore] = Field(default_factory=dict)
    sessions: Sessions = Sessions()
    defaults: Defaults = Defaults()
    auth: Auth | None = None
    mcp_servers: dict[str, McpServer] = Field(default_factory=dict)

    def llm_of(self, agent: AgentConfig) -> Llm | None:
        """The agent's own, else the default, else the only one there is, else None: whoever asks picks one."""
        chosen = agent.llm or self.defaults.llm or _only(self.llms)
        return self.llms[chosen] if isinstance(chosen, str) else chosen

    def store_of(self, agent: AgentConfig) -> SessionStore | None:
        """Where its sessions are kept; chosen in the same order."""
        chosen = agent.session_store or self.defaults.session_store or _only(self.session_stores)
        return None if chosen is None else self.session_stores[chosen]

    @property
    def embedder(self) -> Embedder | None:
        """The default, else the only one there is, else None."""
        chosen = self.defaults.embedder or _only(self.embedders)
        return None if chosen is None else self.embedders[chosen]

    def with_options(self) -> "Config":
        """The same, where each agent's `options` include those of its model; what the agent says itself counts more."""
        agents = {}
        for name, agent in self.agents.items():
            llm = self.llm_of(agent)
            options = {**(llm.options if llm is not None else {}), **agent.options}
            agents[name] = agent.model_copy(update={"options": options})
        return self.model_copy(update={"agents": agents})

    def warnings(self) -> list[str]:
        """What the configuration says and this version does not do, or does at a price; a line each."""
        told: list[str] = []
        for name, agent in self.agents.items():
            told.extend(f"agents.{name}.memory.{text}" for text in _memory_warnings(agent))
        for name, store in self.session_stores.items():
            ignored = _POOL_KEYS & store.sql.model_fields_set if store.sql is not None else ()
            told.extend(f"session_stores.{name}.sql.{key} has no effect in this version" for key in sorted(ignored))
        if len(self.embedders) > 1 and self.defaults.embedder is None:
            told.append("embedders: there are several and none is used; name one in defaults.embedder")
        if self.mcp_servers:
            told.append("mcp_servers is accepted but not active in this version")
        return told


def _only(entries: dict[str, Any]) -> str | None:
    return next(iter(entries)) if len(entries) == 1 else None


def _memory_warnings(agent: AgentConfig) -> list[str]:
    working, longterm = agent.memory.working, agent.memory.longterm
    told: list[str] = []
    if working.target > working.threshold:
        told.append(f"working: target ({working.target}) is above threshold ({working.threshold})")
    if longterm is not None and longterm.storage_scope == "all":
        told.append("longterm: storage_scope all: every owner's memories are shared with every other owner")
    return told
