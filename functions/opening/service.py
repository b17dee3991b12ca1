"""What stands behind a door: the agents' configuration and the service, each made once in a process."""

import os
from functools import cache

from functions.opening.environment import Environment
from functions.opening.secrets import resolve
from sessionful.alarms.bell import AlarmQueue
from sessionful.config import Config, load
from sessionful.core.service import Service
from sessionful.domain.error import ConfigError
from sessionful.settings import Settings
from sessionful.wiring import Deployed, open_alarms
from sessionful.wiring import open_service as wired


@cache
def open_service(*, models: bool, lingers: bool) -> Service:
    """`models`: the door asks models, so it reads the secrets. `lingers`: the process goes on after a turn, and may
    begin those that wait behind it. Raises ConfigError, and StoreUnavailable."""
    environment = Environment.read()
    deployed = Deployed(store=environment.store, lingers=lingers)
    return wired(configuration(models=models), environment.settings, alarms(), deployed)


@cache
def alarms() -> AlarmQueue | None:
    """The queue that wakes the workers. Raises ConfigError."""
    return open_alarms(Environment.read().alarms)


@cache
def configuration(*, models: bool) -> Config:
    """The agents' YAML. Where no model is asked a secret's name stands for nothing. Raises ConfigError."""
    environment = Environment.read()
    wanted = environment.secrets
    secrets = resolve(wanted) if models else dict.fromkeys(wanted, "")
    config = load(environment.config, {**os.environ, **secrets})
    _check_models(config, environment.settings)
    return config


def _check_models(config: Config, settings: Settings) -> None:
    """The small local model is for a laptop: its weights would not fit beside a function, nor its speed."""
    for name, agent in config.agents.items():
        llm = config.llm_of(agent)
        kind = llm.type if llm is not None else (settings.model or "local").partition(":")[0]
        if kind == "local":
            key = f"agents.{name}.llm"
            raise ConfigError(f"{key}: a function cannot run the local model; name one of `llms`", key=key)
