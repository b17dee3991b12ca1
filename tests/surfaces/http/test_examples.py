"""The documented commands, run as they are printed by the programs they name; only the address differs."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from sessionful.core.service import Service
from sessionful.domain.message import Message
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app
from tests.surfaces.frames import chunk_text, read, typed_text
from tests.surfaces.house import an_agent, serving

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are curl commands")

JQ = f"""#!{sys.executable}
import json, sys
print(json.load(sys.stdin)[sys.argv[2].removeprefix(".")])
"""


@pytest.fixture
def app() -> FastAPI:
    """An assistant that remembers, and an agent by the id that one of the examples uses."""

    def remembers(request: Any) -> str:
        said: list[Message] = list(request.messages)
        return " | ".join(message.text for message in said if message.role == "user")

    log = InMemoryLog()
    return create_app(Service([an_agent(log, "assistant", [remembers]), an_agent(log, "01ABC", [remembers])], log))


@pytest.fixture
def programs(tmp_path: Path) -> str:
    """PATH, with a `jq` that knows as much as the examples need where there is none."""
    if shutil.which("jq") is None:
        (tmp_path / "jq").write_text(JQ)
        (tmp_path / "jq").chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


async def run(app: FastAPI, programs: str, script: str, *, answers: int = 1) -> list[str]:
    """The last `answers` outputs of a script's commands, told apart by a line that curl writes behind each."""
    async with serving(app) as client:
        here = script.replace("localhost:8080", str(client.base_url)[7:]).replace(
            "localhost:2323", str(client.base_url)[7:]
        )
        shown = 'curl() { command curl --silent --show-error --noproxy "*" --write-out "\\n=%{http_code}=\\n" "$@"; }\n'
        quiet = here.replace("$(curl", "$(command curl --silent")
        shell = await asyncio.create_subprocess_exec(
            "bash",
            "-euc",
            shown + quiet,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PATH": programs},
        )
        out, err = await asyncio.wait_for(shell.communicate(), 20)
    assert shell.returncode == 0 and not err, err.decode()
    return out.decode().split("=\n")[:-1][-answers:]


def answer(output: str, status: int = 200) -> Any:
    body, _, code = output.rpartition("\n=")
    assert code == str(status), output
    return json.loads(body)


def stream(output: str) -> str:
    body, _, code = output.rpartition("\n=")
    assert code == "200", output
    return body


async def test_start_a_session_and_talk_in_it(app: FastAPI, programs: str) -> None:
    script = """
curl -X POST http://localhost:8080/agents/assistant/sessions \\
  -H "Content-Type: application/json"
SESSION=$(curl -X POST http://localhost:8080/agents/assistant/sessions -d '{"session_id": "sess_abc123"}')
curl -X POST http://localhost:8080/agents/assistant/sessions/sess_abc123/messages \\
  -H "Content-Type: application/json" \\
  -d '{
    "message": "Hello, remember me?"
  }'
curl -X POST http://localhost:8080/agents/assistant/sessions/sess_abc123/messages \\
  -H "Content-Type: application/json" \\
  -d '{
    "message": "What did we talk about earlier?"
  }'
curl http://localhost:8080/agents/assistant/sessions
curl http://localhost:8080/agents/assistant/sessions/sess_abc123
curl -X DELETE http://localhost:8080/agents/assistant/sessions/sess_abc123
"""
    made, first, second, listed, got, deleted = await run(app, programs, script, answers=6)
    assert answer(made, 201)["session_id"].startswith("sess_")
    assert answer(first)["response"] == "Hello, remember me?"
    assert answer(second)["response"] == "Hello, remember me? | What did we talk about earlier?"
    assert answer(listed)["sessions"][0]["session_id"] == "sess_abc123"
    assert answer(got)["message_count"] == 4
    assert deleted.strip() == "=204"


async def test_stream_without_a_session(app: FastAPI, programs: str) -> None:
    script = """
curl -N http://localhost:8080/agents/assistant/messages/stream \\
  -H "Content-Type: application/json" \\
  -d '{
    "message": "Explain quantum computing"
  }'
"""
    (told,) = await run(app, programs, script)
    lines = [line for line in stream(told).splitlines() if line.startswith("data: ")]
    assert lines == [
        'data: {"chunk": "Explain"}',
        'data: {"chunk": " quantum"}',
        'data: {"chunk": " computing"}',
        "data: [DONE]",
    ]


async def test_stream_in_a_session(app: FastAPI, programs: str) -> None:
    script = """
SESSION_ID=$(curl -X POST http://localhost:8080/agents/assistant/sessions | jq -r '.session_id')
curl -N http://localhost:8080/agents/assistant/sessions/$SESSION_ID/messages/stream \\
  -H "Content-Type: application/json" \\
  -d '{"message": "Hello"}'
"""
    (told,) = await run(app, programs, script)
    assert chunk_text(read(stream(told))) == "Hello"


async def test_debug_a_stream(app: FastAPI, programs: str) -> None:
    script = """
curl -N http://localhost:8080/agents/assistant/messages/stream?debug=true \\
  -H "Content-Type: application/json" \\
  -d '{"message": "Hello"}'
"""
    (told,) = await run(app, programs, script)
    shown = chunk_text(read(stream(told))).splitlines()
    assert [line.split(":")[0] for line in shown] == ["[Session", "[Message", "Hello", "[Memory", "[Response"]


async def test_tasks_in_a_session(app: FastAPI, programs: str) -> None:
    script = """
curl -X POST http://localhost:8080/sessions \\
  -H "Content-Type: application/json" \\
  -d '{"agentId": "assistant", "metadata": {"user": "john"}}'
SESSION=$(curl -s -X POST http://localhost:8080/sessions \\
  -H "Content-Type: application/json" \\
  -d '{"agentId": "assistant"}' | jq -r '.sessionId')

# Message 1
curl -X POST http://localhost:8080/sessions/$SESSION/tasks \\
  -H "Content-Type: application/json" \\
  -d '{
    "input": {
      "type": "text/plain",
      "content": "My name is Alice"
    }
  }'

# Message 2 (agent remembers Alice)
curl -X POST http://localhost:8080/sessions/$SESSION/tasks \\
  -H "Content-Type: application/json" \\
  -d '{
    "input": {
      "type": "text/plain",
      "content": "What is my name?"
    }
  }'

# Cleanup
curl -X DELETE http://localhost:8080/sessions/$SESSION
"""
    made, first, second, deleted = await run(app, programs, script, answers=4)
    session = answer(made, 201)
    assert session["sessionId"] and session["createdAt"] == session["lastActivityAt"]
    assert (session["agentId"], session["state"], session["metadata"]) == ("assistant", {}, {"user": "john"})
    assert answer(first)["output"] == {"type": "text/plain", "content": "My name is Alice"}
    assert answer(second)["output"]["content"] == "My name is Alice | What is my name?"
    assert answer(second)["status"] == "completed"
    assert deleted.strip() == "=204"


async def test_without_a_content_type_curl_sends_a_form_and_it_is_read_as_json(app: FastAPI, programs: str) -> None:
    script = """
curl -X POST http://localhost:8080/sessions \\
  -d '{"agentId": "assistant"}'

curl http://localhost:8080/sessions
curl "http://localhost:8080/sessions?agent_id=assistant"
"""
    made, listed, filtered = await run(app, programs, script, answers=3)
    session = answer(made, 201)
    assert session["agentId"] == "assistant"
    assert answer(listed)["sessions"] == answer(filtered)["sessions"] == [session]


async def test_a_session_with_a_work_dir_and_an_agent_for_each_message(app: FastAPI, programs: str) -> None:
    script = """
SESSION=$(curl -X POST http://localhost:2323/sessions -d '{"id": "01XYZ"}')
# Create a session
curl -X POST http://localhost:2323/sessions \\
  -H "Content-Type: application/json" \\
  -d '{"work_dir": "/path/to/project"}'
curl -X POST http://localhost:2323/sessions/01XYZ/message \\
  -H "Content-Type: application/json" \\
  -d '{
    "agent_id": "01ABC",
    "message": "What files are in this directory?"
  }'
curl -N -X POST http://localhost:2323/sessions/01XYZ/message/stream \\
  -H "Content-Type: application/json" \\
  -H "Accept: text/event-stream" \\
  -d '{
    "agent_id": "01ABC",
    "message": "Explain this codebase."
  }'
"""
    made, replied, told = await run(app, programs, script, answers=3)
    assert answer(made, 201)["work_dir"] == "/path/to/project"
    reply = answer(replied)
    assert reply["response"] == "What files are in this directory?"
    assert (reply["tool_calls"], reply["steps"]) == ([], 1)
    assert reply["usage"].keys() == {"input_tokens", "output_tokens"}
    frames = read(stream(told))
    assert typed_text(frames) == "What files are in this directory? | Explain this codebase."
    assert frames[-2].data == '{"type":"message_stop"}'
    assert frames[-1].event == "done" and frames[-1].json.keys() == {"usage", "steps"}
