"""A conversation that outgrows the window: what it began with is still told to the model."""

from pathlib import Path

import pytest

from sessionful import Agent
from sessionful.domain.agent import AgentSettings, MemorySettings, WorkingMemory
from sessionful.models.scripted import ScriptedModel
from sessionful.ports import ModelRequest
from sessionful.stores import MemoryStore, SQLiteStore

SETTINGS = AgentSettings(memory=MemorySettings(working=WorkingMemory(budget=400)))


def answer(request: ModelRequest) -> str:
    if (request.system or "").startswith("You keep the summary"):
        return "The cat is called Ferdinand." if "Ferdinand" in request.messages[0].text else "They talked."
    return "I see, and I will keep that in mind for later on."


@pytest.mark.parametrize("store", [None, "memory", "file"])
def test_what_a_conversation_began_with_is_summed_up(store: str | None, tmp_path: Path) -> None:
    model = ScriptedModel([answer])
    kept = {None: None, "memory": MemoryStore(), "file": SQLiteStore(tmp_path / "sessions.db")}[store]
    with Agent(model=model, store=kept, settings=SETTINGS) as agent:
        session = agent.session("s1")
        session.run("My cat is called Ferdinand.")
        for number in range(25):
            session.run(f"Number {number}: the weather of that day was much like that of the day before.")
        assert len(session.messages) == 52
    told = [request for request in model.requests if not (request.system or "").startswith("You keep")]
    assert told[-1].messages[0].role == "system"
    assert "Ferdinand" in told[-1].messages[0].text
    assert len(told[-1].messages) < 30
