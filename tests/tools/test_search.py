"""The tool that searches, over real files."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessionful.domain.error import ToolError
from sessionful.ports import ToolContext
from sessionful.tools.function import tool
from sessionful.tools.search import FILE_BYTES, search

find = tool(search)

MAIN = '''"""Sessions expire."""

class SessionStore:
    def expire_session(self, session): ...

func (s *Store) expire(id string) {}
# a session that may expire
'''


@pytest.fixture(autouse=True)
def files(work_dir: Path) -> None:
    (work_dir / "src").mkdir()
    (work_dir / "src" / "main.py").write_text(MAIN)
    (work_dir / "notes.md").write_text("Expire Session: how it works\n")


async def lines(context: ToolContext, **arguments: Any) -> list[str]:
    return (await find.call(arguments, context)).splitlines()


async def test_a_line_is_found_with_its_place(context: ToolContext) -> None:
    assert await lines(context, query="how it works") == ["notes.md:1: Expire Session: how it works"]


async def test_case_does_not_matter(context: ToolContext) -> None:
    assert await lines(context, query="SESSIONSTORE") == ["src/main.py:3: class SessionStore:"]


async def test_lines_with_the_whole_query_come_before_lines_with_all_its_words(context: ToolContext) -> None:
    found = await lines(context, query="session that")
    assert found == ["src/main.py:7: # a session that may expire"]
    found = await lines(context, query="expire session")
    assert found[0].startswith("notes.md:1:")
    assert len(found) > 1 and found[-1] == "src/main.py:7: # a session that may expire"


@pytest.mark.parametrize(
    ("kind", "query", "found"),
    [
        ("file", "main", ["src/main.py"]),
        ("file", "src main", ["src/main.py"]),
        (
            "function",
            "expire",
            [
                "src/main.py:4: def expire_session(self, session): ...",
                "src/main.py:6: func (s *Store) expire(id string) {}",
            ],
        ),
        ("struct", "session", ["src/main.py:3: class SessionStore:"]),
        ("struct", "expire", ["Nothing matches 'expire'."]),
    ],
)
async def test_names_of_files_functions_and_types_can_be_searched(
    kind: str, query: str, found: list[str], context: ToolContext
) -> None:
    assert await lines(context, query=query, type=kind) == found


async def test_at_most_limit_matches_are_given(context: ToolContext, work_dir: Path) -> None:
    (work_dir / "many.txt").write_text("needle\n" * 500)
    assert len(await lines(context, query="needle", limit=3)) == 3
    assert len(await lines(context, query="needle")) == 10
    with pytest.raises(ToolError, match=r"limit: .*less than or equal to 50"):
        await find.call({"query": "needle", "limit": 51}, context)


async def test_the_query_is_text_and_no_pattern(context: ToolContext, work_dir: Path) -> None:
    (work_dir / "re.txt").write_text("a.*b\naxxb\n")
    assert await lines(context, query="a.*b") == ["re.txt:1: a.*b"]


async def test_links_bulky_folders_binary_and_huge_files_are_left_out(context: ToolContext, work_dir: Path) -> None:
    (work_dir.parent / "outside.txt").write_text("needle")
    (work_dir / "link.txt").symlink_to("../outside.txt")
    (work_dir / "node_modules").mkdir()
    (work_dir / "node_modules" / "a.js").write_text("needle")
    (work_dir / "a.bin").write_bytes(b"\0needle")
    (work_dir / "huge.txt").write_text("needle\n" + "x" * FILE_BYTES)
    assert await lines(context, query="needle") == ["Nothing matches 'needle'."]


async def test_long_lines_are_cut(context: ToolContext, work_dir: Path) -> None:
    (work_dir / "min.js").write_text("needle" + "x" * 10_000)
    (found,) = await lines(context, query="needle")
    assert len(found) < 250


async def test_an_empty_query_is_refused(context: ToolContext) -> None:
    with pytest.raises(ToolError, match="empty"):
        await find.call({"query": "  "}, context)


async def test_without_a_work_directory_nothing_is_searched(new_context: Callable[..., ToolContext]) -> None:
    with pytest.raises(ToolError, match="no work directory"):
        await find.call({"query": "x"}, new_context(None))


async def test_a_search_that_runs_out_of_time_says_so(work_dir: Path, new_context: Callable[..., ToolContext]) -> None:
    hurried = new_context(work_dir, time.monotonic() + 0.5)
    assert "not every file was looked at" in await find.call({"query": "no such text"}, hurried)
