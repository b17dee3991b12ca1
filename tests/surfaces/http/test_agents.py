"""The agents, as clients choose from them."""

from sessionful.core.service import Service
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import TOOLS, an_agent, client_of


async def test_agents_are_listed_in_their_order_with_model_and_tools() -> None:
    log = InMemoryLog()
    coder = an_agent(log, "coder", tools=TOOLS, description="Writes code.")
    async with client_of(create_app(Service([coder, an_agent(log, "assistant")], log))) as client:
        listed = (await client.get("/agents")).json()["agents"]
        assert [agent["name"] for agent in listed] == ["coder", "assistant"]
        known = {"id": "coder", "name": "coder", "description": "Writes code.", "model": "coder-model"}
        assert listed[0].items() >= known.items()
        assert listed[0]["tools"] == [
            {"name": "write_file", "description": "Says 'File created successfully.'."},
            {"name": "execute_command", "description": "Says 'Hello'."},
        ]
        assert listed[1]["tools"] == []
        assert (await client.get("/agents/coder")).json() == listed[0]
        missing = (await client.get("/agents/codr")).json()["error"]
        assert missing["code"] == "agent_not_found" and "'coder'" in missing["message"]
        assert (await client.get("/health")).json() == {"status": "ok"}
