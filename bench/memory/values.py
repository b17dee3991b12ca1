"""Names, places, things and dates: each is given out once, so that it is known wherever it turns up."""

from collections.abc import Iterator
from itertools import product
from random import Random


def _words(*lines: str) -> list[str]:
    return " ".join(lines).split()


_FIRST = _words(
    "Alder Birch Cedar Dover Ember Falcon Garnet Hazel Indigo Juniper Kestrel Linden Maple Nettle Orchid",
)
_PLACE = _words(
    "Bridge Cross Dale Falls Ferry Green Harbour Hill Mill Moor Point Ridge Vale",
)
_THING = _words(
    "Arrow Bear Comet Drum Echo Flint Grove Horizon Lantern Mirror Pilot River Spark Anchor Signal Trail",
)
GIVEN = _words(
    "Anna Boris Clara David Elena Felix Greta Henry Irene Jonas Karin Louis Maria Nils Olga Peter Rosa",
    "Simon Tilda Ulrich Vera Walter Yvonne",
)
_FAMILY = _words(
    "Abbot Baker Carter Dietz Evans Fischer Grant Hansen Iversen Jansen Keller Larsen Moreau Novak Olsen",
    "Petit Quinn Rossi Sauer Thomsen Urban Vogel Weber",
)
_MONTHS = _words(
    "January February March April May June July August September October November December",
)


class Values:
    """Enough of them for the talks of twenty pairs of an owner and an agent."""

    def __init__(self, random: Random) -> None:
        places = [f"{first} {last}" for first, last in product(_FIRST, _PLACE)]
        things = [f"{first} {last}" for first, last in product(_FIRST, _THING)]
        people = [f"{first} {last}" for first, last in product(GIVEN, _FAMILY)]
        dates = [f"{day} {month} {year}" for day, month, year in product(range(10, 29), _MONTHS, (2027, 2028))]
        self._left: dict[str, Iterator[str]] = {}
        for kind, all_of_it in (("place", places), ("thing", things), ("person", people), ("date", dates)):
            random.shuffle(all_of_it)
            self._left[kind] = iter(all_of_it)

    def new(self, kind: str) -> str:
        return next(self._left[kind])
