"""The connection under the HTTP adapters: prompt, kept, closed when it is not wanted, and at home in every loop."""

import asyncio
import gc
import time
import warnings

import pytest

from sessionful.domain.error import ModelError
from sessionful.models.anthropic import AnthropicModel
from sessionful.models.openai import OpenAIModel
from sessionful.ports import Finish, TextPiece
from tests.models.asking import Naps, a_request, answer, patient, text_of
from tests.models.vendor import Slow, Vendor, refuses, streams
from tests.models.wire import anthropic_message, delta, openai_stream, text_block

HELLO = openai_stream(delta(content="hello"), delta("stop"))


async def test_the_first_piece_comes_before_the_last_is_sent() -> None:
    slow = Slow(openai_stream(delta(content="first"), done=False), openai_stream(delta(content=" last"), delta("stop")))
    async with Vendor([slow]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        pieces = model.stream(a_request())
        assert await asyncio.wait_for(anext(pieces), 5) == TextPiece("first")
        slow.go_on.set()
        rest = [piece async for piece in pieces]
        await model.close()
    assert text_of(rest) == " last"
    assert isinstance(rest[-1], Finish)


@pytest.mark.parametrize("kind", [OpenAIModel, AnthropicModel])
async def test_closing_the_iterator_hangs_up(kind: type[OpenAIModel] | type[AnthropicModel]) -> None:
    whole = anthropic_message([text_block(0, "one", "two")])
    first = HELLO.partition(b"[DONE]")[0] if kind is OpenAIModel else whole.partition(b"event: message_delta")[0]
    slow = Slow(first)
    async with Vendor([slow]) as vendor:
        model = kind("m", base_url=vendor.url)
        pieces = model.stream(a_request())
        await anext(pieces)
        await pieces.aclose()
        await asyncio.wait_for(slow.left.wait(), 2)
        await model.close()


async def test_cancelling_the_task_hangs_up_also_before_the_first_piece() -> None:
    slow = Slow(b": nothing to say yet\n\n")
    async with Vendor([slow]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        asking = asyncio.create_task(answer(model))
        await vendor.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(slow.left.wait(), 2)
        await model.close()


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with Vendor([streams(HELLO, 5)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        for _ in range(3):
            assert text_of(await answer(model)) == "hello"
        await model.close()
    assert [request.connection for request in vendor.requests] == [1, 1, 1]


async def test_a_server_that_never_ends_its_body_holds_nobody_up() -> None:
    slow = Slow(HELLO)
    async with Vendor([slow]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        began = time.monotonic()
        assert text_of(await answer(model)) == "hello"
        assert time.monotonic() - began < 2
        await asyncio.wait_for(slow.left.wait(), 2)
        await model.close()


async def test_many_replies_come_side_by_side() -> None:
    async with Vendor([streams(HELLO, 3)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        replies = await asyncio.gather(*(answer(model) for _ in range(50)))
        await model.close()
    assert {text_of(reply) for reply in replies} == {"hello"}


async def test_silence_has_an_end_and_is_not_asked_for_again() -> None:
    slow = Slow(openai_stream(delta(content="first"), done=False))
    async with Vendor([slow]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url, timeout=0.2, retry=patient(Naps()))
        pieces = model.stream(a_request())
        await anext(pieces)
        with pytest.raises(ModelError, match=r"silent for 0\.2 s"):
            await anext(pieces)
        await model.close()
    assert len(vendor.requests) == 1


async def test_a_long_refusal_is_not_read_to_its_end() -> None:
    async with Vendor([refuses(400, b"x" * 1_000_000)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        with pytest.raises(ModelError) as caught:
            await answer(model)
        await model.close()
    assert len(str(caught.value)) < 400


async def test_one_adapter_serves_several_loops_and_leaves_nothing_open() -> None:
    async with Vendor([streams(HELLO)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)

        def elsewhere() -> list[str]:
            async def twice() -> list[str]:
                return [text_of(await answer(model)), text_of(await answer(model))]

            return asyncio.run(twice())  # whose end closes this loop's connections, without a word to the model

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            told = await asyncio.gather(answer(model), *(asyncio.to_thread(elsewhere) for _ in range(3)))
            gc.collect()
        await model.close()
        assert text_of(told[0]) == "hello"  # type: ignore[arg-type]
        assert told[1:] == [["hello", "hello"]] * 3
    assert vendor.connections == 4


async def test_a_closed_adapter_can_be_used_again() -> None:
    async with Vendor([streams(HELLO)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url)
        await model.close()
        await answer(model)
        await model.close()
        await answer(model)
        await model.close()
    assert vendor.connections == 2
