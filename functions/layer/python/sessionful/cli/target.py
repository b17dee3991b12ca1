"""Where a command does its work: on this machine, with a configuration, or at a URL."""

import os
import shlex
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from sessionful.cli.console import program, say
from sessionful.cli.conversations import Conversations
from sessionful.cli.foreground import Foreground
from sessionful.domain.error import ConfigError
from sessionful.settings import Settings

if TYPE_CHECKING:
    from sessionful.config import Config

T = TypeVar("T")

OWNER = "local"
"""Whose the sessions on this machine are, also those that a server on it keeps for callers without a token."""


class Target(NamedTuple):
    """`settings` is what the environment says; the rest was typed, or stands in for what was not."""

    settings: Settings
    agent: str | None = None
    config: Path | None = None
    url: str | None = None
    token: str | None = None
    model: str | None = None

    @classmethod
    def of(cls, agent: str | None, config: Path | None, url: str | None, token: str | None, model: str | None) -> Self:
        settings = _settings(model)
        if url is None and config is None and model is None:
            url = settings.url
        if config is None and url is None and settings.config is not None:
            config = Path(settings.config)
        if token is None and settings.token is not None:
            token = settings.token.get_secret_value()
        return cls(settings, agent, config, url, token, model)

    @contextmanager
    def open(self, foreground: Foreground) -> Iterator[Conversations]:
        conversations = self._conversations()
        try:
            yield conversations
        finally:
            foreground.run(conversations.close())

    def run(self, work: Callable[[Conversations], Coroutine[Any, Any, T]]) -> T:
        """What a command does with the sessions, in the foreground."""
        with Foreground() as foreground, self.open(foreground) as conversations:
            return foreground.run(work(conversations))

    def configuration(self) -> "Config | None":
        """Raises ConfigError."""
        if self.config is None:
            return None
        from sessionful.config import load

        return load(self.config)

    def tell_warnings(self) -> None:
        """What the configuration asks for and does not get."""
        configuration = self.configuration()
        for warning in configuration.warnings() if configuration is not None else ():
            say(f"warning: {warning}")

    def resume_command(self, session_id: str) -> str:
        """What to type to go on. Without the token, which has no business on a screen."""
        options = {
            "--agent": self.agent,
            "--config": self.config,
            "--url": self.url,
            "--model": self.model,
            "--session": session_id,
        }
        given = (word for name, value in options.items() if value is not None for word in (name, str(value)))
        return f"{program()} {shlex.join(['chat', *given])}"

    def _conversations(self) -> Conversations:
        if self.url is not None:
            from sessionful.cli.remote import RemoteConversations
            from sessionful.cli.wire import Wire

            return RemoteConversations(Wire(self.url, self.token), self.agent)
        from sessionful import wiring
        from sessionful.cli.local import LocalConversations

        service = wiring.open_service(self.configuration(), self.settings)
        return LocalConversations(service, OWNER, self.agent)


def _settings(model: str | None) -> Settings:
    if model is None:
        return Settings.from_environment()
    try:
        return Settings.from_environment({**os.environ, "SESSIONFUL_MODEL": model})
    except ConfigError as error:
        raise ConfigError(error.message.replace("SESSIONFUL_MODEL", "--model"), **error.details) from None
