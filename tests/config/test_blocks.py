"""The blocks of the contract's example documents load as they are printed there."""

from pathlib import Path
from typing import Any

import pytest

from sessionful.config import AgentConfig, Config, load

BLOCKS = Path(__file__).parent / "blocks"


def block(name: str) -> Config:
    return load(BLOCKS / f"{name}.yaml", env={})


def agent(name: str) -> AgentConfig:
    (only,) = block(name).agents.values()
    return only


@pytest.mark.parametrize("path", sorted(BLOCKS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_block_loads_unmodified(path: Path) -> None:
    assert isinstance(load(path, env={}), Config)


def test_no_block_is_missing() -> None:
    assert len(list(BLOCKS.glob("*.yaml"))) == 19


@pytest.mark.parametrize("name", ["memory_summary_session", "memory_blank_line", "streaming_memory"])
def test_summary_buffer_with_a_budget_and_session_memory(name: str) -> None:
    memory = agent(name).memory
    assert (memory.working.strategy, memory.working.budget) == ("summary_buffer", 4000)
    assert (memory.working.threshold, memory.working.target) == (0.85, 0.7)
    assert memory.longterm is not None
    assert memory.longterm.storage_scope == "session"


@pytest.mark.parametrize("name", ["chatbot_window", "chatbot_memory"])
def test_a_window_of_twenty(name: str) -> None:
    working = agent(name).memory.working
    assert (working.strategy, working.window_size) == ("buffer_window", 20)


def test_an_agent_finds_the_store_it_names() -> None:
    config = block("stores_sqlite")
    store = config.store_of(config.agents["assistant"])
    assert store is not None
    assert store.address() == "sqlite:///./data/sessions.db"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("streaming_on", {"enable_streaming": True}),
        ("streaming_tools", {"show_tool_execution": True}),
        ("streaming_switches", {"show_tool_execution": True, "show_thinking": False, "show_debug_info": False}),
        ("coder_agent", {"show_tool_execution": True, "show_thinking": True}),
        ("debug_agent", {"show_debug_info": True, "enable_streaming": True}),
        ("debug_blank_reasoning", {"show_debug_info": False, "enable_streaming": True}),
    ],
)
def test_what_is_streamed_and_shown(name: str, expected: dict[str, Any]) -> None:
    reasoning = agent(name).reasoning.model_dump()
    assert {key: reasoning[key] for key in expected} == expected


def test_chunks_of_ten_characters() -> None:
    streaming = agent("streaming_chunks").streaming
    assert (streaming.chunk_size, streaming.delay_ms, streaming.buffer_size) == (10, 50, 1024)


def test_tools_are_kept_in_their_order() -> None:
    assert agent("coder_memory").tools == ("write_file", "execute_command", "search")
    assert agent("support_memory").tools == agent("support_agent").tools == ("search", "agent_call")


@pytest.mark.parametrize("name", ["support_agent", "support_memory"])
def test_memory_across_sessions(name: str) -> None:
    longterm = agent(name).memory.longterm
    assert longterm is not None
    assert longterm.storage_scope == "conversational"


def test_expiry_in_minutes_and_hours() -> None:
    sessions = block("session_expiry").sessions
    assert (sessions.timeout, sessions.max_duration) == (1800, 86400)


def test_two_examples_in_one_block_are_read_as_one() -> None:
    config = block("scopes_good_and_bad")
    assert list(config.agents) == ["support", "risky"]
    assert any("agents.risky" in line and "every owner" in line for line in config.warnings())
    assert not any("agents.support" in line and "every owner" in line for line in config.warnings())
    assert block("streaming_good_and_bad").agents["slow"].reasoning.enable_streaming is False
