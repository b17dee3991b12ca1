"""The benchmark of memory sees what it is there to see: figures that cannot be bad would say nothing."""

from pathlib import Path

from bench.memory import cost, recall
from bench.memory.recall import Setting, Size, at

SMALL = Size(owners=1, sessions=4, turns=9)
EASY = Setting(threshold=0.5)


async def test_a_seed_gives_the_same_figures_in_memory_and_in_sqlite(tmp_path: Path) -> None:
    in_memory = await recall.measure(EASY, SMALL, 1)
    in_sqlite = await recall.measure(EASY, SMALL, 1, str(tmp_path / "sessions.db"))

    assert in_sqlite == in_memory
    assert (in_memory.lost, in_memory.stale, in_memory.still_live) == (0, 0, 0)
    assert at(1, in_memory.asked) > 0.5


async def test_nothing_crosses_a_border_and_what_would_is_counted() -> None:
    two = SMALL._replace(owners=2)

    assert (await recall.measure(EASY, two, 1)).leaks == 0
    assert (await recall.measure(EASY._replace(scope="all"), two, 1)).leaks > 0
    assert (await recall.measure(EASY._replace(apart="conversational"), SMALL, 1)).leaks > 0


async def test_what_no_model_says_is_outdated_is_counted_as_stale() -> None:
    score = await recall.measure(EASY._replace(supersedes=False), SMALL, 1)

    assert score.still_live > 0
    assert score.stale > 0


async def test_who_remembers_nothing_recalls_nothing() -> None:
    score = await recall.measure(Setting(scope=None), SMALL, 1)

    assert set(score.asked) == {None}
    assert score.lost == score.told > 0


async def test_a_long_session_costs_what_its_strategy_lets_it() -> None:
    turns = [10, 150]
    full, window, summary = [await cost.measure(each, 0, None, 1, turns) for each in cost.STRATEGIES]

    assert full.prompts[0] == window.prompts[0] == summary.prompts[0]
    assert full.prompts[1] > summary.prompts[1] > window.prompts[1]
    assert (full.in_view, window.in_view, summary.in_view) == (1, 0, 1)
    assert (full.old_in_view, summary.old_in_view) == (1, 0)
    assert summary.beside > full.beside == 0
