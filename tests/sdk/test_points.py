"""Checkpoints and going back, from Python."""

import pytest

from sessionful import Agent
from sessionful.errors import CheckpointExists, CheckpointNotFound, TurnNotFound


def test_a_session_goes_back_to_a_point_and_forth_again(agent: Agent) -> None:
    session = agent.session()
    start = session.checkpoint("start")
    session.run("We're planning a trip to Tokyo")
    session.run("And to Osaka")
    named = session.checkpoint()
    session.rewind("1")
    assert "Osaka" not in session.run("Which cities?").text
    session.rewind(named.name)
    assert "Osaka" in session.run("Which cities?").text
    session.rewind(start.name)
    assert session.messages == []


def test_a_point_that_is_not_there_is_refused(agent: Agent) -> None:
    session = agent.session()
    session.run("Tokyo")
    session.checkpoint("here")
    session.run("Osaka")
    with pytest.raises(CheckpointExists):
        session.checkpoint("here")
    with pytest.raises(CheckpointNotFound):
        session.rewind("there")
    with pytest.raises(TurnNotFound):
        session.rewind("7")
