"""Large entries of a SQLite store: files beside the database, erased with their session, whoever dies when."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from sessionful.domain.error import InvalidRequest, StoreUnavailable
from sessionful.domain.message import Image, Message
from sessionful.domain.session import Position
from sessionful.stores.sql import SqlLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, a_key, a_session, an_entry, bulk, noise, texts
from tests.contracts.writer import begin, take_over, take_turn
from tests.stores.dying import dies

LARGE = noise(1_200_000)
LATER = NOON + 1_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


def opened(file: Path, now: int = NOON) -> SqlLog:
    return SqlLog.open(f"sqlite:///{file}", clock=ManualClock(now))


def folder_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.objects")


def files_of(file: Path) -> list[Path]:
    return [path for path in folder_of(file).rglob("*") if path.is_file()]


def beside(file: Path) -> set[str]:
    """The folders of logs in the folder of objects, and what else is where the database is."""
    return {path.name for folder in (file.parent, folder_of(file)) for path in folder.iterdir()}


def megabytes(file: Path) -> float:
    return file.stat().st_size / 1_000_000


async def test_only_what_is_large_becomes_a_file(file: Path) -> None:
    log = opened(file)
    await log.create(a_session())
    await take_turn(log, KEY, "one", bulk(900_000))
    assert files_of(file) == []
    await take_turn(log, KEY, "two", LARGE)
    assert [round(megabytes(path), 1) for path in files_of(file)] == [1.2]
    head = await take_turn(log, KEY, "three", "small")
    assert texts(await log.read(head, 2, newest_first=True)) == ["three", "small", "two", LARGE]
    await log.close()
    assert megabytes(file) < 1.5


async def test_an_image_lies_in_a_file_once_its_step_is_stored_and_is_read_by_every_process(file: Path) -> None:
    picture = Message.user([Image(media_type="image/png", data=noise(4_000_000))])
    log, other = opened(file), opened(file)
    await log.create(a_session())
    writer = await begin(log, message=picture)
    head = await writer.settle()
    assert len(files_of(file)) == 1
    (entry,) = await other.read(head, 10)
    assert entry.given == (picture,)
    await log.close()
    await other.close()


async def test_forks_keep_the_files_they_see_and_the_last_one_takes_them_along(file: Path) -> None:
    log = opened(file)
    await log.create(a_session())
    await take_turn(log, KEY, "one", LARGE)
    child = await log.fork(KEY, None, a_session(a_key("child")))
    await take_turn(log, a_key("child"), "two", LARGE)
    await log.delete(KEY)
    assert len(files_of(file)) == 2
    assert texts(await log.read(child, 10)) == ["one", LARGE, "two", LARGE]
    await log.delete(a_key("child"))
    assert beside(file) <= {"sessions.db", "sessions.db-wal", "sessions.db-shm", "sessions.db.objects"}
    await log.close()


async def test_an_expired_session_that_is_replaced_takes_its_files_along(file: Path) -> None:
    log = opened(file)
    await log.create(a_session(timeout=1))
    await take_turn(log, KEY, "one", LARGE)
    later = opened(file, LATER)
    await later.create(a_session())
    assert files_of(file) == []
    await log.close()
    await later.close()


async def test_a_write_that_is_refused_leaves_no_file(file: Path) -> None:
    log = opened(file)
    past = [an_entry(LARGE, Position(turn, 1)) for turn in (1, 2, 2)]
    with pytest.raises(InvalidRequest, match="at this place"):
        await log.create(a_session(), past)
    assert files_of(file) == []
    await log.close()


async def test_a_folder_that_cannot_be_written_refuses_the_entry_and_nothing_is_half_written(file: Path) -> None:
    log = opened(file)
    in_the_way = folder_of(file)
    await asyncio.to_thread(in_the_way.touch)
    await log.create(a_session())
    writer = await begin(log)
    with pytest.raises(StoreUnavailable, match="folder"):
        await writer.settle(LARGE)
    assert await log.read(await log.get(KEY), 10) == []
    await asyncio.to_thread(in_the_way.unlink)
    assert texts(await log.read(await writer.settle(LARGE), 10)) == ["hello", LARGE]
    await log.close()


async def test_a_database_that_moves_with_its_folder_loses_nothing(file: Path, tmp_path: Path) -> None:
    log = opened(file)
    await log.create(a_session())
    await take_turn(log, KEY, "one", LARGE)
    await log.close()
    moved = tmp_path / "elsewhere" / "other.db"
    moved.parent.mkdir()
    shutil.copy(file, moved)
    shutil.copytree(f"{file}.objects", f"{moved}.objects")
    log = opened(moved)
    assert texts(await log.read(await log.get(KEY), 10)) == ["one", LARGE]
    await log.close()


async def test_a_file_that_is_lost_is_told_and_not_taken_for_an_empty_past(file: Path) -> None:
    log = opened(file)
    await log.create(a_session())
    head = await take_turn(log, KEY, "one", LARGE)
    files_of(file)[0].unlink()
    with pytest.raises(StoreUnavailable):
        await log.read(head, 10)
    await log.close()


async def test_the_files_of_a_log_with_an_odd_name_stay_in_the_folder(file: Path) -> None:
    log = opened(file)
    for number, name in enumerate(("../../up", "Capitals", "a" * 100, "ö")):
        key = a_key(str(number))
        await log.create(a_session(key, log=name))
        await take_turn(log, key, "one", LARGE)
    assert len(files_of(file)) == 4
    assert all(re.fullmatch(r"sessions\.db.*|[0-9a-f]{64}", name) for name in beside(file))
    for number in range(4):
        await log.delete(a_key(str(number)))
    assert files_of(file) == []
    await log.close()


async def _delete(file: Path) -> None:
    await opened(file).delete(KEY)


async def _settle(file: Path) -> None:
    await (await take_over(opened(file, NOON + 10), lease_until=LATER - 1)).settle(LARGE)


async def test_what_a_killed_deleter_left_is_erased_when_the_database_is_opened_next(file: Path) -> None:
    log = opened(file)
    await log.create(a_session())
    await take_turn(log, KEY, "one", LARGE)
    await log.close()
    await dies(("os.remove",), _delete, file)
    assert len(files_of(file)) == 1
    log = opened(file)
    assert files_of(file) == []
    assert await log.find("ada", "trip", ["guide"]) == []
    await log.close()


async def test_what_a_killed_writer_left_is_seen_by_nobody_and_goes_with_its_session(file: Path) -> None:
    log = opened(file, LATER)
    await log.create(a_session(at=LATER))
    await begin(log, lease_ms=5 - LATER + NOON)
    await dies(("os.rename", "open"), _settle, file)  # the file is there, under its name; the row is not
    (left,) = files_of(file)
    assert not left.name.endswith(".part")
    writer = await take_over(log, lease_until=LATER + 10_000)
    assert texts(await log.read(await writer.settle(LARGE), 10)) == ["hello", LARGE]
    assert len(files_of(file)) == 2
    await log.delete(KEY)
    assert files_of(file) == []
    await log.close()
