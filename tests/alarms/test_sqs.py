"""Alarms in SQS: what a queue of AWS's is asked, what a message says, and a queue that fails is said clearly."""

import asyncio
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from sessionful.alarms.sqs import SqsAlarmQueue, read_wake, wake_json
from sessionful.alarms.worker import Worker
from sessionful.domain.error import ConfigError, InvalidRequest, RateLimited, StoreUnavailable
from sessionful.ports import Wake
from tests.alarms.samples import AGAIN, a_wake, heard, turns
from tests.alarms.sqs_server import SameAnswer, a_queue, on_clock, sqs_client, sqs_url
from tests.contracts.clock import ManualClock


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "eu-central-1")


@pytest.fixture
def url() -> Iterator[str]:
    with a_queue() as made:
        yield made


async def test_an_address_is_all_it_takes(url: str) -> None:
    setter, listener = SqsAlarmQueue.open(f"sqs:{url}"), SqsAlarmQueue.open(f"sqs:{url}")
    await setter.set(a_wake(), 0)
    assert turns(await heard(listener)) == ["t1"]
    await setter.close()
    await listener.close()


@pytest.mark.parametrize(("asked", "given"), [(0.1, 1), (17, 17), (899.2, 900), (86_400, 900)])
async def test_a_delay_is_rounded_up_to_seconds_and_never_over_15_minutes(url: str, asked: float, given: int) -> None:
    clock = ManualClock()
    with on_clock(clock):
        queue = SqsAlarmQueue(sqs_client, url)
        await queue.set(a_wake(), asked)
        clock.advance(given * 1000 - 1)
        assert (await heard(queue), await queue.count()) == ([], 1)
        clock.advance(1)
        assert turns(await heard(queue)) == ["t1"]
        await queue.close()


async def test_more_than_one_request_brings_is_heard_and_never_more_than_was_asked_for(url: str) -> None:
    queue = SqsAlarmQueue(sqs_client, url)
    for number in range(25):
        await queue.set(a_wake(f"t{number}"), 0)
    first, second = await heard(queue, limit=23), await heard(queue, limit=23)
    assert sorted(turns([*first, *second])) == sorted(f"t{number}" for number in range(25))
    assert len(first) == 23
    await queue.close()


async def test_whoever_listens_in_vain_asks_once_a_second_at_most() -> None:
    async with SameAnswer(b"{}") as empty:
        queue = SqsAlarmQueue.open(f"sqs:{empty.url}/1/q")
        begun = time.monotonic()
        assert await queue.hear(1, 0.5, AGAIN) == []
        assert 0.5 <= time.monotonic() - begun < 3
        [asked] = empty.asked
        assert (asked["WaitTimeSeconds"], asked["MaxNumberOfMessages"]) == (1, 1)
        await queue.close()


async def test_a_message_that_is_no_wake_keeps_no_other_from_being_heard_and_ends_in_the_dead_letters(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    with on_clock(clock), a_queue() as dead, a_queue(RedrivePolicy=_redrive(dead, 2)) as url:
        queue = SqsAlarmQueue(sqs_client, url)
        sqs_client().send_message(QueueUrl=url, MessageBody='{"owner": "ada", "message": "my secret"}')
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                await queue.set(a_wake(), 0)
                [ring] = await heard(queue)
                await queue.done(ring.receipt)
                clock.advance(int(AGAIN * 1000))
        assert "field=<agent> | not a wake" in caplog.text
        assert "secret" not in caplog.text
        [letter] = sqs_client().receive_message(QueueUrl=dead)["Messages"]
        assert letter["Body"].startswith('{"owner": "ada"')
        await queue.close()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("not json", "body"),
        ("[]", "body"),
        ("{}", "owner"),
        ('{"owner": "o", "agent": "", "session": "s", "turn": "1-x"}', "agent"),
        ('{"owner": "o", "agent": "a", "session": 7, "turn": "1-x"}', "session"),
        ('{"owner": "o", "agent": "a", "session": "s", "turn": null}', "turn"),
    ],
)
def test_what_is_no_wake_is_refused_with_the_field_that_is_wrong(text: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_wake(text)
    assert refused.value.details["field"] == field


async def test_a_wake_is_heard_whatever_else_its_message_says(url: str) -> None:
    queue = SqsAlarmQueue(sqs_client, url)
    await queue.set(a_wake(), 0, tell={"connection": "c"}, turn="another")
    [message] = sqs_client().receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    assert json.loads(message["Body"])["tell"] == {"connection": "c"}
    [ring] = await heard(queue)
    assert ring.wake == a_wake()
    await queue.close()


def test_a_message_holds_only_what_sqs_takes() -> None:
    wake = Wake(a_wake().key._replace(owner="\x00\ud800\ufffe ü"), "1-x")
    assert wake_json(wake).isascii()
    assert read_wake(wake_json(wake)) == wake


@pytest.mark.parametrize("address", ["sqs:", "sqs:queue", "sqs:https://", "sqs:https://sqs.eu-west-1.amazonaws.com/"])
def test_an_address_that_names_no_queue_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="write sqs: and the queue's URL"):
        SqsAlarmQueue.open(address)


def test_a_queue_that_cannot_delay_single_messages_is_refused() -> None:
    with pytest.raises(ConfigError, match="FIFO"):
        SqsAlarmQueue.open("sqs:https://sqs.eu-west-1.amazonaws.com/1/q.fifo")


async def test_the_region_is_the_urls_and_not_the_processs(monkeypatch: pytest.MonkeyPatch) -> None:
    async with SameAnswer(b"{}") as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", server.url)
        queue = SqsAlarmQueue.open("sqs:https://sqs.ap-southeast-2.amazonaws.com/1/q")
        await queue.set(a_wake(), 0)
        assert "/ap-southeast-2/sqs/aws4_request" in server.headers[0]
        await queue.close()


async def test_a_url_without_a_region_needs_one_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    queue = SqsAlarmQueue.open("sqs:http://127.0.0.1:1/1/q")
    with pytest.raises(ConfigError, match="AWS_DEFAULT_REGION"):
        await queue.set(a_wake(), 0)
    await queue.close()


async def test_a_queue_that_is_not_there_is_told_without_its_name() -> None:
    queue = SqsAlarmQueue.open(f"sqs:{sqs_url()}/123456789012/no-such-{uuid4().hex}")
    for use in (queue.set(a_wake(), 0), heard(queue), queue.done("r"), queue.postpone("r", 1), queue.count()):
        with pytest.raises(StoreUnavailable) as refused:
            await use
        assert refused.value.details == {"reason": "NonExistentQueue"}
        assert "no-such" not in refused.value.message
    await queue.close()


async def test_a_queue_that_cannot_be_reached_is_told_within_a_bounded_time() -> None:
    with closing(socket.socket()) as deaf:
        deaf.bind(("127.0.0.1", 0))
        queue = SqsAlarmQueue.open(f"sqs:http://127.0.0.1:{deaf.getsockname()[1]}/1/q")
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable) as refused:
            await queue.set(a_wake(), 0)
        assert time.monotonic() - begun < 10
    assert refused.value.details == {"reason": "EndpointConnectionError"}
    await queue.close()


async def test_a_queue_that_is_asked_for_too_much_says_when_to_come_back() -> None:
    throttled = b'{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "account 123"}'
    async with SameAnswer(throttled, "400 Bad Request") as busy:
        queue = SqsAlarmQueue.open(f"sqs:{busy.url}/1/q")
        with pytest.raises(RateLimited) as refused:
            await queue.set(a_wake(), 0)
        assert (refused.value.retry_after, len(busy.asked)) == (1.0, 4)
        assert "123" not in refused.value.message
        await queue.close()


async def test_what_was_closed_says_so(url: str) -> None:
    queue = SqsAlarmQueue(sqs_client, url)
    await queue.close()
    await queue.close()
    with pytest.raises(StoreUnavailable, match="were closed"):
        await queue.set(a_wake(), 0)


async def test_nothing_is_connected_before_there_is_something_to_do(url: str) -> None:
    connected: list[str] = []

    def connect() -> Any:
        connected.append("now")
        return sqs_client()

    queue = SqsAlarmQueue(connect, url)
    assert connected == []
    await asyncio.gather(*(queue.set(a_wake(), 0) for _ in range(8)))
    assert connected == ["now"]


async def test_a_worker_serves_it(url: str) -> None:
    queue, looked = SqsAlarmQueue(sqs_client, url), asyncio.Queue[Wake]()
    worker = Worker(queue, looked.put)
    running = asyncio.create_task(worker.run())
    for turn in ("t1", "t2"):
        await queue.set(a_wake(turn), 0)
    assert {(await asyncio.wait_for(looked.get(), 10)).turn_id for _ in range(2)} == {"t1", "t2"}
    worker.stop()
    await asyncio.wait_for(running, 10)
    assert await queue.count() == 0
    await queue.close()


def _redrive(dead: str, times: int) -> str:
    arn = sqs_client().get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": times})
