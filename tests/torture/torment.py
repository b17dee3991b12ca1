"""A run of the torture: servers that die at random, clients that go on regardless, and the laws at the end."""

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.torture.client import Client, OutOfPatience
from tests.torture.faults import Faults
from tests.torture.house import Host, a_house, tracebacks
from tests.torture.laws import broken_laws, broken_ledger, results_in
from tests.torture.ledger import read_ledger
from tests.torture.model_server import ModelServer
from tests.torture.places import Weather, a_place
from tests.torture.plans import StepPlan
from tests.torture.scenarios import SCENARIOS, forks
from tests.torture.server import MODES, Options
from tests.torture.talk import Talk

AT_ONCE = 5
LEASE_MS = 1500


@dataclass
class Outcome:
    """`figures` by name, and every violation of a law in words."""

    figures: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


class Torment:
    """The seed decides all that is not the machine's to decide."""

    def __init__(self, client: Client, hosts: list[Host], options: Options, weather: Weather, seed: int) -> None:
        self.talks: list[Talk] = []
        self.outcome = Outcome()
        self._client, self._hosts, self._options, self._weather = client, hosts, options, weather
        self._random = random.Random(seed)
        self._histories: dict[str, list[dict[str, Any]]] = {}
        self._characters = self._probes = 0
        self._slowest_probe = 0.0

    async def run(self, seconds: float) -> Outcome:
        until = time.monotonic() + seconds
        self._client.calm_since = None
        for host in self._hosts:
            await host.start(self._options)
            await host.ready()
        self._bad_weather()
        dying = [asyncio.create_task(self._live_and_die(host, until)) for host in self._hosts]
        clients = [asyncio.create_task(self._converse(number, until)) for number in range(AT_ONCE)]
        try:
            await asyncio.gather(*dying)
            await self._calm_down()
            await asyncio.gather(*clients)
            await self._settle()
        finally:
            for task in (*dying, *clients):
                task.cancel()
        return self.outcome

    async def _live_and_die(self, host: Host, until: float) -> None:
        """Mostly a server is killed some time after it came up, sometimes before; often it kills itself."""
        while time.monotonic() < until:
            if self._random.random() < 0.1 or await host.ready():
                await host.outlive(min(self._random.uniform(0.2, 2.5), until - time.monotonic()))
                await (host.stop() if self._random.random() < 0.15 else host.kill())
            await asyncio.sleep(self._random.uniform(0.0, 0.8))
            await host.start(self._mortal())

    def _mortal(self) -> Options:
        chance = self._random
        faults = Faults(
            dying=chance.choice((0.0, 0.01, 0.03)),
            refusing=chance.choice((0.0, 0.02)),
            losing=chance.choice((0.0, 0.02)),
            latency=chance.choice((0.0, 0.2)),
            seed=chance.randrange(2**32),
        )
        skew, run_for = chance.randint(-200, 200), chance.choice((None, 0.5))
        fields: dict[str, Any] = {"faults": faults, "skew_ms": skew, "run_for": run_for}
        return replace(self._options, **fields, tool_seconds=chance.choice((0.02, 0.4)))

    def _bad_weather(self) -> None:
        self._weather.throttling, self._weather.losing, self._weather.latency = 0.01, 0.01, 0.05

    async def _calm_down(self) -> None:
        """Every server starts anew, without faults, over a store that answers."""
        self._weather.clear_up()
        for host in self._hosts:
            await host.kill()
            await host.start(self._options)
            await host.ready()
        self._client.calm_since = time.monotonic()

    async def _converse(self, number: int, until: float) -> None:
        count = 0
        while time.monotonic() < until:
            count += 1
            mode = self._random.choice(MODES)
            talk = Talk(self._client, mode, f"{mode}-{number}-{count}")
            self.talks.append(talk)
            await self._bounded(talk, until)

    async def _bounded(self, talk: Talk, until: float) -> None:
        try:
            await talk.open()
            for _ in range(self._random.randint(1, 5)):
                if time.monotonic() > until:
                    break
                await self._random.choice(SCENARIOS)(talk)
            if self._random.random() < 0.3:
                child = await forks(talk)
                self.talks.append(child)
                await self._random.choice(SCENARIOS)(child)
            if not talk.deleted:
                self._histories[talk.session] = await talk.history()
        except OutOfPatience as error:
            talk.violations.append(str(error))

    async def _settle(self) -> None:
        """When the dust has settled: each session answers once more, and the laws hold for what it has kept."""
        results: dict[str, str] = {}
        for talk in self.talks:
            if talk.deleted:
                await self._look_for(talk)
                continue
            await self._probe(talk)
            found, history = await broken_laws(talk, self._histories.get(talk.session, ()))
            self.outcome.violations += found
            results |= results_in(history)
            await self._carry(talk, history)
        self.outcome.violations += [*self._client.violations, *tracebacks(self._hosts)]
        self.outcome.violations += broken_ledger(read_ledger(Path(self._options.ledger)), results)
        self._count()

    async def _probe(self, talk: Talk) -> None:
        began = time.monotonic()
        ask = talk.new_ask((StepPlan(2),))
        try:
            await talk.send(ask)
        except OutOfPatience as error:
            talk.violations.append(f"it answers no more: {error}")
        if ask.record is not None and ask.record["status"] != "completed":
            talk.violations.append(f"its last answer is {ask.record}")
        took = time.monotonic() - began
        self._slowest_probe = max(self._slowest_probe, took)
        if took > self._options.lease_ms / 1000 + 5:
            talk.violations.append(f"it took {took:.1f} seconds to answer again")

    async def _look_for(self, talk: Talk) -> None:
        """What was deleted is nowhere to be found."""
        if (await self._client.insist("GET", talk.path)).status_code != 404:
            self.outcome.violations.append(f"{talk.session} was deleted, and is there")
        self.outcome.violations += talk.violations

    async def _carry(self, talk: Talk, history: list[dict[str, Any]]) -> None:
        """What is exported can be imported, and says the same."""
        document = (await self._client.insist("GET", f"{talk.path}/export")).json()
        path = f"/agents/{talk.mode}/sessions/import"
        copy = Talk(self._client, talk.mode, f"copy-of-{talk.session}")
        made = await self._client.insist("POST", path, params={"session_id": copy.session}, json=document)
        if made.status_code != 201:
            self.outcome.violations.append(f"{talk.session} cannot be imported: {made.text}")
        elif [(m["role"], m["text"]) for m in await copy.history()] != [(m["role"], m["text"]) for m in history]:
            self.outcome.violations.append(f"{talk.session} says something else once it is imported")

    def _count(self) -> None:
        screens = [screen for talk in self.talks for _, screen in talk.screens]
        records = [ask.record["status"] for talk in self.talks for ask in talk.asks if ask.record]
        self.outcome.figures |= {
            "kills survived": sum(host.deaths for host in self._hosts),
            "sessions": len(self.talks),
            "turns": sum(ask.turn_id is not None for talk in self.talks for ask in talk.asks),
            **{f"turns {status}": records.count(status) for status in sorted(set(records))},
            "readers": len(screens),
            "lines cut or lost": sum(screen.cuts for screen in screens),
            "take-overs seen by readers": sum(screen.superseded for screen in screens),
            "characters compared": sum(len(screen.text) for screen in screens),
            "requests": self._client.requests,
            "answers lost": self._client.lost,
            "answers 429 or 503": self._client.refused,
            "slowest answer when all is quiet, s": round(self._slowest_probe, 2),
        }


async def torment(store: str, seconds: float, seed: int, folder: Path, servers: int = 2) -> Outcome:
    with a_place(store, seed) as (address, weather):
        async with ModelServer() as model, a_house(folder, address) as house:
            options = Options(address, model.url, str(folder / "ledger"), LEASE_MS, alarms=str(folder / "alarms.db"))
            hosts = [Host(house, name) for name in "ABCDEFGH"[:servers]]
            client = Client([host.url for host in hosts], seed)
            try:
                outcome = await Torment(client, hosts, options, weather, seed).run(seconds)
            finally:
                await client.close()
            outcome.violations += model.complaints
            outcome.figures["model calls"] = model.calls
    outcome.figures["violations"] = len(outcome.violations)
    return outcome
