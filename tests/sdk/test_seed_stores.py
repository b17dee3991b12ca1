"""The examples of the SDK's source document that keep sessions in stores."""

import json
from pathlib import Path
from typing import Any

import pytest

from sessionful import Agent, Session
from sessionful.stores import InMemoryStore, MemoryStore, SessionStore, SQLiteStore
from tests.sdk.openai_server import Server


@pytest.mark.parametrize("kind", ["memory", "in_memory", "sqlite"])
def test_a_store_saves_and_loads_documents(kind: str, agent: Agent, tmp_path: Path) -> None:
    makers = {
        "memory": MemoryStore,
        "in_memory": InMemoryStore,
        "sqlite": lambda: SQLiteStore(str(tmp_path / "sessions.db")),
    }
    store: SessionStore = makers[kind]()
    session = agent.session()
    session.run("My name is Alice")
    store.save(session.session_id, session.to_dict())

    data = store.load(session.session_id)
    assert data == session.to_dict()
    restored = Session.from_dict(data, agent)
    assert "Alice" in restored.run("Who am I?").text

    assert store.list_sessions() == [session.session_id]
    assert store.delete(session.session_id) is True
    assert store.delete(session.session_id) is False
    assert store.load(session.session_id) is None


class FakeRedis:
    """Speaks the four commands that the document's example uses."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}

    def set(self, key: str, value: str) -> None:
        self.data[key] = value

    def get(self, key: str) -> str | None:
        return self.data.get(key)

    def delete(self, key: str) -> int:
        return 0 if self.data.pop(key, None) is None else 1

    def keys(self, pattern: str) -> list[str]:
        return [key for key in self.data if key.startswith(pattern.rstrip("*"))]


class RedisStore(SessionStore):
    def __init__(self, redis_client: Any) -> None:
        self.redis = redis_client

    def save(self, session_id: str, data: dict[str, Any]) -> None:
        self.redis.set(f"session:{session_id}", json.dumps(data))

    def load(self, session_id: str) -> dict[str, Any] | None:
        data = self.redis.get(f"session:{session_id}")
        return json.loads(data) if data else None

    def delete(self, session_id: str) -> bool:
        return self.redis.delete(f"session:{session_id}") > 0

    def list_sessions(self) -> list[str]:
        keys = self.redis.keys("session:*")
        return [k.replace("session:", "") for k in keys]


def test_a_class_with_the_four_verbs_is_a_working_store(server: Server) -> None:
    redis = FakeRedis()
    Agent(provider="openai", model="gpt-4o", store=RedisStore(redis)).session("s1").run("My name is Alice")
    later = Agent(provider="openai", model="gpt-4o", store=RedisStore(redis))
    assert "Alice" in later.session("s1").run("Who am I?").text
    assert RedisStore(redis).list_sessions() == ["s1"]


def test_a_durable_store_keeps_a_session_without_being_asked(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with Agent(provider="openai", model="gpt-4o", store=SQLiteStore(path)) as first:
        first.session("s1").run("My name is Alice")
    with Agent(provider="openai", model="gpt-4o", store=SQLiteStore(path)) as later:
        assert "Alice" in later.session("s1").run("Who am I?").text
