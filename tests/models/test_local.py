"""The local model, tried for real: nothing here stands in for llama.cpp or for the weights."""

import asyncio
import json
import time

import pytest

from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import Message
from sessionful.models.local import LocalModel
from sessionful.ports import ModelRequest, TextPiece
from tests.models.local_asking import FRANCE, STORY, asked, finish, needs_the_model, pieces, text

pytestmark = needs_the_model


async def test_it_knows_the_capital_of_france_and_says_the_same_again(model: LocalModel) -> None:
    first, second = await pieces(model, FRANCE), await pieces(model, FRANCE)
    assert "Paris" in text(first)
    assert text(first) == text(second)
    assert finish(first).stop_reason == "end_turn"


async def test_usage_is_the_runtimes_count_and_tells_what_came_from_the_cache(model: LocalModel) -> None:
    fresh = finish(await pieces(model, asked("Name a river in Egypt."))).usage
    again = finish(await pieces(model, asked("Name a river in Egypt."))).usage
    assert 10 < fresh.input_tokens < 60
    assert 0 < fresh.output_tokens <= 1024
    assert again.input_tokens == fresh.input_tokens
    assert again.cached_tokens > fresh.cached_tokens


async def test_a_message_is_counted_as_the_runtime_counts_it(model: LocalModel) -> None:
    past = [Message.user("What is 日本語 🌍?"), Message.assistant("It means Japanese."), Message.user("fooBar(1, 2)")]
    usage = finish(await pieces(model, ModelRequest(past, "You are brief.", options={"max_tokens": 1}))).usage
    opening = len(("<|im_start|>", "ass", "istant", "a line break"))
    assert sum(map(model.tokens, [Message.system("You are brief."), *past])) + opening == usage.input_tokens


async def test_counting_does_not_wait_for_a_running_answer(model: LocalModel) -> None:
    await pieces(model, FRANCE)
    stream = model.stream(ModelRequest(STORY, options={"max_tokens": 200}))
    await anext(stream)
    start = time.monotonic()
    counts = [model.tokens(Message.user(f"fresh {number}")) for number in range(10)]
    assert time.monotonic() - start < 2
    assert set(counts) == {len(("<|im_start|>", "user", "line", "fresh", "space", "7", "<|im_end|>", "line"))}
    await stream.aclose()  # type: ignore[attr-defined]


def test_before_it_is_loaded_and_after_it_is_closed_a_message_is_estimated() -> None:
    unloaded = LocalModel()
    assert 8 < unloaded.tokens(Message.user("What is the capital of France?")) < 18
    asyncio.run(unloaded.close())
    assert 8 < unloaded.tokens(Message.user("What is the capital of France?")) < 18


async def test_the_first_piece_comes_long_before_the_last(model: LocalModel) -> None:
    start, times = time.monotonic(), []
    async for piece in model.stream(ModelRequest(STORY, options={"max_tokens": 60})):
        if isinstance(piece, TextPiece):
            times.append(time.monotonic() - start)
    assert len(times) > 20
    assert times[0] < times[-1] / 2


async def test_the_loop_stays_free_while_the_model_works(model: LocalModel) -> None:
    work = asyncio.create_task(pieces(model, ModelRequest(STORY, options={"max_tokens": 60})))
    longest, ticks = 0.0, 0
    while not work.done():
        before = time.monotonic()
        await asyncio.sleep(0.005)
        longest, ticks = max(longest, time.monotonic() - before), ticks + 1
    assert ticks > 20
    assert longest < 0.5


async def test_closing_the_stream_stops_the_model(model: LocalModel) -> None:
    stream = model.stream(ModelRequest(STORY, options={"max_tokens": 4000}))
    assert isinstance(await anext(stream), TextPiece)
    await stream.aclose()  # type: ignore[attr-defined]
    start = time.monotonic()
    assert "Paris" in text(await pieces(model, FRANCE))
    assert time.monotonic() - start < 10, "4000 tokens would have taken half a minute"


async def test_a_cancelled_task_stops_the_model_even_while_it_reads_the_prompt(model: LocalModel) -> None:
    long_prompt = ModelRequest([Message.user("word " * 6000)], options={"max_tokens": 10})
    work = asyncio.create_task(pieces(model, long_prompt))
    await asyncio.sleep(0.5)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    start = time.monotonic()
    assert "Paris" in text(await pieces(model, FRANCE))
    assert time.monotonic() - start < 10, "reading 6000 tokens would have taken half a minute"


async def test_two_calls_at_once_both_finish_and_do_not_mix(model: LocalModel) -> None:
    france, japan = await asyncio.gather(pieces(model, FRANCE), pieces(model, asked("What is the capital of Japan?")))
    assert "Paris" in text(france)
    assert "Tokyo" in text(japan)
    assert text(france) == text(await pieces(model, FRANCE))


async def test_a_call_cancelled_while_it_waits_for_its_turn_never_runs(model: LocalModel) -> None:
    first = asyncio.create_task(pieces(model, ModelRequest(STORY, options={"max_tokens": 30})))
    waiting = asyncio.create_task(pieces(model, ModelRequest(STORY, options={"max_tokens": 4000})))
    await asyncio.sleep(0.05)
    waiting.cancel()
    assert finish(await first).stop_reason == "max_tokens"
    start = time.monotonic()
    await pieces(model, FRANCE)
    assert time.monotonic() - start < 10


async def test_characters_of_several_tokens_arrive_whole(model: LocalModel) -> None:
    repeat = Message.user("Repeat exactly: 😀🎉 日本語 ü")
    for limit in (1, 2, 3, 24):
        request = ModelRequest([repeat], "You repeat text.", options={"temperature": 0, "max_tokens": limit})
        assert "\ufffd" not in text(await pieces(model, request))
    assert any(ord(character) > 0x2FFF for character in text(await pieces(model, request)))


async def test_a_seed_repeats_an_answer_and_another_seed_gives_another(model: LocalModel) -> None:
    told = [
        text(await pieces(model, ModelRequest(STORY, options={"temperature": 1, "seed": seed, "max_tokens": 16})))
        for seed in (7, 7, 8)
    ]
    assert told[0] == told[1] != told[2]


async def test_a_stop_sequence_ends_the_answer_and_says_so(model: LocalModel) -> None:
    heard = await pieces(model, asked("What is the capital of France?", stop=["Paris"]))
    assert text(heard) == "The capital of France is "
    assert finish(heard).stop_reason == "stop_sequence"


async def test_a_schema_is_enforced(model: LocalModel) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}, "large": {"type": "boolean"}},
        "required": ["city", "large"],
        "additionalProperties": False,
    }
    answer = json.loads(text(await pieces(model, FRANCE._replace(schema=schema))))
    assert answer.keys() == {"city", "large"}
    assert isinstance(answer["large"], bool)


async def test_a_schema_without_a_grammar_is_refused(model: LocalModel) -> None:
    with pytest.raises(InvalidRequest, match="schema") as caught:
        await pieces(model, FRANCE._replace(schema={"type": "no such type"}))
    assert caught.value.details["field"] == "schema"
