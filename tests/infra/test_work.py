"""What reaches the worker and the curator, and what becomes of what they cannot deal with."""

from typing import Any

import pytest
from moto.events.models import EventPattern

from tests.infra.cloud import Cloud, text

_BY_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def _mapping(cloud: Cloud, function: str) -> dict[str, Any]:
    (found,) = [one for one in cloud.all("Lambda::EventSourceMapping") if one["FunctionName"] == {"Ref": function}]
    return found


def _queue(cloud: Cloud, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.service["Resources"][name.partition(".")[0]]["Properties"]
    return found


def _heard(cloud: Cloud, event: Any) -> bool:
    filters = _mapping(cloud, "CuratorFunction")["FilterCriteria"]["Filters"]
    return any(EventPattern.load(one["Pattern"]).matches_event(event) for one in filters)


def _record(name: str, pk: str, sk: str, identity: dict[str, str] | None = None) -> dict[str, Any]:
    record: dict[str, Any] = {"eventName": name, "dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": sk}}}}
    return {**record, "userIdentity": identity} if identity else record


@pytest.mark.parametrize(
    ("event", "heard"),
    [
        (_record("REMOVE", "S#abc", "H", _BY_TTL), True),
        (_record("INSERT", "S#abc", "R#log"), True),
        (_record("MODIFY", "S#abc", "R#log"), True),
        (_record("REMOVE", "S#abc", "H"), False),
        (_record("REMOVE", "S#abc", "T#log#1#2#3", _BY_TTL), False),
        (_record("REMOVE", "W#connection", "H", _BY_TTL), False),
        (_record("REMOVE", "S#abc", "R#log"), False),
        (_record("MODIFY", "S#abc", "H"), False),
        (_record("INSERT", "S#abc", "L#log#0000000001#00001"), False),
    ],
)
def test_the_curator_hears_of_expired_heads_and_of_remains_only(event: dict[str, Any], heard: bool, iam: Cloud) -> None:
    assert _heard(iam, event) is heard


def test_the_curator_tries_again_a_few_times_in_ever_smaller_batches_and_then_lets_go(iam: Cloud) -> None:
    mapping = _mapping(iam, "CuratorFunction")
    assert "Sessions" in text(mapping["EventSourceArn"]) and "StreamArn" in text(mapping["EventSourceArn"])
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] <= 20
    assert 0 < mapping["MaximumRecordAgeInSeconds"] < 86_400
    dead = _queue(iam, text(mapping["DestinationConfig"]["OnFailure"]["Destination"]))
    assert dead["MessageRetentionPeriod"] == 14 * 86_400


def test_the_worker_reports_what_failed_and_is_started_so_many_times_at_most(iam: Cloud) -> None:
    mapping = _mapping(iam, "WorkerFunction")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 10}


def test_a_wake_is_hidden_longer_than_a_worker_can_run_and_given_up_after_ten_tries(iam: Cloud) -> None:
    queue = _queue(iam, text(_mapping(iam, "WorkerFunction")["EventSourceArn"]))
    assert queue["VisibilityTimeout"] > iam.function("worker")["Timeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 10
    dead = _queue(iam, text(queue["RedrivePolicy"]["deadLetterTargetArn"]))
    assert dead["MessageRetentionPeriod"] == 14 * 86_400


def test_every_queue_is_encrypted(cloud: Cloud) -> None:
    assert len(cloud.all("SQS::Queue")) == 3
    assert all(queue["SqsManagedSseEnabled"] is True for queue in cloud.all("SQS::Queue"))


def test_the_doors_set_their_alarms_where_the_worker_hears_them(iam: Cloud) -> None:
    heard = text(_mapping(iam, "WorkerFunction")["EventSourceArn"]).removesuffix(".Arn")
    for door in ("messages", "stream", "worker"):
        assert text(iam.function(door)["Environment"]["Variables"]["SESSIONFUL_ALARMS"]) == f"sqs:{heard}"
    assert heard in text(iam.function("websocket")["Environment"]["Variables"]["SESSIONFUL_ALARMS"])
