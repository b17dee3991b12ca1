"""`call`: one message, one answer, a process of its own each time."""

import json
import re
import signal
import subprocess
from typing import Any

import pytest

from tests.cli.command import Command, read_until
from tests.sdk.openai_server import openai_server


def history(command: Command, session: str) -> list[tuple[str, str, str]]:
    shown = json.loads(command.out("sessions", "show", session, "--json"))
    return [(said["role"], said["text"], said["status"]) for said in shown["messages"]]


def test_stdout_holds_the_answer_and_nothing_else(command: Command) -> None:
    done = command.run("call", "Hello")
    assert done.stdout == "You said: Hello (1 messages in view)\n"
    assert done.returncode == 0


def test_without_a_session_it_makes_one_and_tells_its_id_on_stderr(command: Command) -> None:
    done = command.run("call", "Hello")
    found = re.search(r"session (sess_[0-9a-z]{26})", done.stderr)
    assert found
    assert history(command, found[1])[0] == ("user", "Hello", "completed")


def test_the_same_session_id_is_the_same_conversation_in_the_next_process(command: Command) -> None:
    command.out("call", "Hello", "--session", "my session:2")
    assert "(3 messages in view)" in command.out("call", "Again", "--session", "my session:2")
    assert "(1 messages in view)" in command.out("call", "Again", "--session", "another")


def test_it_says_on_stderr_which_model_answers(command: Command) -> None:
    assert "assistant (scripted), session mine" in command.run("call", "Hello", "--session", "mine").stderr


def test_it_streams_as_the_model_speaks(command: Command) -> None:
    with command.start("call", "count", "--agent", "slow", "--config", "config.yaml") as process:
        read_until(process, "one two")
        assert process.poll() is None
        assert process.stdout is not None
        rest = process.stdout.read()
    assert rest.endswith("fifteen sixteen\n")


def test_no_stream_shows_the_answer_when_it_is_complete(command: Command) -> None:
    """The first that can be read is all of it."""
    with command.start("call", "count", "--agent", "slow", "--config", "config.yaml", "--no-stream") as process:
        assert process.stdout is not None
        chunk = process.stdout.buffer.raw.read(4096)  # type: ignore[union-attr]
        assert chunk.startswith(b"one two")
        assert chunk.rstrip().endswith(b"sixteen")


def test_a_dash_reads_the_message_from_standard_input(command: Command) -> None:
    assert command.out("call", "-", stdin="from a pipe") == "You said: from a pipe (1 messages in view)\n"


def test_killed_in_mid_answer_it_has_kept_the_message_and_what_was_said_before(command: Command) -> None:
    slow = ("--agent", "slow", "--config", "config.yaml", "--session", "s")
    command.out("call", "first", *slow)
    with command.start("call", "second", *slow) as process:
        read_until(process, "one two")
        process.kill()
        process.wait()
    shown = json.loads(command.out("sessions", "show", "s", "--json", "--agent", "slow", "--config", "config.yaml"))
    assert [said["text"][:7] for said in shown["messages"]] == ["first", "one two", "second"]
    assert shown["messages"][2]["status"] == "running"


def test_while_a_dead_process_still_holds_the_session_the_next_call_says_so(command: Command) -> None:
    slow = ("--agent", "slow", "--config", "config.yaml", "--session", "s")
    with command.start("call", "first", *slow) as process:
        read_until(process, "one two")
        process.kill()
        process.wait()
    code, said = command.fails("call", "second", *slow)
    assert code == 1
    assert said.endswith("(session_busy)\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_settles_the_turn_and_the_session_is_free_at_once(
    command: Command, number: signal.Signals
) -> None:
    slow = ("--agent", "slow", "--config", "config.yaml", "--session", "s")
    with command.start("call", "first", *slow) as process:
        read_until(process, "one two")
        process.send_signal(number)
        assert process.wait() == 130
    shown = json.loads(command.out("sessions", "show", "s", "--json", "--agent", "slow", "--config", "config.yaml"))
    assert shown["status"] == "idle"
    assert [said["status"] for said in shown["messages"]] == ["cancelled", "cancelled"]
    assert shown["messages"][1]["text"].startswith("one two")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["call", "hi", "--bad"], "error: No such option: --bad (usage)"),
        (["cal", "hi"], "error: No such command 'cal'."),
        (["call"], "error: Missing argument 'TEXT'. (usage)"),
        (["call", "hi", "--agent"], "error: Option '--agent' requires an argument. (usage)"),
        (["call", "hi", "--agent", "asistant"], "did you mean 'assistant'? (agent_not_found)"),
        (["call", "hi", "--session", "a/b"], "(invalid_request)"),
        (["call", "  "], "error: the message is empty (invalid_request)"),
        (["call", "hi", "--config", "none.yaml"], "error: cannot read none.yaml: No such file or directory"),
        (["call", "hi", "--config", "config.yaml"], "name one with --agent: assistant, slow (invalid_request)"),
        (["call", "hi", "--model", "scriptd"], "error: --model does not name a model"),
        (["call", "hi", "--url", "localhost:8080"], "error: --url is an http:// or https:// address"),
        (["call", "hi", "--url", "http://127.0.0.1:1", "--config", "config.yaml"], "--url talks to a server"),
    ],
)
def test_wrong_usage_is_one_line_on_stderr_and_exit_code_2(command: Command, arguments: list[str], says: str) -> None:
    code, said = command.fails(*arguments)
    assert code == 2
    assert says in said
    assert len(said.splitlines()) == 1


def test_a_server_that_is_not_there_is_a_failure(command: Command) -> None:
    code, said = command.fails("call", "hi", "--url", "http://127.0.0.1:1")
    assert (code, said.startswith("error: no answer from http://127.0.0.1:1")) == (1, True)


def test_a_failed_turn_is_told_on_stderr_with_exit_code_1(command: Command) -> None:
    model = "{type: openai, model: m, base_url: 'http://127.0.0.1:1/v1', api_key: k, max_retries: 0}"
    (command.folder / "down.yaml").write_text(f"llms:\n  down: {model}\nagents:\n  a: {{llm: down}}\n")
    done = command.run("call", "hi", "--config", "down.yaml", "--session", "s")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert done.stderr.endswith("(model_unavailable)\n")
    assert "Traceback" not in done.stderr


def test_tool_calls_are_shown_on_stderr_and_other_agents_can_be_asked(command: Command) -> None:
    def brain(messages: list[dict[str, Any]], _: dict[str, Any]) -> str | dict[str, Any]:
        if messages[-1]["role"] == "tool":
            return "The helper has answered."
        arguments = {"agent": "helper", "task": "greet"}
        return {"name": "agent_call", "arguments": json.dumps(arguments)}

    with openai_server(brain) as vendor:
        (command.folder / "team.yaml").write_text(
            f"""\
llms:
  brain: {{type: openai, model: m, base_url: "{vendor.url}", api_key: k}}
  echo: {{type: scripted}}
agents:
  boss: {{llm: brain, tools: [agent_call], sub_agents: [helper], reasoning: {{show_tool_execution: true}}}}
  helper: {{llm: echo}}
"""
        )
        done = command.run("call", "Ask the helper", "--agent", "boss", "--config", "team.yaml", "--session", "s")
    assert done.stdout.rstrip() == "The helper has answered."
    assert '[Tool: agent_call("helper", "greet")]\nYou said: greet (1 messages in view)\n' in done.stderr


def test_bytes_that_are_no_text_are_wrong_usage(command: Command) -> None:
    done = subprocess.run(
        command.line("call", "-"), cwd=command.folder, env=command.environment, input=b"a\xffb", capture_output=True
    )
    assert (done.returncode, done.stderr) == (2, b"error: the message is not UTF-8 (invalid_request)\n")


def test_the_environment_may_name_the_session(command: Command) -> None:
    going = Command(command.folder, SESSIONFUL_SESSION="daily")
    going.out("call", "one")
    assert "(3 messages in view)" in going.out("call", "two")
    assert "(1 messages in view)" in going.out("call", "three", "--session", "other")


def test_a_reader_that_goes_away_is_no_traceback(command: Command) -> None:
    with command.start("call", "count", "--agent", "slow", "--config", "config.yaml") as process:
        read_until(process, "one two")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait() == 1
        assert "Traceback" not in process.stderr.read()
        process.stdout = None
