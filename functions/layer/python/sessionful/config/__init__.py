"""The YAML configuration: `load` a file or `parse` a text. What is wrong with it is told all at once."""

import os
from collections.abc import Mapping
from pathlib import Path

from sessionful.config.backends import (
    Auth,
    DynamoDBStore,
    Embedder,
    Llm,
    McpServer,
    SessionStore,
    SqlStore,
)
from sessionful.config.checking import check
from sessionful.config.document import Problem, read_document
from sessionful.config.schema import AgentConfig, Config, Defaults, Sessions, Skill
from sessionful.domain.error import ConfigError

__all__ = [
    "AgentConfig",
    "Auth",
    "Config",
    "Defaults",
    "DynamoDBStore",
    "Embedder",
    "Llm",
    "McpServer",
    "SessionStore",
    "Sessions",
    "Skill",
    "SqlStore",
    "load",
    "parse",
]


def load(path: str | Path, env: Mapping[str, str] | None = None) -> Config:
    """The configuration in a file; `${VAR}` is taken from `env`, by default the process's own environment.
    Raises ConfigError, also when the file cannot be read."""
    file = Path(path).expanduser()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", file=str(file)) from None
    except UnicodeDecodeError:
        raise ConfigError(f"cannot read {file}: it is not UTF-8", file=str(file)) from None
    return parse(text, os.environ if env is None else env, source=str(file))


def parse(text: str, env: Mapping[str, str], source: str = "the configuration") -> Config:
    """Raises one ConfigError with everything that is wrong: `details["errors"]` lists key, line, message and the
    nearest known name; `details["key"]`, `["line"]` and `["nearest"]` are those of the first. No value is repeated."""
    config, problems = check(read_document(text, env))
    if config is None or problems:
        raise _error(problems, source)
    return config


def _error(problems: list[Problem], source: str) -> ConfigError:
    count = "an error" if len(problems) == 1 else f"{len(problems)} errors"
    lines = [f"{source} has {count}:"]
    for problem in problems:
        where = f"line {problem.line}: " if problem.line else ""
        lines.append(f"  {where}{problem.key + ': ' if problem.key else ''}{problem.message}")
    errors = [
        {"key": problem.key, "line": problem.line, "message": problem.message, "nearest": problem.nearest}
        for problem in problems
    ]
    first = problems[0]
    return ConfigError("\n".join(lines), key=first.key, line=first.line, nearest=first.nearest, errors=errors)
