"""Reading a server's event stream from its lines."""

from collections.abc import AsyncIterator

from sessionful.cli.sse import Frame, frames


async def read(text: str) -> list[Frame]:
    async def lines() -> AsyncIterator[str]:
        for line in text.split("\n"):
            yield line

    return [frame async for frame in frames(lines())]


async def test_a_frame_has_an_id_a_name_and_data() -> None:
    assert await read('id: 1.1.2\nevent: text_delta\ndata: {"a": 1}\n\n') == [Frame("1.1.2", "text_delta", '{"a": 1}')]


async def test_the_space_behind_the_colon_is_optional_and_only_one_is_taken() -> None:
    assert await read("data:  x\nevent:e\n\n") == [Frame("", "e", " x")]


async def test_comments_and_unknown_fields_are_passed_over() -> None:
    assert await read(": ping\n\nretry: 5\ndata: x\n\n") == [Frame("", "message", "x")]


async def test_an_id_holds_until_the_next_one() -> None:
    assert [frame.id for frame in await read("id: 1\ndata: x\n\ndata: y\n\nid: 2\ndata: z\n\n")] == ["1", "1", "2"]


async def test_data_lines_are_joined() -> None:
    assert (await read("data: x\ndata: y\n\n"))[0].data == "x\ny"


async def test_a_frame_that_broke_off_is_not_told() -> None:
    assert await read("data: whole\n\nid: 9\ndata: half") == [Frame("", "message", "whole")]
