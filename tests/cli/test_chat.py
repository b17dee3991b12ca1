"""`chat`: driven through a terminal, and through a pipe."""

import json
import shlex
import signal

from tests.cli.command import Command
from tests.cli.terminal import CTRL_C, CTRL_D, Terminal, terminal

SLOW = ("--agent", "slow", "--config", "config.yaml", "--session", "s")


def statuses(command: Command) -> list[str]:
    shown = json.loads(command.out("sessions", "show", "s", "--json", "--agent", "slow", "--config", "config.yaml"))
    assert shown["status"] == "idle"
    return [said["status"] for said in shown["messages"]]


def test_it_says_who_answers_talks_and_tells_at_the_end_how_to_go_on(command: Command) -> None:
    with terminal(command, "chat") as screen:
        screen.expect(r"assistant \(scripted\), a new session\n")
        screen.expect("> ")
        screen.type("Hello\n")
        screen.expect(r"You said: Hello \(1 messages in view\)\n> ")
        screen.type(CTRL_D)
        resume = screen.expect(r"session: sess_\w+\nresume:  \S+ -m sessionful (chat .*)\n")[1]
        assert screen.leave() == 0
    with terminal(command, *shlex.split(resume)) as screen:
        screen.expect("2 messages so far")
        screen.expect("> ")
        screen.type("Again\n")
        screen.expect(r"\(3 messages in view\)")


def test_quit_and_exit_leave(command: Command) -> None:
    for word in ("/quit", "/exit"):
        with terminal(command, "chat") as screen:
            screen.expect("> ")
            screen.type(f"{word}\n")
            assert screen.leave() == 0
            assert "resume:" not in screen.screen  # nothing was said, so there is nothing to go on with


def test_ctrl_c_while_the_model_answers_stops_the_answer_and_not_the_program(command: Command) -> None:
    with terminal(command, "chat", *SLOW) as screen:
        screen.expect("> ")
        screen.type("count\n")
        screen.expect("one two")
        screen.type(CTRL_C)
        screen.expect(r"\(cancelled\)\n> ")
        assert "sixteen" not in screen.screen
        screen.type("count again\n")
        screen.expect(r"one two .* sixteen\n> ")
        screen.type(CTRL_D)
        assert screen.leave() == 0
    assert statuses(command) == ["cancelled", "cancelled", "completed", "completed"]


def test_ctrl_c_at_the_prompt_leaves_with_130(command: Command) -> None:
    with terminal(command, "chat") as screen:
        screen.expect("> ")
        screen.interrupt()
        assert screen.leave() == 130


def test_a_terminal_that_is_closed_in_mid_answer_leaves_a_settled_turn(command: Command) -> None:
    with terminal(command, "chat", *SLOW) as screen:
        screen.expect("> ")
        screen.type("count\n")
        screen.expect("one two")
        screen.process.send_signal(signal.SIGHUP)
        assert screen.leave() == 130
    assert statuses(command) == ["cancelled", "cancelled"]


def test_clear_starts_anew_and_history_shows_what_there_is(command: Command) -> None:
    with terminal(command, "chat", "--session", "mine") as screen:
        say(screen, "first")
        screen.type("/history\n")
        screen.expect(r"user: first\nassistant: You said: first \(1 messages in view\)\n> ")
        screen.type("/clear\n")
        screen.expect("> ")
        screen.type("second\n")
        screen.expect(r"You said: second \(1 messages in view\)\n> ")
        screen.type("/history\n")
        assert "first" not in screen.expect(r"user: (.|\n)*> ")[0]
    assert json.loads(command.out("sessions", "show", "mine", "--json"))["message_count"] == 2


def test_an_unknown_command_is_not_sent_to_the_model(command: Command) -> None:
    with terminal(command, "chat") as screen:
        screen.expect("> ")
        screen.type("/hlep\n")
        screen.expect("there is no command /hlep; /history")


def test_a_failed_turn_does_not_end_the_conversation(command: Command) -> None:
    model = "{type: openai, model: m, base_url: 'http://127.0.0.1:1/v1', api_key: k, max_retries: 0}"
    (command.folder / "down.yaml").write_text(f"llms:\n  down: {model}\nagents:\n  a: {{llm: down}}\n")
    with terminal(command, "chat", "--config", "down.yaml") as screen:
        screen.expect("> ")
        screen.type("hi\n")
        screen.expect(r"error: .*\(model_unavailable\)\n> ")
        screen.type(CTRL_D)
        assert screen.leave() == 0


def test_lines_from_a_pipe_are_answered_one_by_one_and_nothing_else_is_on_stdout(command: Command) -> None:
    done = command.run("chat", "--session", "piped", stdin="one\n\ntwo\n/quit\nthree\n")
    assert done.returncode == 0
    assert done.stdout == "You said: one (1 messages in view)\nYou said: two (3 messages in view)\n"
    assert "session: piped" in done.stderr


def test_a_failed_turn_in_a_pipe_is_exit_code_1(command: Command) -> None:
    model = "{type: openai, model: m, base_url: 'http://127.0.0.1:1/v1', api_key: k, max_retries: 0}"
    (command.folder / "down.yaml").write_text(f"llms:\n  down: {model}\nagents:\n  a: {{llm: down}}\n")
    assert command.run("chat", "--config", "down.yaml", stdin="hi\n").returncode == 1


def test_what_a_model_says_cannot_drive_the_terminal(command: Command) -> None:
    evil = 'llms:\n  evil:\n    type: scripted\n    replies: ["a\\e]0;title\\a\\e[2Jb"]\nagents:\n  a: {llm: evil}\n'
    (command.folder / "evil.yaml").write_text(evil)
    with terminal(command, "chat", "--config", "evil.yaml") as screen:
        screen.expect("> ")
        screen.type("hi\n")
        screen.expect(r"\na\]0;title\[2Jb\n")


def say(screen: Terminal, text: str) -> None:
    screen.expect("> ")
    screen.type(f"{text}\n")
    screen.expect(r"You said: .*\n")
