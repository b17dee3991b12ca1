"""What is wrong is told with its key, its line and what would be right; all of it at once."""

from typing import Any

import pytest

from sessionful.config import parse
from sessionful.domain.error import ConfigError


def errors(text: str) -> list[dict[str, Any]]:
    with pytest.raises(ConfigError) as caught:
        parse(text, {})
    found: list[dict[str, Any]] = caught.value.details["errors"]
    return found


def only(text: str) -> dict[str, Any]:
    (error,) = errors(text)
    return error


@pytest.mark.parametrize(
    ("text", "key", "line", "nearest"),
    [
        ("agent:\n  a: {}", "agent", 1, "agents"),
        ("agents:\n  coder:\n    reasonning: {}", "agents.coder.reasonning", 3, "reasoning"),
        (
            "agents:\n  a:\n    memory:\n      working:\n        window: 3",
            "agents.a.memory.working.window",
            5,
            "window_size",
        ),
        ("agents:\n  a:\n    memory:\n      longterm: {scope: all}", "agents.a.memory.longterm.scope", 4, None),
        ("agents:\n  a:\n    options:\n      temprature: 1", "agents.a.options.temprature", 4, "temperature"),
        ("agents:\n  a:\n    llm: {type: local, api_kye: x}", "agents.a.llm.api_kye", 3, "api_key"),
        ("agents:\n  a:\n    skills:\n    - id: x\n      naem: y", "agents.a.skills[0].naem", 5, "name"),
        ("llms:\n  m: {type: local, modle: x}", "llms.m.modle", 2, "model"),
        (
            "session_stores:\n  s:\n    backend: sql\n    sql: {driver: sqlite, database: x, hots: y}",
            "session_stores.s.sql.hots",
            4,
            "host",
        ),
        ("sessions: {time_out: 30m}", "sessions.time_out", 1, "timeout"),
        ("mcp_servers: {m: {commandline: x}}", "mcp_servers.m.commandline", 1, "command"),
    ],
)
def test_an_unknown_key_is_named_with_its_line_and_the_nearest_known_one(
    text: str, key: str, line: int, nearest: str | None
) -> None:
    error = only(text)
    assert (error["key"], error["line"], error["nearest"]) == (key, line, nearest)
    assert "unknown key" in error["message"]
    assert ("did you mean" if nearest else "known are storage_scope") in error["message"]


@pytest.mark.parametrize(
    ("text", "key", "right"),
    [
        ("reasoning: {max_steps: many}", "reasoning.max_steps", "a whole number"),
        ("reasoning: {max_steps: 1.5}", "reasoning.max_steps", "a whole number"),
        ("reasoning: {max_steps: true}", "reasoning.max_steps", "a whole number"),
        ("reasoning: {max_steps: 0}", "reasoning.max_steps", "at least 1"),
        ("reasoning: {enable_streaming: maybe}", "reasoning.enable_streaming", "true or false"),
        ("reasoning: true", "reasoning", "a mapping"),
        ("reasoning: [a]", "reasoning", "a mapping"),
        ("instructions: 12", "instructions", "text; put it in quotes"),
        ("instructions: no", "instructions", "text; put it in quotes"),
        ("instructions: 2024-01-01", "instructions", "text; put it in quotes"),
        ("tools: search", "tools", "a list"),
        ("tools: [1]", "tools[0]", "text; put it in quotes"),
        ("concurrency: enqueu", "concurrency", "enqueue"),
        ("memory: {working: {strategy: sumary_buffer}}", "memory.working.strategy", "did you mean 'summary_buffer'?"),
        ("memory: {working: {threshold: 1.5}}", "memory.working.threshold", "at most 1"),
        ("memory: {working: {threshold: .nan}}", "memory.working.threshold", "a finite number"),
        ("memory: {working: {target: false}}", "memory.working.target", "a number"),
        ("limits: {turn_timeout: soon}", "limits.turn_timeout", "write 30m, 24h, 1h30m or a number of seconds"),
        ("limits: {turn_timeout: 0}", "limits.turn_timeout", "greater than 0"),
        ("limits: {turn_timeout: .inf}", "limits.turn_timeout", "a finite number"),
        ("options: {temperature: hot}", "options.temperature", "a number"),
        ("llm: [a]", "llm", "text; put it in quotes"),
        ("llm: {model: x}", "llm.type", "is missing"),
        ("llm: {type: openia, model: x}", "llm.type", "did you mean 'openai'?"),
        ("skills: [{name: x}]", "skills[0].id", "is missing"),
    ],
)
def test_a_wrong_value_is_told_with_what_would_be_right(text: str, key: str, right: str) -> None:
    error = only(f"agents:\n  a:\n    {text}")
    assert (error["key"], error["line"]) == (f"agents.a.{key}", 3)
    assert right in error["message"]


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("llms: {m: {type: openai}}", "llms.m", "needs `model`"),
        ("llms: {m: {type: local, api_key: x}}", "llms.m", "takes no 'api_key'"),
        ("llms: {m: {type: openai, model: x, replies: [a]}}", "llms.m", "takes no 'replies'"),
        ("llms: {m: {type: anthropic, model: x, region: y}}", "llms.m", "takes no 'region'"),
        ("embedders: {e: {type: local, model: x}}", "embedders.e", "takes no 'model'"),
        ("embedders: {e: {type: openai, region: x}}", "embedders.e", "takes no 'region'"),
        ("embedders: {e: {type: bedrock, api_key: x}}", "embedders.e", "takes no 'api_key'"),
        ("embedders: {e: {type: opena}}", "embedders.e.type", "did you mean 'openai'?"),
        ("embedders: {e: {type: local, dimensions: 0}}", "embedders.e.dimensions", "at least 1"),
        ("session_stores: {s: {backend: sql}}", "session_stores.s", "needs a block 'sql'"),
        ("session_stores: {s: {backend: memory, dynamodb: {}}}", "session_stores.s", "takes no block 'dynamodb'"),
        ("session_stores: {s: {}}", "session_stores.s.backend", "is missing"),
        (
            "session_stores: {s: {backend: sql, sql: {driver: sqlite, database: x, host: y}}}",
            "session_stores.s.sql",
            "takes no 'host'",
        ),
        (
            "session_stores: {s: {backend: sql, sql: {driver: mysql, database: x, user: a, username: b}}}",
            "session_stores.s.sql",
            "write one of them",
        ),
        (
            "session_stores: {s: {backend: sql, sql: {driver: mysql, database: x, ssl_mode: verify-full}}}",
            "session_stores.s.sql",
            "nothing would be verified",
        ),
        (
            "session_stores: {s: {backend: sql, sql: {driver: oracle, database: x}}}",
            "session_stores.s.sql.driver",
            "or",
        ),
    ],
)
def test_what_does_not_fit_together_is_told(text: str, key: str, hint: str) -> None:
    error = only(text)
    assert error["key"] == key
    assert hint in error["message"]


@pytest.mark.parametrize(
    ("text", "key", "line", "nearest"),
    [
        ("llms: {main: {type: local}}\nagents:\n  a:\n    llm: mian", "agents.a.llm", 4, "main"),
        ("agents:\n  a:\n    session_store: main-db", "agents.a.session_store", 3, None),
        ("agents:\n  writer: {}\n  a:\n    sub_agents:\n    - writter", "agents.a.sub_agents[0]", 5, "writer"),
        ("llms: {main: {type: local}}\ndefaults:\n  llm: maine", "defaults.llm", 3, "main"),
        ("defaults: {session_store: x}", "defaults.session_store", 1, None),
        ("defaults: {embedder: x}", "defaults.embedder", 1, None),
    ],
)
def test_a_name_that_refers_to_nothing_is_told_with_the_nearest(
    text: str, key: str, line: int, nearest: str | None
) -> None:
    error = only(text)
    assert (error["key"], error["line"], error["nearest"]) == (key, line, nearest)


@pytest.mark.parametrize("name", ["a b", "a/b", "*", "é", "x" * 65, "..", "''"])
def test_an_agents_name_has_to_fit_into_an_address(name: str) -> None:
    assert "an agent's name is 1 to 64" in only(f"agents:\n  {name if name != '*' else repr(name)}: {{}}")["message"]


def test_everything_wrong_is_told_at_once_in_the_order_of_the_lines() -> None:
    text = """
agents:
  coder:
    reasonning: {}
    llm: gtp
    limits: {turn_timeout: soon}
    instructions: ${NOT_SET}
    tools: [a]
    tools: [b]
llms:
  gpt: {type: openai}
sesions: {}
"""
    with pytest.raises(ConfigError) as caught:
        parse(text, {}, source="config.yaml")
    message = caught.value.message
    found = [(error["line"], error["key"]) for error in caught.value.details["errors"]]
    assert found == [
        (4, "agents.coder.reasonning"),
        (5, "agents.coder.llm"),
        (6, "agents.coder.limits.turn_timeout"),
        (7, "agents.coder.instructions"),
        (9, "agents.coder.tools"),
        (11, "llms.gpt"),
        (12, "sesions"),
    ]
    assert message.splitlines()[0] == "config.yaml has 7 errors:"
    assert message.splitlines()[1] == "  line 4: agents.coder.reasonning: unknown key; did you mean 'reasoning'?"
    assert len(message.splitlines()) == 8
    first = caught.value.details
    assert (first["key"], first["line"], first["nearest"]) == ("agents.coder.reasonning", 4, "reasoning")
