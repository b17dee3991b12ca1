"""`serve`: a real port, and how it ends."""

import json
import signal
import socket
import subprocess
import time
import urllib.request
from typing import Any

import pytest

from tests.cli.command import Command, read_until
from tests.cli.terminal import CTRL_C, terminal

COUNT = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
LEASE_SECONDS = 15
SOON = 10  # seconds; two of them where the machine has nothing else to do
SLOW = ("--agent", "slow", "--session", "s")


def test_it_prints_where_it_is_who_answers_and_what_to_try(command: Command) -> None:
    with command.start("serve", "--port", "0", "--config", "config.yaml") as process:
        said = read_until(process, r"(?s).*Ctrl-C stops it\.")[0]
    assert "sessionful serves http://127.0.0.1:" in said
    assert "assistant: scripted" in said
    assert "data/sessions.db" in said
    assert "curl -N http://127.0.0.1:" in said


def test_the_curl_line_that_it_prints_works(command: Command) -> None:
    with command.start("serve", "--port", "0") as process:
        line = read_until(process, r"(?m)^  (curl -N .*)$")[1]
        told = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=20).stdout
    assert told.startswith("id: ")
    assert 'data: {"chunk": "You"}' in told
    assert told.endswith("data: [DONE]\n\n")


def test_the_page_is_there(command: Command) -> None:
    with command.serving() as (url, _), urllib.request.urlopen(f"{url}/", timeout=10) as answer:
        assert answer.headers.get_content_type() == "text/html"


def test_what_is_said_at_a_server_and_on_this_machine_is_one_conversation(command: Command) -> None:
    with command.serving() as (url, _):
        command.out("call", "one", "--session", "shared", "--url", url)
        assert "(3 messages in view)" in command.out("call", "two", "--session", "shared")


def test_the_environment_may_name_the_server(command: Command) -> None:
    with command.serving() as (url, _):
        there = Command(command.folder, SESSIONFUL_URL=url, SESSIONFUL_STORE="memory")
        there.out("call", "hi", "--session", "s")
        assert "(3 messages in view)" in there.out("call", "hi", "--session", "s")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_asked_to_stop_where_no_worker_is_it_ends_soon_and_settles_the_running_turn(
    command: Command, number: signal.Signals, code: int
) -> None:
    """An idle reader that would wait for ever is connected too."""
    command = Command(command.folder, SESSIONFUL_ALARMS="none")
    with (
        command.serving("--config", "config.yaml") as (url, server),
        command.start("call", "count", *SLOW, "--url", url) as caller,
    ):
        read_until(caller, "one two")
        with _idle_reader(f"{url}/agents/slow/sessions/s/messages/stream?after=1.9.1"):
            _stops(server, number, code)
        assert caller.wait() == 1
        assert caller.stderr is not None
        assert caller.stderr.read().endswith("(turn_interrupted)\n")
    shown = _shown(command)
    assert (shown["status"], shown["messages"][0]["status"]) == ("idle", "interrupted")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_asked_to_stop_it_ends_soon_and_hands_the_running_turn_over(
    command: Command, number: signal.Signals, code: int
) -> None:
    """Whoever serves next looks after it, and tells its readers the rest."""
    with (
        command.serving("--config", "config.yaml") as (url, server),
        command.start("call", "count", *SLOW, "--url", url) as caller,
    ):
        read_until(caller, "one two")
        _stops(server, number, code)
    assert _shown(command)["status"] == "busy"
    begun = time.monotonic()
    with command.serving("--config", "config.yaml") as (url, _):
        path = f"{url}/agents/slow/sessions/s/messages/stream?after=1.1.1"
        with urllib.request.urlopen(path, timeout=LEASE_SECONDS) as rest:
            assert rest.read().endswith(b"data: [DONE]\n\n")
    assert time.monotonic() - begun < LEASE_SECONDS
    shown = _shown(command)
    assert (shown["status"], shown["messages"][1]["status"]) == ("idle", "completed")
    assert shown["messages"][1]["text"] == COUNT


def test_killed_it_has_kept_the_conversation_and_serves_it_again(command: Command) -> None:
    with command.serving() as (url, server):
        command.out("call", "one", "--session", "s", "--url", url)
        server.kill()
        server.wait()
    with command.serving() as (url, _):
        assert "(3 messages in view)" in command.out("call", "two", "--session", "s", "--url", url)


def test_ctrl_c_in_a_remote_chat_stops_the_answer_at_the_server(command: Command) -> None:
    with command.serving("--config", "config.yaml") as (url, _):
        with terminal(command, "chat", *SLOW, "--url", url) as screen:
            screen.expect("> ")
            screen.type("count\n")
            screen.expect("one two")
            screen.type(CTRL_C)
            screen.expect(r"\(cancelled\)\n> ")
        shown = json.loads(command.out("sessions", "show", "s", "--json", "--url", url, "--agent", "slow"))
    assert [said["status"] for said in shown["messages"]] == ["cancelled", "cancelled"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "example.com"])
def test_an_address_that_others_reach_is_refused(command: Command, host: str) -> None:
    code, said = command.fails("serve", "--host", host, "--port", "0")
    assert (code, len(said.splitlines())) == (2, 1)
    assert "--allow-unauthenticated" in said


def test_unless_it_is_allowed_by_name(command: Command) -> None:
    with command.start("serve", "--host", "0.0.0.0", "--port", "0", "--allow-unauthenticated") as process:
        port = read_until(process, r"http://0\.0\.0\.0:(\d+)")[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            assert json.load(answer) == {"status": "ok"}


def test_a_port_that_is_taken_is_one_line(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = command.fails("serve", "--port", port)
    assert code == 2
    assert said.startswith(f"error: cannot listen at 127.0.0.1:{port}: ")
    assert len(said.splitlines()) == 1


def _shown(command: Command) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(command.out("sessions", "show", "s", "--json", "--config", "config.yaml"))
    return shown


def _stops(server: "subprocess.Popen[str]", number: signal.Signals, code: int) -> None:
    server.send_signal(number)
    assert server.wait(SOON) == code
    assert server.stderr is not None
    assert "Traceback" not in server.stderr.read()


class _idle_reader:
    """Follows a session in which nothing is said."""

    def __init__(self, url: str) -> None:
        self._answer = urllib.request.urlopen(url, timeout=10)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._answer.close()
