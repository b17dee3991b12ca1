"""Where a process keeps its alarms: what the environment says, else beside the sessions."""

from pathlib import Path

import pytest

from sessionful import config, wiring
from sessionful.alarms.in_memory import InMemoryAlarmQueue
from sessionful.alarms.sqlite import SqliteAlarmQueue
from sessionful.settings import Settings

TWO_STORES = """
session_stores: {here: {backend: memory}, there: {backend: sql, sql: {driver: sqlite, database: s.db}}}
agents: {a: {session_store: here}, b: {session_store: there}}
"""


def test_without_a_word_they_are_in_a_file_beside_the_sessions() -> None:
    assert wiring.alarms_address(None, Settings()) == "data/sessions.alarms.db"
    for store in ("my/own.db", "sqlite:///my/own.db"):
        assert wiring.alarms_address(None, Settings(store=store)) == "my/own.alarms.db"


def test_those_of_other_stores_never_share_a_file() -> None:
    stores = ["postgresql://u:p@h/a", "postgresql://u:p@h/b", "dynamodb:t", "dynamodb:t?region=x"]
    chosen = [wiring.alarms_address(None, Settings(store=store)) for store in stores]
    chosen.append(wiring.alarms_address(config.parse(TWO_STORES, {}), Settings()))
    assert len(set(chosen)) == len(chosen)
    assert all(name.startswith("./data/") and name.endswith(".alarms.db") for name in chosen)
    assert not any(part in name for name in chosen for part in ("u:p", "dynamodb"))


def test_where_all_sessions_are_in_memory_so_are_they() -> None:
    assert wiring.alarms_address(None, Settings(store="memory")) == "memory"
    only_here = TWO_STORES.replace("session_store: there", "session_store: here")
    assert wiring.alarms_address(config.parse(only_here, {}), Settings()) == "memory"


@pytest.mark.parametrize("said", ["none", "other.db"])
def test_what_the_environment_says_counts_more(said: str) -> None:
    assert wiring.alarms_address(None, Settings(store="memory", alarms=said)) == said


async def test_each_address_has_its_queue(tmp_path: Path) -> None:
    assert wiring.open_alarms("none") is None
    assert isinstance(wiring.open_alarms("memory"), InMemoryAlarmQueue)
    opened = wiring.open_alarms(str(tmp_path / "new" / "alarms.db"))
    assert isinstance(opened, SqliteAlarmQueue)
    assert await opened.count() == 0
    await opened.close()
