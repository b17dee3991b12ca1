"""Every example of the SDK's source document, as printed there: only the import's name is changed.

The model behind `provider="openai"` is a real HTTP server that can only answer from what the prompt shows it.
"""

import json
import uuid
from pathlib import Path

import pytest
from pydantic import BaseModel

from sessionful import Agent, Message, Session, tool
from sessionful.errors import AgentError
from tests.sdk.openai_server import Server
from tests.sdk.recalling import recalling


def test_a_conversation_of_several_turns_remembers(agent: Agent) -> None:
    session = agent.session()
    session.run("My name is Alice")
    session.run("I'm a software engineer")
    response = session.run("What do you know about me?")
    assert "Alice" in response.text
    assert "software engineer" in response.text


def test_a_session_keeps_the_id_it_is_given(agent: Agent) -> None:
    session = agent.session(session_id="user-123-conv-456")
    assert session.session_id == "user-123-conv-456"


def test_a_session_has_its_own_system_prompt(agent: Agent, server: Server) -> None:
    session = agent.session(system="You are a helpful coding assistant. Always provide code examples.")
    response = session.run("How do I read a file in Python?")
    assert "code examples" in response.text
    assert server.requests[0]["messages"][0]["role"] == "system"


def test_a_session_goes_on_from_the_history_it_is_given(agent: Agent) -> None:
    history = [
        Message.user("What's the capital of France?"),
        Message.assistant("The capital of France is Paris."),
    ]
    session = agent.session(messages=history)
    response = session.run("What about Germany?")
    assert "Paris" in response.text
    assert len(session.messages) == 4
    assert len(history) == 2


def test_options_of_run_reach_the_model(agent: Agent, server: Server) -> None:
    agent.session().run("Explain this concept", temperature=0.7, max_tokens=500)
    sent = server.requests[0]
    assert sent["temperature"] == 0.7
    assert 500 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))


def test_a_temperature_of_zero_is_not_lost(agent: Agent, server: Server) -> None:
    agent.session().run("Explain this concept", temperature=0)
    assert server.requests[0]["temperature"] == 0


async def test_run_async(agent: Agent) -> None:
    session = agent.session()
    response = await session.run_async("Explain async/await")
    assert response.text.startswith("I know")


def test_stream_tells_text_and_the_history_is_updated(agent: Agent) -> None:
    session = agent.session()
    told = ""
    for event in session.stream("Write a story about Alice"):
        if event.type == "text_delta":
            told += event.text
    assert told.strip() == "I know: Alice"
    assert [m.role for m in session.messages] == ["user", "assistant"]


async def test_stream_async_with_and_without_await(agent: Agent) -> None:
    session = agent.session()
    told = ""
    async for event in await session.stream_async("Write a poem about Paris"):
        if event.type == "text_delta":
            told += event.text
    async for event in session.stream_async("Write another"):
        if event.type == "text_delta":
            told += event.text
    assert told == "I know: Paris I know: Paris "


class Summary(BaseModel):
    key_points: list[str]
    conclusion: str


def test_json_gives_a_typed_answer(agent: Agent) -> None:
    session = agent.session()
    session.run("My name is Alice")
    response = session.json("Summarize our conversation", schema=Summary)
    assert response.output.key_points == ["one", "two"]


def test_messages_is_a_copy(agent: Agent) -> None:
    session = agent.session()
    session.run("My name is Alice")
    messages = session.messages
    assert len(messages) == 2
    assert next(f"[{msg.role}]: {msg.text[:50]}" for msg in messages) == "[user]: My name is Alice"
    messages.clear()
    assert len(session.messages) == 2


def test_clear_forgets(agent: Agent) -> None:
    session = agent.session(session_id="x", system="s")
    session.run("My name is Alice")
    session.clear()
    assert len(session.messages) == 0
    assert "Alice" not in session.run("Who am I?").text
    assert (session.session_id, session.system) == ("x", "s")


def test_messages_are_added_by_hand(agent: Agent) -> None:
    session = agent.session()
    session.add_message(Message.user("Custom user message"))
    session.add_message(Message.assistant("Custom assistant response from Osaka"))
    assert [m.role for m in session.messages] == ["user", "assistant"]
    assert "Osaka" in session.run("Where from?").text


def test_a_fork_goes_its_own_way(agent: Agent) -> None:
    session = agent.session()
    session.run("We're planning a trip to Japan")
    session.run("I want to visit Tokyo and Kyoto")
    alt_session = session.fork(session_id="alternative-plan")
    alt_session.run("Actually, let's focus on Osaka instead")

    response = session.run("What cities are we visiting?")
    assert "Tokyo" in response.text
    assert "Osaka" not in response.text

    response = alt_session.run("What cities are we visiting?")
    assert "Osaka" in response.text
    assert alt_session.session_id == "alternative-plan"


def test_a_session_is_saved_to_a_file_and_restored(agent: Agent, tmp_path: Path) -> None:
    session = agent.session(session_id="kept", system="Be brief.")
    session.run("My name is Alice")
    data = session.to_dict()
    path = tmp_path / "session.json"
    with open(path, "w") as f:
        json.dump(data, f)

    with open(path) as f:
        data = json.load(f)
    other = Agent(provider="openai", model="gpt-4o")
    restored = Session.from_dict(data, other)
    assert restored.session_id == "kept"
    assert "Alice" in restored.run("Where were we?").text
    assert restored.to_dict()["system"] == "Be brief."


@tool
def get_user_orders(user_id: str) -> str:
    """Get orders for a user."""
    return json.dumps(
        [
            {"id": "1", "item": "Laptop", "status": "shipped"},
            {"id": "2", "item": "Mouse", "status": "delivered"},
        ]
    )


def test_tools_are_called_and_remembered(server: Server) -> None:
    agent = Agent(provider="openai", model="gpt-4o", tools=[get_user_orders])
    session = agent.session(system="You are a customer service assistant.")
    first = session.run("I'm user-123, what are my recent orders?")
    assert first.tool_calls[0].arguments == {"user_id": "user-123"}
    assert first.steps == 2
    response = session.run("When will number 1 arrive?")
    assert "shipped" in response.text  # only the tool's result, kept in the history, has that word
    assert [m.role for m in session.messages] == ["user", "assistant", "tool", "assistant", "user", "assistant"]


def test_a_long_history_is_summarised_into_a_new_session(agent: Agent) -> None:
    session = agent.session()
    for number in range(11):
        session.run(f"message {number}")
    assert len(session.messages) > 20
    summary_response = session.json("Summarize our conversation so far in 3 bullet points", schema=Summary)
    new_session = agent.session(system=f"Previous conversation summary: {summary_response.output}")
    assert "Previous conversation summary" in (new_session.system or "")


def test_a_failed_turn_raises_and_leaves_nothing(server: Server) -> None:
    session = Agent(provider="openai", model="gpt-4o", max_retries=0).session()
    session.run("My name is Alice")
    server.brain = lambda messages, body: 1 / 0  # the connection breaks
    with pytest.raises(AgentError):
        session.run("fail")
    assert len(session.messages) == 2
    server.brain = recalling
    assert "Alice" in session.run("Who am I?").text


def test_session_ids_for_tracking(agent: Agent) -> None:
    def create_support_session(user_id: str) -> Session:
        session_id = f"{user_id}-{uuid.uuid4().hex[:8]}"
        return agent.session(session_id=session_id, system="You are a support agent.")

    assert create_support_session("u1").session_id.startswith("u1-")
