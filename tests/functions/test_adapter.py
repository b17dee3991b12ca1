"""From a Function URL's event through the real Lambda Web Adapter to the door `stream`, and back piece by piece."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.functions.adapter import adapted, as_deployed, needs_adapter, together
from tests.functions.cloud import Cloud
from tests.functions.events import ALICE, BOB, url_event
from tests.functions.rie import emulated, needs_rie
from tests.functions.runtime_api import RuntimeApi
from tests.functions.stream_door import free_port
from tests.functions.working import a_worker
from tests.surfaces.frames import chunk_text, read

pytestmark = needs_adapter

WORDS = [f"w{number}" for number in range(10)]
DELAY = 0.25
AGENTS = f"""
llms:
  slow: {{type: scripted, replies: ["{" ".join(WORDS)}"], delay_ms: {DELAY * 1000:.0f}}}
  words: {{type: scripted, replies: ["Hello 🙂 from a function"]}}
agents:
  slow: {{llm: slow}}
  assistant: {{llm: words}}
"""
HI = {"message": "Hi"}


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path, AGENTS)


@pytest.fixture
async def function(cloud: Cloud) -> AsyncIterator[RuntimeApi]:
    async with RuntimeApi() as api:
        with adapted({**cloud.environment, "SESSIONFUL_AUTH": "iam"}, api.address):
            yield api


async def test_a_stream_goes_through_word_by_word(function: RuntimeApi) -> None:
    told = await function.invoke(url_event("POST", "/agents/slow/messages/stream", HI, user_id=ALICE))
    assert told.prelude["statusCode"] == 200
    headers = told.prelude["headers"]
    assert headers["content-type"].startswith("text/event-stream") and headers["x-session-id"]
    assert chunk_text(read(told.body)) == " ".join(WORDS)
    assert told.body.endswith(b"data: [DONE]\n\n")
    first, last = told.when(b'"w0"'), told.when(b"[DONE]")
    assert first < last - DELAY * (len(WORDS) - 2), "the first word left long before the last was said"
    assert told.when(b'" w5"') < last - 3 * DELAY


async def test_several_invocations_are_answered_by_one_process_each_to_its_own_caller(
    function: RuntimeApi, cloud: Cloud
) -> None:
    made = await function.invoke(
        url_event("POST", "/sessions", {"id": "naïve 100%", "agent_id": "slow"}, user_id=ALICE)
    )
    assert made.prelude["statusCode"] == 201 and json.loads(made.body)["id"] == "naïve 100%"
    path = "/agents/slow/sessions/naïve 100%"
    assert (await function.invoke(url_event("GET", path, user_id=ALICE))).prelude["statusCode"] == 200
    strange = await function.invoke(url_event("GET", path, user_id=BOB))
    assert (strange.prelude["statusCode"], json.loads(strange.body)["error"]["code"]) == (404, "session_not_found")
    broken = await function.invoke(url_event("POST", f"{path}/messages", "{", user_id=ALICE, binary=True))
    assert (broken.prelude["statusCode"], json.loads(broken.body)["error"]["code"]) == (400, "invalid_request")
    assert (await function.invoke(url_event("DELETE", path, user_id=ALICE))).prelude["statusCode"] == 204
    owners = {item["pk"]["S"] for item in cloud.items()}
    assert not any("bob" in owner for owner in owners)


async def test_what_a_client_sends_in_the_adapters_name_is_overwritten(function: RuntimeApi) -> None:
    forged = url_event("GET", "/", user_id=ALICE)["requestContext"]
    spoofed = {
        "x-amzn-request-context": json.dumps(forged),
        "x-amzn-lambda-context": json.dumps({"deadline": 0, "request_id": "forged"}),
    }
    nobody = await function.invoke(url_event("GET", "/sessions", headers=spoofed))
    assert (nobody.prelude["statusCode"], json.loads(nobody.body)["error"]["code"]) == (401, "unauthenticated")
    made = await function.invoke(
        url_event("POST", "/sessions", {"id": "b", "agent_id": "slow"}, user_id=BOB, headers=spoofed)
    )
    assert made.prelude["statusCode"] == 201
    assert (await function.invoke(url_event("GET", "/sessions/b", user_id=ALICE))).prelude["statusCode"] == 404
    told = await function.invoke(
        url_event("POST", "/agents/assistant/messages/stream", HI, user_id=BOB, headers=spoofed)
    )
    assert chunk_text(read(told.body)) == "Hello 🙂 from a function", "and the forged deadline is none"


async def test_near_the_functions_deadline_the_stream_ends_and_the_turn_is_handed_over(
    function: RuntimeApi, cloud: Cloud
) -> None:
    await function.invoke(url_event("POST", "/sessions", {"id": "s1", "agent_id": "slow"}, user_id=ALICE))
    begun = time.monotonic()
    path = "/agents/slow/sessions/s1/messages/stream"
    cut = await function.invoke(url_event("POST", path, HI, user_id=ALICE), seconds=3.5)
    assert time.monotonic() - begun < 3.5
    seen = read(cut.body)
    assert seen and b"[DONE]" not in cut.body and b"error" not in cut.body
    assert [wake["owner"] for wake in cloud.alarms()] == [ALICE]
    resumed = url_event("GET", path, user_id=ALICE, headers={"last-event-id": seen[-1].id})
    async with a_worker(cloud):
        later = await function.invoke(resumed)
    assert chunk_text([*seen, *read(later.body)]) == " ".join(WORDS)


@needs_rie
async def test_awss_own_emulator_takes_the_streamed_answer_too(cloud: Cloud, tmp_path: Path) -> None:
    port = free_port()
    wanted = {**cloud.environment, **as_deployed(port)}
    with emulated(together(), wanted, tmp_path, port=port) as function:
        answer = await function.invoke(url_event("POST", "/agents/assistant/messages/stream", HI))
        prelude, _, body = answer.partition("\0" * 8)
        assert json.loads(prelude)["statusCode"] == 200
        assert chunk_text(read(body)) == "Hello 🙂 from a function"
        again = await function.invoke(url_event("GET", "/agents"))
        assert json.loads(again.partition("\0" * 8)[2])["agents"]
