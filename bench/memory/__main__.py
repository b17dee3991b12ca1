"""`python -m bench.memory`: two tables, in Markdown."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from bench.memory import cost, recall
from bench.memory.cost import Cost
from bench.memory.recall import Score, Setting, Size, at
from sessionful.embedders.local import LocalEmbedder

_QUALITY = (
    "| longterm | asked @1 | @5 | reworded @1 | @5 | stale | recalled for nothing | leaks | junk kept | facts lost |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)
_COST = (
    "| working | longterm | tokens at {} | mean | beside | in view | outdated in view |\n|---|---|{}---|---|---|---|"
)

_SHORTEST = 100
_BATCHES = {0: "none", 1: "after each turn", 10: "after ten turns"}


def quality_row(name: str, score: Score) -> str:
    shares = [at(1, score.asked), at(5, score.asked), at(1, score.meant), at(5, score.meant)]
    counts = [
        (score.stale, score.changed),
        (score.idle, score.off_topic),
        (score.leaks, score.texts),
        (score.junk, score.offered),
        (score.lost, score.told),
    ]
    cells = [name, *(f"{share:.2f}" for share in shares), *(f"{some} of {all_of_it}" for some, all_of_it in counts)]
    return f"| {' | '.join(cells)} |"


def cost_row(strategy: str, longterm: str, figures: Cost) -> str:
    tokens = [*figures.prompts, figures.spent, figures.beside]
    cells = [strategy, longterm, *(f"{number:,.0f}" for number in tokens)]
    return f"| {' | '.join([*cells, f'{figures.in_view:.2f}', f'{figures.old_in_view:.2f}'])} |"


async def _quality(size: Size, seed: int, store: str) -> None:
    local = LocalEmbedder()
    settings = {
        "none": Setting(scope=None),
        "words only": Setting(),
        "words only, threshold 0.5": Setting(threshold=0.5),
        "vectors and words": Setting(local),
        "vectors and words, threshold 0.5": Setting(local, threshold=0.5),
        "vectors and words, nothing superseded": Setting(local, supersedes=False),
    }
    _say(_QUALITY)
    for name, setting in settings.items():
        with tempfile.TemporaryDirectory() as folder:
            place = "memory" if store == "memory" else str(Path(folder) / "sessions.db")
            began = time.process_time()
            score = await recall.measure(setting, size, seed, place)
        _say(quality_row(name, score))
        _note(f"{name}: {score.still_live} outdated facts not ended; {time.process_time() - began:.0f} s")


async def _cost(seed: int, turns: list[int]) -> None:
    _say("\n" + _COST.format(" | ".join(f"{turn:,}" for turn in turns), "---|" * len(turns)))
    embedder = LocalEmbedder()
    for strategy, batch in cost.ROWS:
        began = time.process_time()
        figures = await cost.measure(strategy, batch, embedder if batch else None, seed, turns)
        _say(cost_row(strategy, _BATCHES[batch], figures))
        _note(f"{strategy}: {time.process_time() - began:.0f} s")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _note(line: str) -> None:
    sys.stderr.write(f"  {line}\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description="What memory brings back, and costs.")
    parser.add_argument("--seed", type=int, default=1, help="of the conversations (1)")
    parser.add_argument(
        "--owners", type=int, choices=range(1, 7), default=Size().owners, help="who talk with three agents each (4)"
    )
    parser.add_argument("--store", choices=("memory", "sqlite"), default="memory", help="where all is kept (memory)")
    parser.add_argument("--turns", type=int, nargs="+", default=list(cost.TURNS), help="of the long session")
    parser.add_argument("--only", choices=("quality", "cost"), help="one of the two tables")
    given = parser.parse_args()
    if max(given.turns) < _SHORTEST:
        parser.error(f"a session of less than {_SHORTEST} turns has no room for what is said in it")
    if given.only != "cost":
        asyncio.run(_quality(Size(owners=given.owners), given.seed, given.store))
    if given.only != "quality":
        asyncio.run(_cost(given.seed, sorted(given.turns)))


if __name__ == "__main__":
    main()
