"""What is too large for the table lies in the bucket: written once, read everywhere, erased with its session."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from sessionful.domain.clock import now_ms
from sessionful.domain.error import LeaseLost, StoreUnavailable
from sessionful.domain.message import Image, Message
from sessionful.stores.dynamodb import DynamoDBLog
from sessionful.stores.objects import S3Objects
from sessionful.wiring import make_log
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, a_key, a_session, noise, texts
from tests.contracts.writer import begin, begin_next, take_over, take_turn, wait_in_line
from tests.stores.dynamodb_servers import Bench, bench, client_of
from tests.stores.object_places import FOLDER, a_bucket, keys_in, s3_client

LARGE = noise(500_000)  # about 375 KB compressed
PICTURE = Message.user([Image(media_type="image/png", data=noise(4_000_000))])


class Moody:
    """The objects of a bucket, which is away while `away`."""

    def __init__(self, bucket: str) -> None:
        self._objects = S3Objects(s3_client, bucket, FOLDER)
        self.away = False

    def put(self, name: str, content: bytes) -> None:
        self._objects_there().put(name, content)

    def get(self, name: str) -> bytes | None:
        return self._objects_there().get(name)

    def drop(self, name: str) -> None:
        self._objects_there().drop(name)

    def erase(self, prefix: str) -> None:
        self._objects_there().erase(prefix)

    def close(self) -> None:
        self._objects.close()

    def _objects_there(self) -> S3Objects:
        if self.away:
            raise StoreUnavailable("the bucket is away")
        return self._objects


class House(NamedTuple):
    log: DynamoDBLog
    table: Bench
    objects: Moody
    bucket: str

    def kinds(self) -> list[str]:
        """Of the objects there are: `C` is an entry, `D` a message."""
        return sorted(key.split("/")[2][0] for key in keys_in(self.bucket))

    def items(self) -> list[str]:
        """The kinds of the items there are."""
        return sorted(item["sk"]["S"][0] for item in self.table.items())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def house(clock: ManualClock) -> AsyncIterator[House]:
    async with a_bucket() as bucket, bench("moto", clock) as table:
        objects = Moody(bucket)
        log = DynamoDBLog(table.client, table.table, clock, objects)
        yield House(log, table, objects, bucket)
        await log.close()


async def test_an_image_is_an_object_from_its_admission_on_and_the_table_stays_small(house: House) -> None:
    await house.log.create(a_session())
    writer = await begin(house.log, message=PICTURE)
    assert (house.items(), house.kinds()) == (["H"], ["D"])
    elsewhere = DynamoDBLog(house.table.client, house.table.table, house.table.clock, house.objects)
    assert (await elsewhere.get(KEY)).running == writer.session.running
    head = await writer.settle()
    assert (house.items(), house.kinds()) == (["H", "L"], ["C"])
    assert [entry.given for entry in await elsewhere.read(head, 10)] == [(PICTURE,)]
    assert (await begin(elsewhere)).past == writer.stored
    await elsewhere.close()


async def test_four_megabytes_cost_the_table_hardly_more_than_a_word(house: House) -> None:
    await house.log.create(a_session())
    counted = DynamoDBLog(client_of(house.table.relay.url), house.table.table, house.table.clock, house.objects)
    house.table.relay.watch = house.table.meter.watch
    await (await begin(counted, message=PICTURE)).settle()
    assert house.table.meter.writes <= 8
    await counted.close()


async def test_what_fits_a_piece_stays_in_the_table(house: House) -> None:
    await house.log.create(a_session())
    await take_turn(house.log, KEY, "one", noise(300_000))
    assert (house.items(), house.kinds()) == (["C", "H", "L"], [])


async def test_a_message_that_waits_lies_in_the_bucket_until_its_turn_is_stored(house: House) -> None:
    await house.log.create(a_session())
    first = await begin(house.log)
    await wait_in_line(house.log, text=LARGE)
    assert [turn.message.text for turn in await house.log.queued(KEY)] == [LARGE]
    await first.settle()
    head = await (await begin_next(house.log)).settle("read")
    assert texts(await house.log.read(head, 1, newest_first=True)) == [LARGE, "read"]
    assert house.kinds() == ["C"]


async def test_forks_keep_the_objects_they_see_and_the_last_one_takes_them_along(house: House) -> None:
    log = house.log
    await log.create(a_session())
    await take_turn(log, KEY, "one", LARGE)
    child = await log.fork(KEY, None, a_session(a_key("child")))
    await take_turn(log, a_key("child"), "two", LARGE)
    await begin(log, text=LARGE)
    assert house.kinds() == ["C", "C", "D"]
    await log.delete(KEY)
    assert house.kinds() == ["C", "C"]
    assert texts(await log.read(child, 10)) == ["one", LARGE, "two", LARGE]
    await log.delete(a_key("child"))
    assert (house.items(), house.kinds()) == ([], [])


async def test_a_session_that_the_tables_expiry_took_is_swept_with_its_objects(house: House) -> None:
    await house.log.create(a_session(timeout=60))
    await take_turn(house.log, KEY, "one", LARGE)
    (head,) = [item for item in house.table.items() if item["sk"]["S"] == "H"]
    house.table.client.delete_item(TableName=house.table.table, Key={name: head[name] for name in ("pk", "sk")})
    await house.log.sweep(head)
    assert (house.items(), house.kinds()) == ([], [])


async def test_what_a_bucket_that_is_away_leaves_of_a_deletion_is_noted_and_swept(house: House) -> None:
    await house.log.create(a_session())
    await take_turn(house.log, KEY, "one", LARGE)
    house.objects.away = True
    with pytest.raises(StoreUnavailable):
        await house.log.delete(KEY)
    assert await house.log.find("ada", "trip", ["guide"]) == []
    house.objects.away = False
    (remains,) = house.table.items()
    await house.log.sweep(remains)
    assert (house.items(), house.kinds()) == ([], [])


async def test_a_bucket_that_is_away_refuses_the_entry_and_nothing_is_half_written(house: House) -> None:
    await house.log.create(a_session())
    writer = await begin(house.log)
    house.objects.away = True
    with pytest.raises(StoreUnavailable):
        await writer.settle(LARGE)
    assert house.items() == ["H"]
    house.objects.away = False
    assert texts(await house.log.read(await writer.settle(LARGE), 10)) == ["hello", LARGE]


async def test_a_message_is_not_admitted_while_the_bucket_is_away(house: House) -> None:
    await house.log.create(a_session())
    house.objects.away = True
    with pytest.raises(StoreUnavailable):
        await begin(house.log, text=LARGE)
    assert (await house.log.get(KEY)).running is None
    await begin(house.log, text="short")


async def test_a_writer_that_lost_its_lease_leaves_no_object(house: House, clock: ManualClock) -> None:
    await house.log.create(a_session())
    writer = await begin(house.log, lease_ms=5)
    clock.advance(10)
    other = await take_over(house.log, lease_until=NOON + 90_000)
    with pytest.raises(LeaseLost):
        await writer.settle(LARGE)
    assert house.kinds() == []
    await other.settle(LARGE)
    assert house.kinds() == ["C"]


async def test_an_object_that_is_lost_is_told_and_not_taken_for_a_shorter_past(house: House) -> None:
    await house.log.create(a_session())
    head = await take_turn(house.log, KEY, "one", LARGE)
    (name,) = await asyncio.to_thread(keys_in, house.bucket)
    house.objects.drop(name.removeprefix(f"{FOLDER}/"))
    with pytest.raises(StoreUnavailable, match="missing"):
        await house.log.read(head, 10)
    await house.log.delete(KEY)
    assert await house.log.read(head, 10) == []


async def test_a_store_that_is_configured_without_the_bucket_says_so(house: House) -> None:
    await house.log.create(a_session())
    head = await take_turn(house.log, KEY, "one", LARGE)
    with pytest.raises(StoreUnavailable, match="bucket"):
        await house.table.log.read(head, 10)


async def test_a_store_that_is_opened_by_its_address_uses_the_bucket(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = house.table.relay.url
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", house.table.client.meta.endpoint_url)
    query = urlencode({"region": "eu-central-1", "endpoint_url": url, "bucket": house.bucket})
    log = make_log(f"dynamodb:{house.table.table}?{query}")
    await log.create(a_session(at=now_ms()))
    head = await take_turn(log, KEY, "one", LARGE)
    assert texts(await log.read(head, 10)) == ["one", LARGE]
    assert [key.split("/")[0] for key in await asyncio.to_thread(keys_in, house.bucket)] == [house.table.table]
    await log.close()
