"""Store and laws side by side: whatever is done, in whatever order, both answer and show the same."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import initialize, run_state_machine_as_test

from tests.contracts.machine import NAMES
from tests.contracts.rules_of_sessions import SessionRules
from tests.contracts.rules_of_turns import TurnRules
from tests.contracts.stores import FACTORIES


class StoreAndLaws(TurnRules, SessionRules):
    @initialize()
    def begin_with_something(self) -> None:
        for name, timeout in (("a", None), ("b", 100)):
            self.make(name, timeout)
            self.take_turn(NAMES.index(name), ["one", "two"])


@pytest.mark.parametrize("name", FACTORIES)
def test_a_store_keeps_the_laws_whatever_is_done_to_it(name: str) -> None:
    slow = name.startswith("dynamodb")
    bounded = settings(
        max_examples=8 if slow else 30,
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=[Phase.generate] if slow else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    class StoreHere(StoreAndLaws):
        factory = staticmethod(FACTORIES[name])

    run_state_machine_as_test(StoreHere, settings=bounded)
