"""Long-term memory in real turns: what one session says, another one's prompt has."""

from collections.abc import Sequence
from typing import Any

import pytest

from sessionful.core.memory.notebook import Notebook
from sessionful.domain.agent import LongTermMemory
from sessionful.domain.event import MemoryRecalled
from sessionful.domain.memory import Found, Scope
from sessionful.domain.message import Message
from sessionful.embedders.scripted import ScriptedEmbedder
from sessionful.models.scripted import Reply
from sessionful.ports import ModelRequest
from sessionful.stores.in_memory_bank import InMemoryBank
from sessionful.tools.remember import remember_tool
from tests.core.conversation import calling, told
from tests.core.memory.remembering import Remembering, fact, found

ROME = "The user lives in Rome"
LABEL = "Remembered from earlier"


def talking_and_listing(answer: Reply, *facts: dict[str, Any]) -> Reply:
    """One model for both: it answers, and lists these facts when it is asked for some."""
    return lambda request: found(*facts) if request.schema is not None else answer


def conversations(home: Remembering) -> list[ModelRequest]:
    return [request for request in home.model.requests if request.schema is None]


async def a_turn(home: Remembering, session_id: str, text: str) -> list[Any]:
    handle = await home.service.start_turn("ada", "guide", session_id, Message.user(text), create=True)
    events = [one.event for one in await told(handle)]
    await home.service.rest()
    return events


async def test_the_next_sessions_first_prompt_has_what_this_one_said_and_its_history_does_not() -> None:
    home = Remembering([talking_and_listing("Noted.", fact(ROME))], storage_scope="conversational")
    first = await a_turn(home, "one", "I live in Rome")
    events = await a_turn(home, "two", "In which town do I live, Rome?")
    assert not any(isinstance(event, MemoryRecalled) for event in first)
    assert [event.type for event in events[:3]] == ["turn_started", "memory_recalled", "message_start"]

    prompt = conversations(home)[-1].messages
    assert [message.role for message in prompt] == ["user"]
    assert LABEL in prompt[0].text
    assert ROME in prompt[0].text
    assert prompt[0].text.endswith("In which town do I live, Rome?")

    history = await home.service.messages("ada", "guide", "two")
    assert [message.text for message in history] == ["In which town do I live, Rome?", "Noted."]


async def test_what_was_recalled_changes_nothing_of_the_prompt_before_the_current_message() -> None:
    home = Remembering([talking_and_listing("Noted.")], storage_scope="conversational")
    await home.know(await home.session("other"), ROME)
    await a_turn(home, "s", "What is two plus two?")
    await a_turn(home, "s", "Do I live in Rome?")
    before, after = (request.messages for request in conversations(home))
    assert LABEL in after[-1].text
    assert list(after[: len(before)]) == list(before)


class _Broken(InMemoryBank):
    async def search(
        self, scope: Scope, vector: Sequence[float], model: str, words: Sequence[str], limit: int
    ) -> list[Found]:
        raise RuntimeError("a bug in the bank")


@pytest.mark.parametrize("bank", [InMemoryBank(), _Broken()])
async def test_a_memory_that_fails_harms_no_turn(bank: InMemoryBank) -> None:
    def reply(request: ModelRequest) -> Reply:
        return RuntimeError("the model broke") if request.schema is not None else "Noted."

    home = Remembering([reply], storage_scope="conversational", bank=bank)
    for _ in range(2):
        events = await a_turn(home, "s", "Do I live in Rome?")
        assert events[-1].type == "turn_completed"


async def test_what_a_tool_remembers_in_one_turn_the_next_one_finds() -> None:
    bank = InMemoryBank()
    book = Notebook(bank, ScriptedEmbedder(dimensions=256), LongTermMemory(storage_scope="conversational"))
    replies = iter([calling(("remember", {"fact": ROME})), "Noted.", "Rome it is."])
    home = Remembering(
        [lambda request: found() if request.schema is not None else next(replies)],
        storage_scope="conversational",
        bank=bank,
        tools=[remember_tool(book)],
    )
    await a_turn(home, "one", "Remember where I live: Rome")
    (kept,) = await home.kept(Scope("guide", "ada"))
    assert [(source.session_id, source.at) for source in kept.sources] == [("one", (1, 1))]
    events = await a_turn(home, "two", "Do I live in Rome?")
    assert any(isinstance(event, MemoryRecalled) for event in events)
