"""A bounded run of the torture on each store; `make torture` runs it for as long as it is told to."""

import random
from pathlib import Path

import pytest

from tests.torture.places import STORES
from tests.torture.torment import torment

SECONDS = 12.0


@pytest.mark.parametrize("store", STORES)
async def test_servers_die_and_the_laws_hold(store: str, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    outcome = await torment(store, SECONDS, seed, tmp_path)
    again = f"python -m tests.torture --store {store} --seconds {SECONDS:g} --seed {seed}"
    assert outcome.violations == [], f"{again}\n" + "\n".join(outcome.violations)
    assert outcome.figures["kills survived"] > 0 and outcome.figures["characters compared"] > 0, outcome.figures
