"""A server is killed at each of the writes that a turn makes, before it and after it; its reader goes on elsewhere."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.torture.client import Client
from tests.torture.faults import Faults
from tests.torture.house import Host, House, a_house, tracebacks
from tests.torture.laws import broken_laws, broken_ledger, results_in
from tests.torture.ledger import read_ledger
from tests.torture.model_server import ModelServer
from tests.torture.places import STORES, a_place
from tests.torture.plans import StepPlan
from tests.torture.reader import DIALECTS, Screen
from tests.torture.server import Options
from tests.torture.talk import Talk

PLAN = (StepPlan(12, ("pay", "note")), StepPlan(12, ("note",)), StepPlan(25))
AT_ONCE = 5
FEWEST_WRITES = 6  # begin, a flush before each step's calls, two steps, the end


class Faithful(Client):
    """Asks the first server, until that is lost."""

    def anywhere(self, path: str) -> str:
        return self.urls[0 if self.lost == 0 else 1] + path


async def one_turn(house: House, number: int, doomed: Options, other: Host, when: str) -> tuple[bool, list[str]]:
    """Whether the server died of it, and what was wrong then."""
    first = Host(house, f"{when}-{number}")
    await first.start(replace(doomed, faults=Faults(**{f"die_{when}": number})))
    assert await first.ready()
    client = Faithful([first.url, other.url], number)
    try:
        quiet = Client([other.url], number)
        talk = Talk(client, "reject", f"{when}-{number}", cutting=0.0)
        await Talk(quiet, "reject", talk.session).open()
        ask, screen = talk.new_ask(PLAN), Screen(DIALECTS[number % 3])
        await talk.stream(ask, screen)
        died = await first.dead()
        await first.kill()
        client.lost += 1  # whoever asks now asks the other
        ask.record = await talk.settled(ask)
        found, history = await broken_laws(talk)
        found += broken_ledger(read_ledger(Path(doomed.ledger)), results_in(history))
        if ask.record["status"] != "completed" and "pay" not in str(ask.record["error"]):
            found.append(f"{talk.session} ended as {ask.record['status']}: {ask.record['error']}")
        return died, [*found, *client.violations]
    finally:
        await client.close()
        await quiet.close()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("store", STORES)
async def test_a_reader_has_the_whole_text_wherever_the_writer_was_killed(
    store: str, when: str, tmp_path: Path
) -> None:
    """From its first write on, until a turn runs through; how often it is flushed on the way is the clock's affair."""
    found, deaths, first = list[str](), 0, 1
    with a_place(store, 0) as (address, _):
        async with ModelServer() as model, a_house(tmp_path, address) as house:
            options = Options(address, model.url, str(tmp_path / "ledger"), lease_ms=800, flush_seconds=0.1)
            other = Host(house, "other")
            await other.start(options)
            assert await other.ready()
            died = True
            while died:
                numbers = range(first, first + AT_ONCE)
                told = await asyncio.gather(*(one_turn(house, number, options, other, when) for number in numbers))
                found += [what for _, each in told for what in each]
                fell = [died for died, _ in told]
                died, deaths, first = all(fell), deaths + sum(fell), numbers.stop
            found += [*model.complaints, *tracebacks([other])]
    assert found == []
    assert deaths >= FEWEST_WRITES
