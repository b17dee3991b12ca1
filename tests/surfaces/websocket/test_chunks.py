"""Chunks: what a client of the messages' form hears of a turn."""

import asyncio

import httpx

from sessionful.domain.error import ModelUnavailable
from tests.surfaces.house import CODER, TOOLS, Gate
from tests.surfaces.websocket.sockets import serving, text

GREETING = ("Hello", " there", ", how are you?")


async def test_a_message_without_a_session_is_answered_in_one_of_its_own() -> None:
    async with serving("Hello there.") as house, house.talk() as talk:
        heard = await talk.ask(message="Hi")
        started, done = heard[0], heard[-1]
        assert started["started"] is True
        assert text(heard) == "Hello there."
        names = {"session_id": started["session_id"], "turn_id": started["turn_id"]}
        assert all(names.items() <= told.items() for told in heard)
        assert done["done"] is True and done["status"] == "completed" and done["steps"] == 1
        assert done["usage"].keys() >= {"input_tokens", "output_tokens"}
        session = await house.service.get_session("local", "assistant", started["session_id"])
        assert session.message_count == 2


async def test_the_first_word_arrives_before_the_model_says_the_second() -> None:
    gate = Gate(*GREETING)
    async with serving(gate) as house, house.talk() as talk:
        await talk.say(message="Hi")
        gate.let()
        assert [told.get("chunk") for told in await talk.some(2)] == [None, "Hello"]
        assert gate.said == 1
        gate.let(2)
        assert text(await talk.whole()) == " there, how are you?"


async def test_every_frame_says_where_to_go_on() -> None:
    async with serving("One two three.", streaming={"chunk_size": 4}) as house, house.talk() as talk:
        heard = await talk.ask(message="Hi")
        places = [tuple(map(int, told["id"].split("."))) for told in heard]
        assert places == sorted(places) and len(set(places)) == len(places) == 6


async def test_a_session_goes_on_with_the_next_message() -> None:
    async with serving("One.", "Two.") as house, house.talk() as talk:
        first = await talk.ask(message="Hi", session_id="s 1-ü")
        home = first[0]["session_id"]
        assert home == "s 1-ü"
        assert text(await talk.ask(message="And?", session_id=home)) == "Two."
        history = await house.service.history("local", "assistant", home)
        assert [message.text for message in history.messages] == ["Hi", "One.", "And?", "Two."]


async def test_tools_thinking_and_debug_lines_are_told_as_the_agent_says() -> None:
    async with serving(*CODER, tools=TOOLS, reasoning={"show_tool_execution": True}) as house, house.talk() as talk:
        heard = await talk.ask(message="Code!", debug=True)
        shown = text(heard)
        assert '[Tool: write_file("hello.py", "print(\'Hello\')")]\nFile created successfully.\n' in shown
        assert "Output: Hello\n" in shown and "[Session: sess_" in shown
    async with serving(*CODER, tools=TOOLS) as house, house.talk() as talk:
        shown = text(await talk.ask(message="Code!"))
        assert shown == "Let me create that file...Now let me test it...The program works correctly!"


async def test_without_streaming_the_answer_is_one_chunk() -> None:
    async with serving("One two three.", reasoning={"enable_streaming": False}) as house, house.talk() as talk:
        heard = await talk.ask(message="Hi")
        assert [told.get("chunk") for told in heard] == [None, "One two three.", None]


async def test_a_turn_that_fails_tells_its_error_and_is_closed_once() -> None:
    async def fails(request: object) -> str:
        raise ModelUnavailable("the model is not there")

    async with serving(fails, "Better.") as house, house.talk() as talk:
        *_, error, done = await talk.ask(message="Hi", session_id="s1")
        assert error["error"]["code"] == "model_unavailable" and error["turn_id"] == done["turn_id"]
        assert done["status"] == "failed"
        assert text(await talk.ask(message="Again", session_id="s1")) == "Better."


async def test_a_turn_that_is_refused_is_answered_with_http_s_error() -> None:
    gate = Gate(*GREETING)
    async with serving(gate) as house, house.talk() as talk:
        await talk.say(message="Hi", session_id="s1")
        turn_id = (await talk.next())["turn_id"]
        await talk.say(message="You too", session_id="s1", request_id="r2")
        error, closed = await talk.some(2)
        assert error["error"]["code"] == "session_busy"
        assert error["error"]["details"]["turn_id"] == turn_id
        assert closed["done"] is True and closed["status"] == "refused"
        assert error["session_id"] == closed["session_id"] == "s1" and closed["request_id"] == "r2"
        gate.let(3)
        assert text(await talk.whole()) == "Hello there, how are you?"


async def test_a_repeated_request_id_attaches_also_to_a_turn_begun_by_http() -> None:
    async with serving("Once.", "Twice.") as house, house.talk() as talk:
        async with httpx.AsyncClient(base_url=house.http, trust_env=False) as client:
            posted = await client.post(
                "/agents/assistant/messages", json={"message": "Hi"}, headers={"idempotency-key": "k1"}
            )
        heard = await talk.ask(message="Hi", request_id="k1")
        assert text(heard) == "Once." and heard[0]["turn_id"] == posted.json()["turn_id"]
        error, closed = await talk.ask(message="Something else", request_id="k1")
        assert error["error"]["code"] == "idempotency_conflict" and closed["status"] == "refused"


async def test_a_frame_that_is_sent_twice_is_told_once() -> None:
    gate = Gate(*GREETING)
    async with serving(gate) as house, house.talk() as talk:
        await talk.say(message="Hi", request_id="k1")
        first = await talk.next()
        await talk.say(message="Hi", request_id="k1")
        again = await talk.next()
        assert again["started"] is True and again["turn_id"] == first["turn_id"]
        gate.let(3)
        assert text(await talk.whole()) == "Hello there, how are you?"
        with_nothing_more = asyncio.create_task(talk.next())
        done, _ = await asyncio.wait({with_nothing_more}, timeout=0.1)
        assert not done
        with_nothing_more.cancel()


async def test_a_picture_reaches_the_model() -> None:
    def looks(request: object) -> str:
        parts = request.messages[-1].parts  # type: ignore[attr-defined]
        return f"I see {parts[1].media_type} of {len(parts[1].data)} characters."

    picture = {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="}
    async with serving(looks) as house, house.talk() as talk:
        heard = await talk.ask(message=[{"type": "text", "text": "What is this?"}, picture])
        assert text(heard) == "I see image/png of 12 characters."
