"""`Agent`: a model with instructions and tools, and the sessions it opens."""

from collections.abc import Callable, Sequence
from typing import Any, Self

from sessionful.core import portal
from sessionful.core.agent import Agent as CoreAgent
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings
from sessionful.domain.error import ConfigError
from sessionful.domain.message import Message
from sessionful.ports import MemoryBank, Model, SessionLog, Tool
from sessionful.sdk.session import Session
from sessionful.stores.documents import DocumentLog
from sessionful.stores.four_verbs import AGENT, LogStore, SessionStore
from sessionful.stores.in_memory import InMemoryLog
from sessionful.tools.function import tool as as_tool
from sessionful.wiring import make_model, open_bank


class Agent:
    """An agent for use from Python.

    `provider` is openai, anthropic, bedrock, local or scripted, and `model` that vendor's model id; or `model` is a
    Model of your own (`sessionful.ports.Model`). Without both, the small local model answers. `tools` are functions
    (with or without `@tool`). `system` is the default system prompt. `store` keeps the sessions: one of
    `sessionful.stores`, or any class with the four verbs of `SessionStore`; without it they live in memory.
    `settings` holds everything else that the YAML can say of an agent. Raises ConfigError.
    """

    def __init__(
        self,
        provider: str | None = None,
        model: "str | Model | None" = None,
        *,
        tools: "Sequence[Tool | Callable[..., Any]]" = (),
        system: str | None = None,
        store: SessionStore | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
        settings: AgentSettings | None = None,
        **options: Any,
    ) -> None:
        unknown = set(options) - {"temperature", "max_tokens", "top_p", "seed", "stop"}
        if unknown:
            raise ConfigError(f"Agent has no argument {min(unknown)!r}", key=min(unknown))
        connection = {"api_key": api_key, "base_url": base_url, "timeout": timeout, "max_retries": max_retries}
        self.model: Model = (
            make_model(provider, model, **{k: v for k, v in connection.items() if v is not None})
            if model is None or isinstance(model, str)
            else model
        )
        chosen = settings or AgentSettings()
        chosen = chosen.model_copy(
            update={
                "instructions": system if system is not None else chosen.instructions,
                "options": {**chosen.options, **{k: v for k, v in options.items() if v is not None}},
            }
        )
        self.tools: Sequence[Tool] = [t if hasattr(t, "spec") else as_tool(t) for t in tools]  # type: ignore[misc]
        core = CoreAgent(AGENT, self.model, _log_of(store), chosen, self.tools, _bank_of(store))
        self.service = Service([core])

    @property
    def system(self) -> str | None:
        return self.service.agents[AGENT].settings.instructions

    def close(self) -> None:
        """Let go of files and connections. A turn that runs is settled as interrupted."""
        portal.run(self.service.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def session(
        self,
        session_id: str | None = None,
        system: str | None = None,
        messages: Sequence[Message] | None = None,
        work_dir: str | None = None,
    ) -> Session:
        """Open a conversation. An id that the store knows goes on where it was; a new one is made when first used.
        `messages` are a past to start from. Raises InvalidRequest for an id that is none."""
        return Session(self, session_id=session_id, system=system, messages=messages, work_dir=work_dir)


def _bank_of(store: SessionStore | None) -> MemoryBank | None:
    """None beside a store of the user's own: nobody could tell what it keeps from what it has forgotten."""
    if store is None:
        return open_bank("memory")
    return open_bank(store.address) if isinstance(store, LogStore) and store.address is not None else None


def _log_of(store: SessionStore | None) -> SessionLog:
    if store is None:
        return InMemoryLog()
    return store.log if isinstance(store, LogStore) else DocumentLog(store)
