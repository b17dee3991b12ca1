"""Talking to a server over a line that breaks: every word once, and the turn runs once."""

import json

import pytest

from tests.cli.bad_line import bad_line
from tests.cli.command import Command

ANSWER = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen\n"


@pytest.mark.parametrize("after", [10, 700, 1100])
def test_an_answer_that_is_cut_off_is_taken_up_where_it_broke(command: Command, after: int) -> None:
    """Before its first byte, in its headers or first frames, and in the middle of the text."""
    with command.serving("--config", "config.yaml") as (url, _), bad_line(url, cuts=2, after=after) as line:
        told = command.out("call", "count", "--agent", "slow", "--session", "s", "--url", line.url)
        assert (told, line.cuts_left) == (ANSWER, 0)
        shown = json.loads(command.out("sessions", "show", "s", "--json", "--url", url, "--agent", "slow"))
    assert shown["message_count"] == 2


def test_a_line_that_stays_broken_is_a_failure_that_says_so(command: Command) -> None:
    with command.serving("--config", "config.yaml") as (url, _), bad_line(url, cuts=100, after=10) as line:
        code, said = command.fails("call", "count", "--agent", "slow", "--url", line.url)
    assert code == 1
    assert said.splitlines()[-1].startswith("error: the connection broke off, and the turn may go on: ")
    assert said.endswith("(unreachable)\n")
