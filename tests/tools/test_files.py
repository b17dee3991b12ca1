"""The tools for files, called as a model calls them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessionful.domain.error import ToolError
from sessionful.ports import ToolContext
from sessionful.tools.files import LISTED, READ_BYTES, WRITE_BYTES, list_files, read_file, write_file
from sessionful.tools.function import FunctionTool, tool

write, read, listing = tool(write_file), tool(read_file), tool(list_files)
ALL: list[tuple[FunctionTool[..., Any], dict[str, Any]]] = [
    (write, {"path": "a.txt", "content": "x"}),
    (read, {"path": "a.txt"}),
    (listing, {}),
]


async def test_what_is_written_can_be_read(context: ToolContext, work_dir: Path) -> None:
    said = await write.call({"path": "src/hello.py", "content": "print('Hëllo')\n"}, context)
    assert said == "Created src/hello.py (16 bytes)."
    assert (work_dir / "src" / "hello.py").read_text(encoding="utf-8") == "print('Hëllo')\n"
    assert await read.call({"path": "src/hello.py"}, context) == "print('Hëllo')\n"


async def test_writing_again_replaces(context: ToolContext) -> None:
    await write.call({"path": "a.txt", "content": "a long first version"}, context)
    assert await write.call({"path": "a.txt", "content": "short"}, context) == "Replaced a.txt (5 bytes)."
    assert await read.call({"path": "a.txt"}, context) == "short"


@pytest.mark.parametrize(("made", "arguments"), ALL)
async def test_without_a_work_directory_there_are_no_files(
    made: FunctionTool[..., Any], arguments: dict[str, Any], new_context: Callable[..., ToolContext]
) -> None:
    with pytest.raises(ToolError, match="no work directory"):
        await made.call(arguments, new_context(None))


@pytest.mark.parametrize(("made", "arguments"), ALL)
@pytest.mark.parametrize("path", ["../a.txt", "/tmp", "out/a.txt"])
async def test_no_tool_leaves_the_work_directory(
    made: FunctionTool[..., Any], arguments: dict[str, Any], path: str, context: ToolContext, work_dir: Path
) -> None:
    (work_dir / "out").symlink_to("..")
    (work_dir.parent / "a.txt").write_text("secret")
    with pytest.raises(ToolError):
        await made.call({**arguments, "path": path}, context)
    assert (work_dir.parent / "a.txt").read_text() == "secret"


async def test_a_file_over_1_mb_is_not_written(context: ToolContext, work_dir: Path) -> None:
    with pytest.raises(ToolError, match=str(WRITE_BYTES)):
        await write.call({"path": "a.txt", "content": "é" * (WRITE_BYTES // 2 + 1)}, context)
    assert os.listdir(work_dir) == []
    await write.call({"path": "a.txt", "content": "x" * WRITE_BYTES}, context)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ({}, "one\ntwo\nthree"),
        ({"start_line": 2}, "two\nthree"),
        ({"start_line": 2, "end_line": 2}, "two\n"),
        ({"end_line": 2}, "one\ntwo\n"),
        ({"start_line": 3, "end_line": 99}, "three"),
    ],
)
async def test_lines_can_be_chosen(lines: dict[str, int], text: str, context: ToolContext, work_dir: Path) -> None:
    (work_dir / "a.txt").write_text("one\ntwo\nthree")
    assert await read.call({"path": "a.txt", **lines}, context) == text


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ({"start_line": 4}, "fewer lines than 4"),
        ({"start_line": 3, "end_line": 2}, "before start_line"),
        ({"start_line": 0}, "start_line: .*greater than or equal to 1"),
    ],
)
async def test_lines_that_are_not_there_are_told(
    lines: dict[str, int], complaint: str, context: ToolContext, work_dir: Path
) -> None:
    (work_dir / "a.txt").write_text("one\ntwo\nthree\n")
    with pytest.raises(ToolError, match=complaint):
        await read.call({"path": "a.txt", **lines}, context)


async def test_a_large_file_is_read_in_parts_that_follow_each_other(context: ToolContext, work_dir: Path) -> None:
    (work_dir / "a.txt").write_text("".join(f"{number:09}\n" for number in range(30_000)))
    first = await read.call({"path": "a.txt"}, context)
    note, _, content = first.partition("\n")
    assert note == "[cut in line 20001, at 200000 bytes: read on with start_line=20001]"
    assert len(content) == READ_BYTES
    rest = await read.call({"path": "a.txt", "start_line": 20_001}, context)
    assert content + rest == (work_dir / "a.txt").read_text()


async def test_a_line_without_end_is_bounded(context: ToolContext, work_dir: Path) -> None:
    (work_dir / "a.txt").write_text("x" * (3 * READ_BYTES) + "\nsecond\n")
    assert len(await read.call({"path": "a.txt"}, context)) < READ_BYTES + 100
    assert await read.call({"path": "a.txt", "start_line": 2}, context) == "second\n"


async def test_a_binary_file_is_not_read_as_text(context: ToolContext, work_dir: Path) -> None:
    (work_dir / "a.png").write_bytes(b"\x89PNG\0\0")
    with pytest.raises(ToolError, match=r"a\.png is no text file"):
        await read.call({"path": "a.png"}, context)


async def test_a_missing_file_is_told_without_the_place_of_the_work_directory(
    context: ToolContext, work_dir: Path
) -> None:
    with pytest.raises(ToolError) as caught:
        await read.call({"path": "none.txt"}, context)
    assert caught.value.message == "none.txt: No such file or directory"


async def test_a_folder_is_listed_with_marks_for_what_is_no_file(context: ToolContext, work_dir: Path) -> None:
    assert await listing.call({}, context) == "(no files)"
    (work_dir / "src" / "deep").mkdir(parents=True)
    (work_dir / "src" / "main.py").touch()
    (work_dir / "README").touch()
    (work_dir / "link").symlink_to("..")
    assert await listing.call({}, context) == "README\nlink@\nsrc/"
    assert await listing.call({"path": "src"}, context) == "src/deep/\nsrc/main.py"
    assert await listing.call({"recursive": True}, context) == "README\nlink@\nsrc/\nsrc/deep/\nsrc/main.py"


async def test_a_listing_is_bounded_and_says_so(context: ToolContext, work_dir: Path) -> None:
    for number in range(LISTED + 5):
        (work_dir / f"{number:05}").touch()
    lines = (await listing.call({}, context)).splitlines()
    assert lines[LISTED - 1 :] == [f"{LISTED - 1:05}", f"[only the first {LISTED} are listed]"]


def test_the_model_sees_paths_and_lines_and_nothing_of_the_session() -> None:
    assert set(write.spec.schema["properties"]) == {"path", "content"}
    assert set(read.spec.schema["properties"]) == {"path", "start_line", "end_line"}
    assert all(shown["description"] for made, _ in ALL for shown in made.spec.schema["properties"].values())
