"""The one place that chooses implementations: what stands behind a model's type, a store's name, a tool's name."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from sessionful.core.agent import Agent
from sessionful.core.pace import Pace
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings, MemorySettings, WorkingMemory
from sessionful.domain.error import ConfigError, SessionExists, error_from
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession
from sessionful.ports import Alarm, Model, SessionLog, Tool, ToolContext

if TYPE_CHECKING:
    from sessionful.alarms.bell import AlarmQueue
    from sessionful.config import AgentConfig, Auth, Config
    from sessionful.settings import Settings
    from sessionful.surfaces.http.ownership import Owner

DEFAULT_AGENT = "assistant"
DEFAULT_STORE = "./data/sessions.db"
LEASE_MS = 15_000  # how long a session waits for a holder that died; a turn is renewed every third of it

_NETWORK = frozenset({"model", "api_key", "base_url", "timeout", "max_retries"})
_MODELS: Mapping[str, tuple[str, frozenset[str]]] = {
    "openai": ("sessionful.models.openai:OpenAIModel", _NETWORK),
    "anthropic": ("sessionful.models.anthropic:AnthropicModel", _NETWORK),
    "bedrock": ("sessionful.models.bedrock:BedrockModel", frozenset({"model", "region", "timeout", "max_retries"})),
    "local": ("sessionful.models.local:LocalModel", frozenset({"path"})),
    "scripted": ("sessionful.models.scripted:ScriptedModel", frozenset({"replies", "delay"})),
}


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
        _load("sessionful.tools.catalog:build")(agent.tools, ask=_nobody)


def make_model(kind: str | None, model: str | None = None, **options: Any) -> Model:
    """A model by its type. Without a type the small local one. Raises ConfigError for what the type does not take."""
    kind = kind or "local"
    if kind not in _MODELS:
        nearest = get_close_matches(kind, _MODELS, n=1)
        raise ConfigError(f"unknown model type {kind!r}", key="type", known=[*_MODELS], nearest=nearest)
    path, takes = _MODELS[kind]
    given = {name: value for name, value in options.items() if value is not None}
    if "model" in takes:
        if model is None:
            raise ConfigError(f"a model of type {kind!r} needs the vendor's model id", key="model")
        given["model"] = model
    surplus = sorted(set(given) - takes)
    if surplus:
        raise ConfigError(f"a model of type {kind!r} takes no {surplus[0]!r}", key=surplus[0], known=sorted(takes))
    if kind == "openai" and "base_url" not in given and os.environ.get("OPENAI_BASE_URL"):
        given["base_url"] = os.environ["OPENAI_BASE_URL"]
    made: Model = _load(path)(**given)
    return made


def model_of(spec: str | None) -> Model:
    """A model by its short name: `openai:gpt-4o`, `anthropic:…`, `bedrock:…`, `local` (also for none) or `scripted`."""
    kind, _, model = (spec or "local").partition(":")
    return make_model(kind, model or None)


def make_log(store: str) -> SessionLog:
    """A store by its short name: `memory`, `dynamodb:TABLE` (with `?region=…&endpoint_url=…&bucket=…`), a database's
    URL, or the path of a SQLite file."""
    log: SessionLog
    if store == "memory":
        log = _load("sessionful.stores.in_memory:InMemoryLog")()
    elif store.startswith("dynamodb:"):
        table, _, query = store.removeprefix("dynamodb:").partition("?")
        log = _load("sessionful.stores.dynamodb:DynamoDBLog").open(table, **dict(parse_qsl(query)))
    else:
        log = _load("sessionful.stores.sql:SqlLog").open(store if "://" in store else f"sqlite:///{store}")
    return log


def addresses(config: "Config | None", settings: "Settings") -> list[str]:
    """Each store of the agents once, by its short name. A database's URL may hold a password."""
    stores = [config.store_of(agent) for agent in config.agents.values()] if config is not None else [None]
    default = settings.store or DEFAULT_STORE
    return [*dict.fromkeys(default if store is None else store.address() for store in stores)]


def alarms_address(config: "Config | None", settings: "Settings") -> str:
    """Where alarms are kept: `none`, the path of a SQLite file, `sqs:QUEUE_URL`, or `memory` where all sessions are:
    nobody else could look after those. By default each set of stores has a file of its own, beside its SQLite file
    where it is one: whoever hears an alarm must know the session."""
    stores = addresses(config, settings)
    if settings.alarms or stores == ["memory"]:
        return settings.alarms or "memory"
    file = stores[0].removeprefix("sqlite:///")
    if len(stores) == 1 and "://" not in file and not file.startswith("dynamodb:"):
        return str(Path(file).with_suffix(".alarms.db"))
    return f"./data/{hashlib.sha256(json.dumps(sorted(stores)).encode()).hexdigest()[:12]}.alarms.db"


def open_alarms(address: str) -> "AlarmQueue | None":
    """None for `none`. Raises ConfigError and StoreUnavailable."""
    alarms: AlarmQueue | None = None
    if address == "memory":
        alarms = _load("sessionful.alarms.in_memory:InMemoryAlarmQueue")()
    elif address.startswith("sqs:"):
        alarms = _load("sessionful.alarms.sqs:SqsAlarmQueue").open(address)
    elif address != "none":
        alarms = _load("sessionful.alarms.sqlite:SqliteAlarmQueue").open(address)
    return alarms


def open_owner(auth: "Auth | None") -> "Owner":
    """Whose a request is: with `auth` the one's whom its token names, without it everybody's. Raises ConfigError."""
    if auth is None:
        owner: Owner = _load("sessionful.surfaces.http.ownership:local_owner")
        return owner
    owner = _load("sessionful.auth.bearer:bearer_owner")(_load("sessionful.auth:TokenVerifier")(**auth.model_dump()))
    return owner


def _pace(settings: "Settings", alarm: Alarm | None, lingers: bool = True) -> Pace:
    run_for = settings.run_for if alarm is not None else None  # nobody would hear that a turn was handed over
    return Pace(lease_ms=LEASE_MS, run_for=run_for, lingers=lingers)


def _default(settings: "Settings", alarm: Alarm | None) -> Service:
    model = model_of(settings.model)
    memory = MemorySettings(working=WorkingMemory(budget=3000))  # fits the local model's window with room to answer
    chosen = AgentSettings(memory=memory) if settings.model in (None, "local") else AgentSettings()
    agent = Agent(DEFAULT_AGENT, model, make_log(settings.store or DEFAULT_STORE), chosen)
    return Service([agent], pace=_pace(settings, alarm), alarm=alarm)


async def _nobody(agent: str, task: str, context: ToolContext) -> str:
    raise ConfigError("there are no agents here", key="agents")


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

    def agent(self, name: str) -> Agent:
        agent = self._config.agents[name]
        return Agent(name, self._model(agent), self._log(agent), agent.settings(), self._tools(agent))

    def _model(self, agent: "AgentConfig") -> Model:
        llm = self._config.llm_of(agent)
        key = llm or self._settings.model  # the llm itself: its text hides the key that tells two apart
        if key not in self._models:

            def make() -> Model:
                return make_model(llm.type, llm.model, **llm.connection()) if llm else model_of(self._settings.model)

            name = (llm.model or llm.type) if llm else self._settings.model or "local"
            deferred = self._deployed is not None
            self._models[key] = _load("sessionful.models.deferred:DeferredModel")(name, make) if deferred else make()
        return self._models[key]

    def _log(self, agent: "AgentConfig") -> SessionLog:
        store = self._config.store_of(agent)
        name = store.address() if store is not None else self._settings.store or DEFAULT_STORE
        name = self._deployed.store if self._deployed is not None else name
        if name not in self._logs:
            self._logs[name] = make_log(name)
        return self._logs[name]

    def _tools(self, agent: "AgentConfig") -> list[Tool]:
        tools: list[Tool] = _load("sessionful.tools.catalog:build")(
            agent.tools, ask=self._ask, sub_agents=agent.sub_agents or None
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


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
