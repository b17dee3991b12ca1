"""The service of a configuration, and what its agents share."""

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionful.core.agent import Agent
from sessionful.core.memory.notebook import Notebook
from sessionful.core.pace import Pace
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings, MemorySettings, WorkingMemory
from sessionful.domain.error import SessionExists, error_from
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession
from sessionful.ports import Alarm, Embedder, MemoryBank, Model, SessionLog, Tool, ToolContext
from sessionful.wiring.loading import load
from sessionful.wiring.models import default_embedder, make_embedder, make_model, model_of
from sessionful.wiring.stores import DEFAULT_STORE, make_log, open_bank

if TYPE_CHECKING:
    from sessionful.config import AgentConfig, Auth, Config
    from sessionful.settings import Settings
    from sessionful.surfaces.http.ownership import Owner

DEFAULT_AGENT = "assistant"
LEASE_MS = 15_000  # how long a session waits for a holder that died; a turn is renewed every third of it


class Deployed(NamedTuple):
    """A service on functions. All its agents keep their sessions in one `store` (a short name): those that the
    configuration names are the laptop's. Models are made when they are first asked."""

    store: str
    lingers: bool


def open_service(
    config: "Config | None", settings: "Settings", alarm: Alarm | None = None, deployed: Deployed | None = None
) -> Service:
    """The service of a configuration; without one, the agent `assistant` on the model and the store that the
    environment names (by default the local model and a SQLite file). `alarm` wakes workers; whoever gives it closes it.

    Raises ConfigError and what opening a store raises.
    """
    return _configured(config, settings, alarm, deployed) if config is not None else _default(settings, alarm)


def check_names(config: "Config") -> None:
    """Raises ConfigError for what a configuration names and nothing stands behind, without making anything else."""
    for agent in config.agents.values():
        load("sessionful.tools.catalog:check")(agent.tools, remembers=agent.memory.longterm is not None)


def open_owner(auth: "Auth | None") -> "Owner":
    """Whose a request is: with `auth` the one's whom its token names, without it everybody's. Raises ConfigError."""
    if auth is None:
        owner: Owner = load("sessionful.surfaces.http.ownership:local_owner")
        return owner
    owner = load("sessionful.auth.bearer:bearer_owner")(load("sessionful.auth:TokenVerifier")(**auth.model_dump()))
    return owner


def _pace(settings: "Settings", alarm: Alarm | None, lingers: bool = True) -> Pace:
    run_for = settings.run_for if alarm is not None else None  # nobody would hear that a turn was handed over
    return Pace(lease_ms=LEASE_MS, run_for=run_for, lingers=lingers)


def _default(settings: "Settings", alarm: Alarm | None) -> Service:
    model = model_of(settings.model)
    memory = MemorySettings(working=WorkingMemory(budget=3000))  # fits the local model's window with room to answer
    chosen = AgentSettings(memory=memory) if settings.model in (None, "local") else AgentSettings()
    store = settings.store or DEFAULT_STORE
    agent = Agent(DEFAULT_AGENT, model, make_log(store), chosen, bank=open_bank(store))
    return Service([agent], pace=_pace(settings, alarm), alarm=alarm)


def _configured(config: "Config", settings: "Settings", alarm: Alarm | None, deployed: Deployed | None) -> Service:
    config = config.with_options()
    house = _House(config, settings, deployed)
    service = Service(
        [house.agent(name) for name in config.agents],
        timeout=config.sessions.timeout,
        max_duration=config.sessions.max_duration,
        pace=_pace(settings, alarm, deployed is None or deployed.lingers),
        alarm=alarm,
    )
    house.service = service
    return service


class _House:
    """What the agents of one configuration share: each model and each store is made once."""

    service: Service

    def __init__(self, config: "Config", settings: "Settings", deployed: Deployed | None) -> None:
        self._config, self._settings, self._deployed = config, settings, deployed
        self._models: dict[Any, Model] = {}
        self._logs: dict[str, SessionLog] = {}
        self._banks: dict[str, MemoryBank] = {}
        self._embedders: dict[Any, Embedder | None] = {}

    def agent(self, name: str) -> Agent:
        agent = self._config.agents[name]
        bank, embedder = self._bank(agent), self._embedder(agent)
        tools = self._tools(agent, bank, embedder)
        return Agent(name, self._model(agent), self._log(agent), agent.settings(), tools, bank, embedder)

    def _model(self, agent: "AgentConfig") -> Model:
        llm = self._config.llm_of(agent)
        key = llm or self._settings.model  # the llm itself: its text hides the key that tells two apart
        if key not in self._models:

            def make() -> Model:
                return make_model(llm.type, llm.model, **llm.connection()) if llm else model_of(self._settings.model)

            name = (llm.model or llm.type) if llm else self._settings.model or "local"
            deferred = self._deployed is not None
            self._models[key] = load("sessionful.models.deferred:DeferredModel")(name, make) if deferred else make()
        return self._models[key]

    def _store(self, agent: "AgentConfig") -> str:
        if self._deployed is not None:
            return self._deployed.store
        store = self._config.store_of(agent)
        return store.address() if store is not None else self._settings.store or DEFAULT_STORE

    def _log(self, agent: "AgentConfig") -> SessionLog:
        name = self._store(agent)
        if name not in self._logs:
            self._logs[name] = make_log(name)
        return self._logs[name]

    def _bank(self, agent: "AgentConfig") -> MemoryBank | None:
        """For whoever sums up or remembers."""
        memory, name = agent.memory, self._store(agent)
        if memory.working.strategy != "summary_buffer" and memory.longterm is None:
            return None
        if name not in self._banks:
            self._banks[name] = open_bank(name)
        return self._banks[name]

    def _embedder(self, agent: "AgentConfig") -> Embedder | None:
        if agent.memory.longterm is None:
            return None
        chosen = self._config.embedder
        if chosen not in self._embedders:
            made = make_embedder(chosen.type, **chosen.connection()) if chosen is not None else default_embedder()
            self._embedders[chosen] = made
        return self._embedders[chosen]

    def _tools(self, agent: "AgentConfig", bank: MemoryBank | None, embedder: Embedder | None) -> list[Tool]:
        longterm, notebook = agent.memory.longterm, None
        if longterm is not None and bank is not None:
            notebook = Notebook(bank, embedder, longterm)
        tools: list[Tool] = load("sessionful.tools.catalog:build")(
            agent.tools, ask=self._ask, sub_agents=agent.sub_agents or None, notebook=notebook
        )
        return tools

    async def _ask(self, agent: str, task: str, context: ToolContext) -> str:
        """Another agent's answer, in a session of its own that says who asked."""
        asked_by = {"session_id": context.session_id, "turn_id": context.turn_id, "agent": context.agent}
        # Named after the call: one that is made again, because its process died, finds what it began.
        once = context.idempotency_key
        new = NewSession(
            session_id=f"sess_{hashlib.sha256(once.encode()).hexdigest()[:32]}",
            metadata={"asked_by": asked_by},
            work_dir=context.work_dir,
        )
        with contextlib.suppress(SessionExists):
            await self.service.create_session(context.owner, agent, new)
        handle = await self.service.start_turn(
            context.owner, agent, str(new.session_id), Message.user(task), idempotency_key=once, request_hash=once
        )
        record = await handle.result()
        if record.status != "completed":
            raise error_from(record.error or {"code": "internal_error", "message": "the turn failed"})
        return record.response
