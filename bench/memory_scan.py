"""How long a search of one scope takes in the DynamoDB bank, what it misses, and what it costs to read the scope first.

`python -m bench.memory_scan`. No table is asked: the items are those that the bank writes, and their requests and units
are counted from their sizes. Sentences and questions are made of a fixed set of words, and a text's vector is the sum
of its words' (seeded) and of what all have in common, as with models of static embeddings.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from operator import mul
from statistics import median
from typing import NamedTuple

from sessionful.domain.memory import Memory, Scope, Source, digest_of
from sessionful.domain.session import Position
from sessionful.stores.dynamodb.actions import size
from sessionful.stores.dynamodb.bank import places
from sessionful.stores.dynamodb.bank.codec import Kept, write_memory
from sessionful.stores.dynamodb.bank.scan import Row, Scan
from sessionful.stores.dynamodb.bank.vectors import direction
from sessionful.stores.dynamodb.table import SORT

MODEL = "bench"
SCOPE = Scope("guide", "ada")
TOP = 10
_PAGE_BYTES = 1_000_000
_READ_UNIT = 4096

_VOCABULARY = """\
who sister brother colleague neighbour boss friend dentist teacher landlord cousin aunt doctor trainer
name Ada Ben Chloe Dmitri Eva Farid Greta Hugo Ines Jonas Kira Liam Mona Nils Olga Pia Rosa Sven Tara Umar
does loves hates avoids enjoys teaches sells collects repairs studies paints
what coffee tea jazz chess sushi opera cats trains cheese violins tennis poetry whisky bread pottery bees
where Rome Paris Oslo Lima Cairo Tokyo Vienna Prague Lisbon Dublin Athens Berlin Madrid Quito Hanoi
when Monday Tuesday Wednesday Thursday Friday Saturday Sunday
"""
_WORDS = {kind: words for kind, *words in map(str.split, _VOCABULARY.splitlines())}


class Figures(NamedTuple):
    """Times are ms of the processor, so that other work beside it does not count; `kept` is the share of the exact ten
    nearest that the search finds, `least` that of its worst."""

    dimensions: int
    memories: int
    read: float
    first: float
    search: float
    slowest: float
    kept: float
    least: float
    item_bytes: float
    requests: int
    units: float


def measure(memories: int, dimensions: int, questions: int) -> Figures:
    drawn = random.Random(1)
    texts = sorted({sentence for sentence, _ in zip(_sentences(drawn), range(memories * 3), strict=False)})
    drawn.shuffle(texts)
    vectors = {text: embed(text, dimensions) for text in texts[:memories]}
    items = [write_memory(places.partition(SCOPE), _kept(number, *one)) for number, one in enumerate(vectors.items())]
    begun = time.process_time()
    scan = Scan("v", {item[SORT]["S"]: Row.of(item) for item in items})
    read = time.process_time() - begun
    asked = [_question(drawn) for _ in range(questions)]
    times, shares = [], []
    for question in asked:
        vector = embed(question, dimensions)
        begun = time.process_time()
        found = scan.search(direction(vector), MODEL, question.split(), TOP)
        times.append(time.process_time() - begun)
        shares.append(_share([hit.score for _, hit in found], vector, list(vectors.values())))
    bytes_ = sum(map(size, items))
    return Figures(
        dimensions,
        len(items),
        read * 1000,
        times[0] * 1000,
        median(times[1:]) * 1000,
        max(times[1:]) * 1000,
        sum(shares) / len(shares),
        min(shares),
        bytes_ / len(items),
        1 + math.ceil(bytes_ / _PAGE_BYTES),
        1 + math.ceil(bytes_ / _READ_UNIT),
    )


def embed(text: str, dimensions: int) -> tuple[float, ...]:
    words = [_word(word, dimensions) for word in text.lower().split()]
    common = _word("", dimensions)
    summed = [sum(numbers) for numbers in zip(common, *words, strict=True)]
    length = math.sqrt(sum(map(mul, summed, summed)))
    return tuple(number / length for number in summed)


@cache
def _word(word: str, dimensions: int) -> tuple[float, ...]:
    drawn = random.Random(f"{word} {dimensions}")
    return tuple(drawn.gauss(0, 1) for _ in range(dimensions))


def _sentences(drawn: random.Random) -> Iterator[str]:
    while True:
        said = {kind: drawn.choice(words) for kind, words in _WORDS.items()}
        yield "The user's {who} {name} {does} {what} in {where} every {when}".format_map(said)


def _question(drawn: random.Random) -> str:
    asked = {kind: drawn.choice(words) for kind, words in _WORDS.items()}
    return "What does my {who} {name} do about {what} in {where} on {when}".format_map(asked)


def _kept(number: int, text: str, vector: tuple[float, ...]) -> Kept:
    said = Source(owner="ada", session_id=f"sess_{number:026d}", log=f"{number:026d}", at=Position(number + 1, 1))
    return Kept(
        Memory(
            id=f"mem_{number:026d}",
            scope=SCOPE,
            text=text,
            digest=digest_of(text),
            created_at=1_800_000_000_000 + number,
            sources=(said,),
            model=MODEL,
            vector=vector,
        ),
        by_hand=False,
    )


def _share(found: Sequence[float], vector: Sequence[float], others: Sequence[Sequence[float]]) -> float:
    """Of the ten nearest by exact comparison: those found, or others as near but for how vectors are kept."""
    exact = sorted((sum(map(mul, vector, other)) for other in others), reverse=True)[:TOP]
    best = sorted(found, reverse=True)[:TOP]
    held = [got >= wanted - 0.003 for got, wanted in zip(best, exact, strict=True)]
    return held.count(True) / TOP


def table(figures: Sequence[Figures]) -> str:
    lines = [
        "| numbers | memories | read, ms | first search | search, ms | slowest | of the exact ten | worst | bytes each"
        " | requests | read units |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.dimensions} | {one.memories} | {one.read:.0f} | {one.first:.0f} | {one.search:.1f} | {one.slowest:.1f}"
        f" | {one.kept:.3f} | {one.least:.1f} | {one.item_bytes:.0f} | {one.requests} | {one.units:.0f} |"
        for one in figures
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory_scan", description="Searches of one scope.")
    parser.add_argument("--memories", type=int, default=10_000, help="in the scope (10000)")
    parser.add_argument("--questions", type=int, default=50, help="asked (50)")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[256, 1024], help="numbers of a vector")
    given = parser.parse_args()
    figures = [measure(given.memories, dimensions, given.questions) for dimensions in given.dimensions]
    sys.stdout.write(f"{table(figures)}\n")


if __name__ == "__main__":
    main()
