"""A search looks at everything, a batch at a time; with NumPy or without it finds the same."""

import math
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from random import Random

import pytest

from sessionful.domain.error import InvalidRequest
from sessionful.stores.nearness import BATCH, Hit, Nearest, Row, packed, plain_words, unpacked

SIZE = 16


def a_direction(random: Random) -> tuple[float, ...]:
    numbers = [random.gauss(0, 1) for _ in range(SIZE)]
    length = math.hypot(*numbers)
    return tuple(number / length for number in numbers)


def rows(count: int, seed: int = 7) -> list[Row]:
    random = Random(seed)
    return [Row(f"m{n}", n, packed(a_direction(random)), plain_words(f"fact {n}")) for n in range(count)]


def searched(given: Sequence[Row], batch: int, words: Sequence[str] = ()) -> list[Hit]:
    nearest = Nearest(a_direction(Random(1)), words, 20)
    for start in range(0, len(given), batch):
        nearest.look_at(given[start : start + batch])
    return nearest.best()


def keys(hits: Sequence[Hit]) -> list[str]:
    return [hit.key for hit in hits]


@pytest.mark.parametrize("batch", [1, 7, BATCH - 1, BATCH, 3 * BATCH])
def test_what_is_found_does_not_depend_on_the_batches(batch: int) -> None:
    given = rows(2 * BATCH + 50)
    query = a_direction(Random(1))
    cosines = {row.key: sum(a * b for a, b in zip(query, unpacked(row.vector or b""), strict=True)) for row in given}
    expected = sorted(cosines, key=lambda key: cosines[key], reverse=True)[:20]
    hits = searched(given, batch)
    assert keys(hits) == expected
    assert [hit.score for hit in hits] == pytest.approx([cosines[key] for key in expected], abs=1e-5)


def test_words_are_looked_for_in_every_batch() -> None:
    hits = searched(rows(2 * BATCH + 50), BATCH, ["fact 3", str(BATCH + 1), str(2 * BATCH + 49)])
    assert {"m3", f"m{BATCH + 1}", f"m{2 * BATCH + 49}"} <= set(keys(hits))


@pytest.mark.skipif(find_spec("numpy") is None, reason="needs NumPy")
def test_numpy_is_loaded_by_a_large_scan_only() -> None:
    script = (
        "import sys\n"
        "from tests.stores.test_nearness import BATCH, rows, searched\n"
        "searched(rows(BATCH - 1), BATCH)\n"
        "assert 'numpy' not in sys.modules\n"
        "searched(rows(BATCH), BATCH)\n"
        "assert 'numpy' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_a_scaled_query_scores_the_same() -> None:
    given = rows(30)
    vector = a_direction(Random(1))
    scaled = Nearest([5 * number for number in vector], [], 20)
    scaled.look_at(given)
    assert [hit.score for hit in scaled.best()] == pytest.approx([hit.score for hit in searched(given, BATCH)])


def test_a_vector_of_another_size_is_not_compared() -> None:
    nearest = Nearest((1.0, 0.0), [], 5)
    nearest.look_at([Row("long", 1, packed((1.0, 0.0, 0.0)), "  "), Row("none", 1, b"", "  ")])
    assert nearest.best() == []


def test_what_is_no_number_is_not_compared() -> None:
    nearest = Nearest((1.0, 0.0), [], 5)
    nearest.look_at([Row("odd", 1, packed((math.nan, 0.0)), "  ")])
    assert nearest.best() == []


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        packed((1e300,))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada's café, RÉSUMÉ!", " ada s cafe resume "),
        ("user_id  e-mail", " user id e mail "),
        ("が か", " が か "),
        ("東京都", " 東 京 都 "),
        ("हिन्दी में", " हिन्दी में "),
        ("한국어 말", " 한국어 말 "),
        ("ﬁne ① Ⅳ", " fine 1 iv "),
        ("… 🦊 —", "  "),
        ("", "  "),
    ],
)
def test_words_are_plain(text: str, words: str) -> None:
    assert plain_words(text) == words
