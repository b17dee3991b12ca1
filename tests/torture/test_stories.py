"""Two stories: a server dies in the middle of its answer, and a server hands the turn on in the middle of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.surfaces.frames import Frame
from tests.torture.client import Client
from tests.torture.house import Host, a_house, tracebacks
from tests.torture.laws import broken_laws
from tests.torture.ledger import read_ledger
from tests.torture.model_server import ModelServer
from tests.torture.places import a_place
from tests.torture.plans import StepPlan
from tests.torture.reader import DIALECTS, Dialect, Screen
from tests.torture.server import Options
from tests.torture.talk import Talk


class Stage(NamedTuple):
    a: Host
    b: Host
    options: Options
    client: Client


class FirstAThenB(Client):
    """Asks A until that is lost."""

    def anywhere(self, path: str) -> str:
        return self.urls[0 if self.lost == 0 else 1] + path


@asynccontextmanager
async def a_stage(folder: Path) -> AsyncIterator[Stage]:
    with a_place("sqlite", 0) as (address, _):
        async with ModelServer(pace=0.02) as model, a_house(folder, address) as house:
            alarms = str(folder / "alarms.db")
            options = Options(address, model.url, str(folder / "ledger"), lease_ms=1000, alarms=alarms)
            a, b = Host(house, "A"), Host(house, "B")
            client = FirstAThenB([a.url, b.url], 0)
            try:
                yield Stage(a, b, options, client)
                assert [*model.complaints, *client.violations, *tracebacks([a, b])] == []
            finally:
                await client.close()


class WatchedScreen(Screen):
    """Counts what it is shown, and has something happen after so many frames."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.frames = 0

    def take(self, frame: Frame) -> None:
        super().take(frame)
        self.frames += 1


class DeadlyTalk(Talk):
    """Its line is held until the server at the other end is dead."""

    victim: Host
    after: int

    async def between(self, screen: Screen) -> None:
        if isinstance(screen, WatchedScreen) and screen.frames == self.after:
            await self.victim.kill()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_text_is_whole_although_its_server_was_killed_in_the_middle(dialect: Dialect, tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        for host in (stage.a, stage.b):
            await host.start(stage.options)
            assert await host.ready()
        talk = DeadlyTalk(stage.client, "reject", "story", cutting=0.0)
        talk.victim, talk.after = stage.a, 20
        await talk.open()
        ask, screen = talk.new_ask((StepPlan(5, ("note",)), StepPlan(40))), WatchedScreen(dialect)
        await talk.stream(ask, screen)
        ask.record = await talk.settled(ask)
        assert (await broken_laws(talk))[0] == []
        assert (ask.record["status"], screen.superseded, screen.cuts >= 1) == ("completed", 1, True)
        assert len(screen.text.split()) == 45


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_hand_over_is_one_unbroken_stream(dialect: Dialect, tmp_path: Path) -> None:
    """A may only run for a moment, and has no worker of its own: B goes on, and A's reader stays where it is. Nobody
    dies here, so a lease is long enough for a busy machine."""
    async with a_stage(tmp_path) as stage:
        patient = replace(stage.options, lease_ms=15_000)
        await stage.a.start(replace(patient, run_for=0.1, works=False))
        await stage.b.start(patient)
        assert await stage.a.ready() and await stage.b.ready()
        talk = Talk(stage.client, "reject", "story", cutting=0.0)
        await talk.open()
        ask, screen = talk.new_ask((StepPlan(10, ("pay",)), StepPlan(10, ("note",)), StepPlan(20))), Screen(dialect)
        await talk.stream(ask, screen)
        ask.record = await talk.settled(ask)
        assert (await broken_laws(talk))[0] == []
        assert (ask.record["status"], screen.superseded, screen.cuts) == ("completed", 0, 0)
        assert len(screen.text.split()) == 40
        holders = {line.run.partition("-")[0] for line in read_ledger(Path(stage.options.ledger))}
        assert len(holders) == 2, "the tools ran in two processes"
