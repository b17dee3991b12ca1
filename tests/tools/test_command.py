"""Real programs, and that nothing of them is left behind."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionful.domain.error import ConfigError, ToolError
from sessionful.ports import ToolContext
from sessionful.tools.command import command_tool

run = command_tool()


@pytest.fixture(autouse=True)
def checked(nothing_is_left_behind: None) -> None: ...


def script(work_dir: Path, text: str, name: str = "program.py") -> None:
    (work_dir / name).write_text(text)


async def test_the_example_of_the_guide_runs(context: ToolContext, work_dir: Path) -> None:
    script(work_dir, "print('Hello')", "hello.py")
    assert await run.call({"command": "python hello.py"}, context) == "Hello\n"


async def test_it_runs_in_the_work_directory_or_in_a_folder_of_it(context: ToolContext, work_dir: Path) -> None:
    (work_dir / "sub").mkdir()
    assert await run.call({"command": "pwd"}, context) == f"{work_dir}\n"
    assert await run.call({"command": "pwd", "working_dir": "sub/../sub"}, context) == f"{work_dir}/sub\n"


@pytest.mark.parametrize("folder", ["..", "/", "out", "out/../..", "none"])
async def test_it_starts_nowhere_else(folder: str, context: ToolContext, work_dir: Path) -> None:
    (work_dir / "out").symlink_to("/")
    with pytest.raises(ToolError):
        await run.call({"command": "pwd", "working_dir": folder}, context)


async def test_without_a_work_directory_nothing_is_run(new_context: Callable[..., ToolContext]) -> None:
    with pytest.raises(ToolError, match="no work directory"):
        await run.call({"command": "pwd"}, new_context(None))


async def test_nothing_of_our_environment_is_handed_on(context: ToolContext, work_dir: Path) -> None:
    assert "PYTEST_CURRENT_TEST" in os.environ
    said = await run.call({"command": "env"}, context)
    given = dict(line.split("=", 1) for line in said.splitlines())
    assert set(given) <= {"PATH", "HOME", "LANG", "PWD", "OLDPWD", "SHLVL", "_"}  # a shell adds the last four
    assert (given["HOME"], given["LANG"]) == (str(work_dir), "C.UTF-8")
    assert all(os.path.isabs(folder) for folder in given["PATH"].split(":"))


async def test_no_open_file_of_ours_is_handed_on(context: ToolContext, work_dir: Path) -> None:
    ours = os.open(work_dir, os.O_RDONLY)
    try:
        os.set_inheritable(ours, True)
        script(work_dir, f"import os; print(os.path.exists('/proc/self/fd/{ours}'))")
        assert await run.call({"command": "python program.py"}, context) == "False\n"
    finally:
        os.close(ours)


async def test_there_is_nothing_to_read(context: ToolContext) -> None:
    assert await run.call({"command": "cat"}, context) == "(no output)"


async def test_output_and_errors_come_in_order_with_the_exit_code(context: ToolContext, work_dir: Path) -> None:
    script(work_dir, "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)")
    assert await run.call({"command": "python program.py"}, context) == "out\nerr\n\n[exit code 3]"


async def test_a_program_that_dies_of_a_signal_is_told(context: ToolContext, work_dir: Path) -> None:
    script(work_dir, "import os; os.kill(os.getpid(), 11)")
    assert await run.call({"command": "python program.py"}, context) == "[ended by a signal: Segmentation fault]"


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("python args.py 'a b' c\\ d", ["a b", "c d"]),
        ("python args.py '|' \"&&\" '>'", ["|", "&&", ">"]),
        ("python args.py $HOME `id` *.py", ["$HOME", "`id`", "*.py"]),
        ("python args.py it\\'s", ["it's"]),
        ("python args.py -e ''", ["-e", ""]),
    ],
)
async def test_arguments_arrive_as_they_were_quoted_and_no_shell_touches_them(
    command: str, arguments: list[str], context: ToolContext, work_dir: Path
) -> None:
    script(work_dir, "import sys; print(sys.argv[1:])", "args.py")
    assert await run.call({"command": command}, context) == f"{arguments}\n"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("ls | wc -l", r"no shell .* \|"),
        ("ls && pwd", "&&"),
        ("echo x > f.txt", ">"),
        ("echo x 2>/dev/null", "2>/dev/null"),
        ("", "empty"),
        ("'' x", "empty"),
        ("echo 'x", "cannot be read"),
        ("no-such-program x", "there is no program no-such-program"),
        ("echo \0", "NUL"),
    ],
)
async def test_what_cannot_be_run_is_told(command: str, complaint: str, context: ToolContext) -> None:
    with pytest.raises(ToolError, match=complaint):
        await run.call({"command": command}, context)


async def test_with_a_shell_the_line_is_a_script(context: ToolContext, work_dir: Path) -> None:
    with_shell = command_tool(shell=True)
    assert await with_shell.call({"command": "echo a b | wc -w > n.txt && cat n.txt"}, context) == "2\n"
    assert "/bin/sh" in with_shell.spec.description


async def test_only_allowed_programs_run(context: ToolContext, work_dir: Path) -> None:
    only_echo = command_tool({"echo"})
    assert await only_echo.call({"command": "echo hi"}, context) == "hi\n"
    assert "echo" in only_echo.spec.description
    script(work_dir, "#!/bin/sh\necho fake", "echo")
    (work_dir / "echo").chmod(0o755)
    for other in ("ls", "./echo", f"{work_dir}/echo", "/bin/echo"):
        with pytest.raises(ToolError, match="may not be run; allowed are: echo"):
            await only_echo.call({"command": other}, context)
    assert await only_echo.call({"command": "echo real"}, context) == "real\n"


def test_an_allow_list_and_a_shell_exclude_each_other() -> None:
    with pytest.raises(ConfigError):
        command_tool({"echo"}, shell=True)
