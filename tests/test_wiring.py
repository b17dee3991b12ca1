from pathlib import Path

import pytest

from sessionful import config, wiring
from sessionful.domain.error import AgentError, ConfigError
from sessionful.domain.memory import Summary
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession, Position
from sessionful.ports import ToolContext
from sessionful.settings import Settings
from sessionful.stores.in_memory import InMemoryLog
from sessionful.stores.in_memory_bank import InMemoryBank

BLOCKS = [
    path
    for path in sorted((Path(__file__).parent / "config" / "blocks").glob("*.yaml"))
    if "agents:" in path.read_text()
]
HERE = Settings(model="scripted", store="memory")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda path: path.stem)
async def test_every_block_of_the_contract_makes_a_service_that_answers(
    block: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the blocks name ./data/sessions.db
    loaded = config.load(block)
    service = wiring.open_service(loaded, HERE)
    for name in loaded.agents:
        session = await service.create_session("me", name, NewSession())
        handle = await service.start_turn("me", name, session.key.id, Message.user("hi"))
        assert (await handle.result()).response == "You said: hi (1 messages in view)"
    await service.close()


async def test_without_a_file_there_is_one_agent_on_the_environments_model_and_store() -> None:
    service = wiring.open_service(None, HERE)
    assert [*service.agents] == ["assistant"]
    assert isinstance(service.agents["assistant"].log, InMemoryLog)
    assert service.agents["assistant"].model.name == "scripted"


async def test_agents_with_the_same_model_and_store_share_them() -> None:
    text = "agents: {a: {}, b: {}, c: {llm: {type: scripted, replies: [c]}}}"
    service = wiring.open_service(config.parse(text, {}), HERE)
    a, b, c = service.agents.values()
    assert a.model is b.model is not c.model
    assert a.log is b.log is c.log


async def test_models_that_differ_only_in_their_key_are_not_mixed_up() -> None:
    text = """
    agents:
      a: {llm: {type: openai, model: m, base_url: "http://127.0.0.1:9/v1", api_key: one}}
      b: {llm: {type: openai, model: m, base_url: "http://127.0.0.1:9/v1", api_key: two}}
    """
    service = wiring.open_service(config.parse(text, {}), HERE)
    a, b = service.agents.values()
    assert a.model is not b.model


async def test_an_llms_options_reach_the_request_and_the_agents_own_win() -> None:
    text = """
    llms: {main: {type: scripted, temperature: 0.1, max_tokens: 50}}
    agents: {a: {options: {temperature: 0.9}}}
    """
    service = wiring.open_service(config.parse(text, {}), HERE)
    session = await service.create_session("me", None, NewSession())
    await (await service.start_turn("me", None, session.key.id, Message.user("hi"))).result()
    assert service.agents["a"].model.requests[0].options == {"temperature": 0.9, "max_tokens": 50}


async def test_one_agent_asks_another_in_a_session_of_the_same_owner() -> None:
    text = """
    agents:
      front: {tools: [agent_call], sub_agents: [back], llm: {type: scripted}}
      back: {llm: {type: scripted, replies: [from the back]}}
    """
    service = wiring.open_service(config.parse(text, {}), HERE)
    tool = next(tool for tool in service.agents["front"].tools if tool.spec.name == "agent_call")
    context = ToolContext("s1", "t1", "c1", "front", "me", None, 1e12)
    assert await tool.call({"agent": "back", "task": "help"}, context) == "from the back"
    [asked] = (await service.list_sessions("me", "back")).sessions
    assert asked.metadata["asked_by"] == {"session_id": "s1", "turn_id": "t1", "agent": "front"}


def test_what_a_model_does_not_take_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown model type 'opnai'"):
        wiring.make_model("opnai")
    with pytest.raises(ConfigError, match="takes no 'region'"):
        wiring.make_model("openai", "gpt-4o", region="eu")
    with pytest.raises(ConfigError, match="needs the vendor's model id"):
        wiring.make_model("anthropic")
    with pytest.raises(ConfigError, match="there is no tool 'serch'; did you mean 'search'"):
        wiring.open_service(config.parse("agents: {a: {tools: [serch]}}", {}), HERE)


def test_names_are_checked_without_making_anything() -> None:
    wiring.check_names(config.parse("agents: {a: {tools: [search, agent_call], llm: {type: local}}}", {}))
    with pytest.raises(ConfigError, match="did you mean 'search'"):
        wiring.check_names(config.parse("agents: {a: {tools: [serch]}}", {}))


async def test_agents_that_sum_up_or_remember_have_a_bank_beside_their_sessions() -> None:
    text = """
    agents:
      sums_up: {}
      remembers: {memory: {working: {strategy: full}, longterm: {storage_scope: all}}}
      elsewhere: {session_store: other}
      neither: {memory: {working: {strategy: buffer_window}}}
    session_stores: {one: {backend: memory}, other: {backend: dynamodb, dynamodb: {region: eu-west-1}}}
    defaults: {session_store: one}
    embedders: {words: {type: scripted, dimensions: 8}}
    """
    service = wiring.open_service(config.parse(text, {}), HERE)
    sums_up, remembers, elsewhere, neither = service.agents.values()
    assert isinstance(sums_up.bank, InMemoryBank)
    assert remembers.bank is sums_up.bank is not elsewhere.bank
    assert neither.bank is None
    assert remembers.embedder is not None
    assert remembers.embedder.name == "scripted:8"
    assert (sums_up.embedder, elsewhere.embedder, neither.embedder) == (None, None, None)
    await service.close()


async def test_a_bank_is_where_the_sessions_are_and_opened_when_it_is_first_asked(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "sessions.db"
    bank = wiring.open_bank(str(file))
    assert not file.exists()
    summary = Summary(log="log", upto=Position(1, 1), text="they spoke", tokens=2, made_at=1, model="m")
    await bank.keep_summary("me", "a", summary)
    assert file.exists()
    await bank.close()
    again = wiring.open_bank(f"sqlite:///{file}")
    assert await again.summary("me", "a", "log") == summary
    await again.close()


async def test_what_opening_a_bank_raises_its_first_call_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    bank = wiring.open_bank(str(tmp_path / "file" / "sessions.db"))
    for _ in range(2):
        with pytest.raises(AgentError):
            await bank.summary("me", "a", "log")
    await bank.close()


def test_what_an_embedder_does_not_take_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown embedder type 'opnai'"):
        wiring.make_embedder("opnai")
    with pytest.raises(ConfigError, match="takes no 'region'"):
        wiring.make_embedder("local", region="eu")
    with pytest.raises(ConfigError, match="needs long-term memory"):
        wiring.check_names(config.parse("agents: {a: {tools: [remember]}}", {}))


async def test_an_agents_tools_and_its_turns_share_one_memory() -> None:
    text = """
    agents: {a: {tools: [remember], memory: {longterm: {storage_scope: conversational}}}}
    embedders: {words: {type: scripted}}
    """
    service = wiring.open_service(config.parse(text, {}), HERE)
    agent = service.agents["a"]
    tool = next(tool for tool in agent.tools if tool.spec.name == "remember")
    context = ToolContext("s1", "turn_1_x", "c1", "a", "me", None, 1e12)
    await tool.call({"fact": "Mia's bicycle is green."}, context)
    session = await service.create_session("me", None, NewSession())
    handle = await service.start_turn("me", None, session.key.id, Message.user("Which colour is Mia's bicycle?"))
    await handle.result()
    assert "Mia's bicycle is green." in agent.model.requests[0].messages[0].text
    assert (await service.messages("me", None, session.key.id))[0].text == "Which colour is Mia's bicycle?"
    await service.close()
