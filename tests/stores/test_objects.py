"""What every place for objects keeps to."""

import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sessionful.stores.objects import Objects
from tests.stores.object_places import PLACES

LARGE = os.urandom(5_000_000)


@pytest.fixture(params=PLACES)
async def objects(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Objects]:
    async with PLACES[request.param](tmp_path) as place:
        yield place
        place.close()


async def test_what_was_put_is_got_byte_for_byte(objects: Objects) -> None:
    objects.put("log/large", LARGE)
    objects.put("log/empty", b"")
    assert objects.get("log/large") == LARGE
    assert objects.get("log/empty") == b""


async def test_a_name_that_nothing_has_is_told_as_nothing(objects: Objects) -> None:
    objects.put("log/one", b"1")
    assert objects.get("log/two") is None
    assert objects.get("other/one") is None


async def test_what_is_put_twice_is_there_once(objects: Objects) -> None:
    objects.put("log/one", b"1")
    objects.put("log/one", b"1")
    objects.drop("log/one")
    assert objects.get("log/one") is None


async def test_one_that_is_dropped_takes_no_other_with_it(objects: Objects) -> None:
    objects.put("log/one", b"1")
    objects.put("log/one1", b"2")
    objects.drop("log/one")
    objects.drop("log/one")
    objects.drop("nowhere/one")
    assert objects.get("log/one") is None
    assert objects.get("log/one1") == b"2"


async def test_a_log_is_erased_whole_and_alone(objects: Objects) -> None:
    for name in ("log/one", "log/two", "logs/one", "lo/one"):
        objects.put(name, name.encode())
    objects.erase("log/")
    objects.erase("log/")
    objects.erase("nowhere/")
    assert [objects.get(name) for name in ("log/one", "log/two")] == [None, None]
    assert [objects.get(name) for name in ("logs/one", "lo/one")] == [b"logs/one", b"lo/one"]
    objects.put("log/one", b"again")
    assert objects.get("log/one") == b"again"


async def test_those_of_a_log_that_begin_alike_are_erased_together(objects: Objects) -> None:
    for name in ("log/C-1", "log/D-1", "log/D_2"):
        objects.put(name, b"x")
    objects.erase("log/D")
    assert [objects.get(name) for name in ("log/C-1", "log/D-1", "log/D_2")] == [b"x", None, None]


@pytest.mark.parametrize(
    "name",
    ["", "log", "log/", "/log", "../log", "log/..", "log/../one", "log/one/two", "log/one.part", "log/ö", "a\n/b"],
)
async def test_a_name_that_could_lead_elsewhere_is_refused(objects: Objects, name: str) -> None:
    for use in (objects.get, objects.drop, lambda name: objects.put(name, b"")):
        with pytest.raises(ValueError, match="an object's name"):
            use(name)


@pytest.mark.parametrize("prefix", ["", "log", "/", "../", "log/.", "*/"])
async def test_no_prefix_erases_more_than_one_log(objects: Objects, prefix: str) -> None:
    with pytest.raises(ValueError, match="an object's name"):
        objects.erase(prefix)


async def test_many_put_at_once_and_nobody_is_in_the_way(objects: Objects) -> None:
    names = [f"log{number % 3}/{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: objects.put(name, name.encode()), names))
        assert list(threads.map(objects.get, names)) == [name.encode() for name in names]
