"""Tasks: what a client of the older form hears of a turn."""

from datetime import datetime

from sessionful.domain.error import ModelUnavailable
from tests.surfaces.house import CODER, TOOLS, Gate
from tests.surfaces.websocket.sockets import serving, text

INPUT = {"type": "text/plain", "content": "Explain quantum computing"}
FIELDS = {"taskId", "chunkType", "content", "timestamp", "final", "id"}


async def test_a_task_is_told_in_chunks_and_closed_once() -> None:
    async with serving("Quantum computing is...") as house, house.talk() as talk:
        heard = await talk.ask(taskId="task-123", input=INPUT)
        assert all(told.keys() == FIELDS and told["taskId"] == "task-123" for told in heard)
        assert [told["chunkType"] for told in heard] == ["metadata", "text", "done"]
        assert [told["final"] for told in heard] == [False, False, True]
        assert heard[0]["content"]["agent"] == "assistant"
        assert heard[0]["content"].items() >= {"turnId": heard[-1]["content"]["turnId"]}.items()
        assert heard[-1]["content"]["status"] == "completed"
        assert text(heard) == "Quantum computing is..."
        assert all(datetime.fromisoformat(told["timestamp"]).tzinfo for told in heard)


async def test_a_task_without_an_id_goes_by_its_turns() -> None:
    async with serving("Hello!") as house, house.talk() as talk:
        heard = await talk.ask(input=INPUT)
        assert {told["taskId"] for told in heard} == {heard[0]["content"]["turnId"]}


async def test_a_task_runs_in_the_session_of_its_context() -> None:
    async with serving("Hello!") as house, house.talk() as talk:
        await talk.ask(message="Hi", session_id="s1")
        heard = await talk.ask(input=INPUT, context={"sessionId": "s1"})
        assert heard[0]["content"]["sessionId"] == "s1"
        error, done = await talk.ask(taskId="t9", input=INPUT, context={"sessionId": "nowhere"})
        assert (error["taskId"], error["chunkType"], error["content"]["code"]) == ("t9", "error", "session_not_found")
        assert done["final"] is True and done["content"]["status"] == "refused"


async def test_a_task_id_never_runs_twice() -> None:
    async with serving("Once.", "Twice.") as house, house.talk() as talk:
        first, second = [await talk.ask(taskId="t1", input=INPUT) for _ in range(2)]
        assert text(first) == text(second) == "Once."
        assert first[0]["content"] == second[0]["content"]


async def test_tool_calls_and_results_are_data_where_they_are_shown() -> None:
    async with serving(*CODER, tools=TOOLS, reasoning={"show_tool_execution": True}) as house, house.talk() as talk:
        heard = await talk.ask(input=INPUT)
        data = [told["content"] for told in heard if told["chunkType"] == "data"]
        assert data[0] == {
            "type": "tool_call",
            "call_id": "c1",
            "name": "write_file",
            "arguments": {"path": "hello.py", "content": "print('Hello')"},
        }
        assert data[1]["content"] == "File created successfully." and data[1]["is_error"] is False
        assert [told["type"] for told in data] == ["tool_call", "tool_result"] * 2
        assert text(heard) == "Let me create that file...Now let me test it...The program works correctly!"
    async with serving(*CODER, tools=TOOLS) as house, house.talk() as talk:
        assert {told["chunkType"] for told in await talk.ask(input=INPUT)} == {"metadata", "text", "done"}


async def test_a_task_that_fails_is_closed_behind_its_error() -> None:
    async def fails(request: object) -> str:
        raise ModelUnavailable("the model is not there")

    async with serving(fails) as house, house.talk() as talk:
        heard = await talk.ask(taskId="t1", input=INPUT)
        assert [told["chunkType"] for told in heard] == ["metadata", "error", "done"]
        assert heard[1]["content"]["code"] == "model_unavailable" and heard[1]["final"] is False
        assert heard[2]["content"]["status"] == "failed"


async def test_a_task_can_be_cancelled_by_its_own_id() -> None:
    gate = Gate("One", " two")
    async with serving(gate) as house, house.talk() as talk:
        await talk.say(taskId="t1", input=INPUT)
        gate.let()
        await talk.some(2)
        await talk.say(cancel="t1")
        error, done = await talk.whole()
        assert error["content"]["code"] == "turn_cancelled" and done["content"]["status"] == "cancelled"


async def test_an_image_is_a_tasks_input() -> None:
    def looks(request: object) -> str:
        return str(request.messages[-1].parts[0].media_type)  # type: ignore[attr-defined]

    async with serving(looks) as house, house.talk() as talk:
        heard = await talk.ask(input={"type": "image/png", "content": "iVBORw0KGgo="})
        assert text(heard) == "image/png"
