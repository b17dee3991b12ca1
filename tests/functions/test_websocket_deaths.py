"""A worker is killed while it tells: another one carries the turn on, and the client hears each character once."""

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.contracts.dynamodb import moto_client
from tests.functions.cloud import Cloud
from tests.functions.websocket_house import Frame, assembled, doors, mortal_worker, open_house, told

WORDS = " ".join(f"word{number}" for number in range(120))
AGENTS = f"""
llms: {{words: {{type: scripted, delay_ms: 25, replies: [{WORDS}]}}}}
agents: {{assistant: {{llm: words}}}}
"""


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path, AGENTS)


def let_leases_run_out(cloud: Cloud) -> None:
    """As if so much time had passed: a lease and a claim are times that stand in the table."""
    for item in cloud.items():
        lease = {"W#": "l", "S#": "rl"}[item["pk"]["S"][:2]]
        if lease in item and (lease == "l" or item["sk"]["S"] == "H"):
            moto_client().update_item(
                TableName=cloud.table,
                Key={name: item[name] for name in ("pk", "sk")},
                UpdateExpression="SET #lease = :past",
                ExpressionAttributeNames={"#lease": lease},
                ExpressionAttributeValues={":past": {"N": "1"}},
            )


@pytest.mark.parametrize("seconds", [0.3, 1.6], ids=["before anything was noted down", "behind what was noted down"])
async def test_a_killed_worker_takes_nothing_with_it(cloud: Cloud, seconds: float) -> None:
    with doors(cloud.environment, 1) as (websocket, survivors), mortal_worker(cloud.environment) as (victim, process):
        async with open_house(cloud, websocket, [victim]) as house, connect(house.gateway.url) as socket:
            await socket.send(json.dumps({"message": "go"}))
            frames: list[Frame] = [json.loads(await socket.recv())]
            until = asyncio.get_running_loop().time() + seconds
            while asyncio.get_running_loop().time() < until:
                frames.append(json.loads(await asyncio.wait_for(socket.recv(), 5)))
            process.kill()
            await asyncio.to_thread(process.wait)
            (row,) = [row for row in house.rows() if row["sk"]["S"].startswith("S#")]
            assert ("c" in row) == (seconds > 1)
            let_leases_run_out(cloud)
            house.workers = survivors
            await house.give(json.dumps(house.heard[0]))  # the message that waits for this case says the same
            frames += await told(socket)
            assert assembled(frames) == WORDS
            assert frames[-1]["status"] == "completed"
            assert [row["sk"]["S"] for row in house.rows()] == ["H"]
            assert house.failed == []
