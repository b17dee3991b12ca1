"""What is watched."""

import json
from collections.abc import Mapping

from tests.infra.cloud import Cloud, text

_WATCHED = {
    ("AWS/ApiGateway", "5xx"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/Lambda", "Duration"),
    ("AWS/Lambda", "IteratorAge"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
}


def test_errors_throttling_dead_letters_and_age_are_watched_by_as_many_alarms_as_are_free(cloud: Cloud) -> None:
    alarms = cloud.all("CloudWatch::Alarm")
    assert {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms} == _WATCHED
    assert len(alarms) <= 10
    assert all("Metrics" not in alarm for alarm in alarms), "an alarm on several metrics counts as several"
    assert all(alarm["Period"] >= 60 for alarm in alarms), "one of high resolution is never free"


def test_no_traffic_is_no_alarm(cloud: Cloud) -> None:
    assert {alarm["TreatMissingData"] for alarm in cloud.all("CloudWatch::Alarm")} == {"notBreaching"}


def test_both_queues_of_dead_letters_are_watched(iam: Cloud) -> None:
    watched = {
        text(alarm["Dimensions"][0]["Value"])
        for alarm in iam.all("CloudWatch::Alarm")
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    }
    dead = {
        name for name, one in iam.service["Resources"].items() if one["Type"] == "AWS::SQS::Queue" and "Dead" in name
    }
    assert watched == {f"{name}.QueueName" for name in dead}
    assert len(dead) == 2


def test_answers_are_called_slow_before_they_are_cut_off(iam: Cloud) -> None:
    (slow,) = [alarm for alarm in iam.all("CloudWatch::Alarm") if alarm["MetricName"] == "Duration"]
    assert slow["ExtendedStatistic"] == "p99"
    assert slow["Threshold"] < iam.function("messages")["Timeout"] * 1000


def test_whoever_left_an_address_is_told_of_every_alarm(clouds: Mapping[str, Cloud]) -> None:
    (subscription,) = clouds["jwt"].all("SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "oncall@example.com")
    assert all(len(alarm["AlarmActions"]) == 1 for alarm in clouds["jwt"].all("CloudWatch::Alarm"))
    assert not clouds["iam"].all("SNS::Topic")


def test_a_dashboard_is_there_unless_it_is_not_wanted_and_has_a_free_ones_metrics(clouds: Mapping[str, Cloud]) -> None:
    (page,) = clouds["iam"].all("CloudWatch::Dashboard")
    body = json.loads(text(page["DashboardBody"]))
    metrics = sum(len(widget["properties"]["metrics"]) for widget in body["widgets"])
    assert 20 < metrics <= 50
    assert not clouds["open"].all("CloudWatch::Dashboard")
