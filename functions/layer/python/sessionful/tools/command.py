"""The tool `execute_command`: runs a program in the session's work directory."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Collection

from sessionful.domain.error import ConfigError, ToolError
from sessionful.ports import ToolContext
from sessionful.tools.function import FunctionTool, tool
from sessionful.tools.process import Finished, run_process
from sessionful.tools.thread import in_thread
from sessionful.tools.workspace import Workspace

_SHELL_WORD = re.compile(r"\|\|?|&&?|;|[0-9&]?[<>].*")


def command_tool(
    allowed: Collection[str] | None = None, *, shell: bool = False, seconds: float = 600.0, output_bytes: int = 40_000
) -> FunctionTool[..., object]:
    """`allowed` names the programs that may be run (any, without it), as they are found on PATH. `shell` hands the
    whole line to /bin/sh instead of running one program. `seconds` bounds a command beside the call's deadline.

    This is no sandbox. The command starts in the work directory, with PATH, HOME and LANG as its whole environment, and
    it is stopped with all its processes; but it can read and write what this process's user can, /proc with the
    environment of this very process included, and use the network. Give it to agents in a container that holds nothing
    else, or allow only programs that do no harm. Raises ConfigError when both `allowed` and `shell` are given.
    """
    if shell and allowed is not None:
        raise ConfigError("execute_command cannot tell which programs a shell will run: drop `allowed` or `shell`")

    async def execute_command(command: str, context: ToolContext, working_dir: str = ".") -> str:
        """
        Args:
            command: One line, such as `python hello.py`.
            working_dir: The folder to run it in, relative to the work directory.
        """
        folder, argv, environment = await in_thread(lambda: _prepared(command, context, working_dir, allowed, shell))
        left = context.deadline - time.monotonic() - 1  # so that the model still sees what a long command printed
        bound = max(0.1, min(seconds, left))
        try:
            finished = await run_process(
                argv, folder=folder, environment=environment, seconds=bound, output_bytes=output_bytes
            )
        except OSError as error:
            raise ToolError(f"the command cannot be started: {error.strerror}") from None
        return _report(finished)

    text = "Run a program in the work directory and give what it prints, and its exit code when that is not 0. "
    text += (
        "The line is for /bin/sh." if shell else "There is no shell: no pipes, redirections, variables or wildcards."
    )
    if allowed is not None:
        text += f" Programs that may be run: {', '.join(sorted(allowed)) or 'none'}."
    return tool(execute_command, description=text)


def _prepared(
    command: str, context: ToolContext, working_dir: str, allowed: Collection[str] | None, shell: bool
) -> tuple[str, list[str], dict[str, str]]:
    workspace = Workspace.of(context)
    folder, home, path = workspace.place(working_dir), workspace.place(), _search_path()
    if "\0" in command:
        raise ToolError("a command cannot hold a NUL character")
    argv = ["/bin/sh", "-c", command] if shell else _program(command, path, allowed)
    return folder, argv, {"PATH": path, "HOME": home, "LANG": "C.UTF-8"}


def _search_path() -> str:
    """Only absolute folders, so that no file of the work directory can pass for a program. Our own Python's comes
    first: a `python` that needs the environment we leave out (a version manager's) would not start."""
    folders = [os.path.dirname(sys.executable), *os.environ.get("PATH", os.defpath).split(os.pathsep)]
    return os.pathsep.join(dict.fromkeys(folder for folder in folders if os.path.isabs(folder)))


def _program(command: str, path: str, allowed: Collection[str] | None) -> list[str]:
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise ToolError(f"the command cannot be read: {error}") from None
    if not argv or not argv[0]:
        raise ToolError("the command is empty")
    if word := _shell_word(command):
        raise ToolError(f"there is no shell that would understand {word}: run one program at a time")
    name = argv[0]
    if allowed is not None and name not in allowed:
        raise ToolError(f"{name} may not be run; allowed are: {', '.join(sorted(allowed)) or 'none'}")
    if "/" not in name and shutil.which(name, path=path) is None:
        if name != "python":
            raise ToolError(f"there is no program {name}")
        argv[0] = sys.executable
    return argv


def _shell_word(command: str) -> str | None:
    """A word that only a shell would understand; quoted ones are arguments."""
    with contextlib.suppress(ValueError):  # what reads well only with its backslashes
        return next((word for word in shlex.split(command, posix=False) if _SHELL_WORD.fullmatch(word)), None)
    return None


def _report(finished: Finished) -> str:
    output = finished.output
    if finished.ended:
        raise ToolError(f"{finished.ended}; it had printed:\n{output}" if output else finished.ended)
    if finished.code > 0:
        return f"{output}\n[exit code {finished.code}]".lstrip("\n")
    if finished.code < 0:
        return f"{output}\n[ended by a signal: {signal.strsignal(-finished.code)}]".lstrip("\n")
    return output or "(no output)"
