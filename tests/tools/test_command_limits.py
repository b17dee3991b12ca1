"""Programs that run too long, print or write too much, or leave others running."""

import asyncio
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessionful.core.toolbox import Toolbox
from sessionful.domain.error import ToolError
from sessionful.domain.message import ToolCall
from sessionful.ports import ToolContext
from sessionful.tools.command import command_tool

run = command_tool()


@pytest.fixture(autouse=True)
def checked(nothing_is_left_behind: None) -> None: ...


def script(work_dir: Path, text: str, name: str = "program.py") -> None:
    (work_dir / name).write_text(text)


async def test_a_command_past_its_time_is_stopped_with_all_its_children_and_tells_what_it_printed(
    context: ToolContext, work_dir: Path
) -> None:
    script(work_dir, "import subprocess; print('began', flush=True); subprocess.run(['sleep', '600'])")
    started = time.monotonic()
    with pytest.raises(ToolError, match=r"stopped after 0\.7 s; it had printed:\nbegan"):
        await command_tool(seconds=0.7).call({"command": "python program.py"}, context)
    assert time.monotonic() - started < 5


async def test_the_deadline_of_the_call_leaves_time_to_tell_what_was_printed(
    work_dir: Path, new_context: Callable[..., ToolContext]
) -> None:
    script(work_dir, "import time; print('began', flush=True); time.sleep(600)")
    box = Toolbox([run], timeout=2.5, result_chars=1000)
    call = ToolCall(id="c", name="execute_command", arguments={"command": "python program.py"})
    (result,) = [r async for r in box.run([call], lambda _: new_context(work_dir, math.inf))]
    assert result.is_error and result.content.endswith("it had printed:\nbegan\n")


async def test_what_a_program_leaves_running_is_stopped_when_it_ends(context: ToolContext, work_dir: Path) -> None:
    """The child holds the pipe open, too: nobody waits for it."""
    script(work_dir, "import subprocess; subprocess.Popen(['sleep', '600']); print('done')")
    started = time.monotonic()
    assert await run.call({"command": "python program.py"}, context) == "done\n"
    assert time.monotonic() - started < 5


async def test_a_process_that_left_the_group_does_not_hold_up_the_answer(context: ToolContext, work_dir: Path) -> None:
    script(
        work_dir,
        "import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)",
    )
    started = time.monotonic()
    escaped = int(await run.call({"command": "python program.py"}, context))
    assert time.monotonic() - started < 5
    os.kill(escaped, signal.SIGKILL)


@pytest.mark.parametrize("delay", [0.0, 0.3])
async def test_cancelling_stops_the_program(delay: float, context: ToolContext, work_dir: Path) -> None:
    script(work_dir, "import subprocess; subprocess.run(['sleep', '600'])")
    running = asyncio.create_task(run.call({"command": "python program.py"}, context))
    await asyncio.sleep(delay)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_endless_output_stops_the_program_and_is_not_kept(context: ToolContext) -> None:
    with pytest.raises(ToolError, match="printed more than 10000000 bytes") as caught:
        await run.call({"command": "yes"}, context)
    assert len(caught.value.message) < 50_000


async def test_of_long_output_the_beginning_and_the_end_are_kept(context: ToolContext) -> None:
    said = await command_tool(output_bytes=1000).call({"command": "seq 1 100000"}, context)
    assert said.startswith("1\n2\n3\n") and said.endswith("99999\n100000\n")
    assert "[587895 bytes left out]" in said
    assert len(said) < 1100


async def test_output_that_is_no_text_does_no_harm(context: ToolContext, work_dir: Path) -> None:
    script(work_dir, "import sys; sys.stdout.buffer.write(b'caf\\xe9 \\xff')")
    assert await run.call({"command": "python program.py"}, context) == "caf\ufffd \ufffd"


async def test_a_file_that_grows_without_end_is_stopped(context: ToolContext, work_dir: Path) -> None:
    said = await run.call({"command": "dd if=/dev/zero of=big bs=1M count=300"}, context)
    assert "File size limit exceeded" in said
    assert (work_dir / "big").stat().st_size <= 210_000_000


async def test_processor_time_is_limited_too(context: ToolContext, work_dir: Path) -> None:
    script(
        work_dir,
        "import resource; print(resource.getrlimit(resource.RLIMIT_CPU)[1] > 0,"
        " resource.getrlimit(resource.RLIMIT_CORE)[1])",
    )
    assert await run.call({"command": "python program.py"}, context) == "True 0\n"


async def test_many_commands_run_side_by_side(work_dir: Path, new_context: Callable[..., ToolContext]) -> None:
    box = Toolbox([run], timeout=20, result_chars=1000)
    calls = [
        ToolCall(id=str(n), name="execute_command", arguments={"command": f"{sys.executable} -c 'print({n})'"})
        for n in range(8)
    ]
    said: dict[str, Any] = {r.call_id: r.content async for r in box.run(calls, lambda _: new_context(work_dir))}
    assert said == {str(n): f"{n}\n" for n in range(8)}
