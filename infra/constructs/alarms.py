"""Alarms: ten over the stacks, each on one metric, because ten such cost nothing.

The HTTP API's answers of 500 and above stand for errors, timeouts and throttling of the two doors behind it; the age of
the oldest message for a worker that is throttled.
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.settings import Settings

_PERIOD = Duration.minutes(5)


class Alarms(Construct):
    """`topic`: where they are told, if anywhere."""

    def __init__(self, scope: Construct, id: str, settings: Settings, topic: sns.ITopic | None = None) -> None:
        super().__init__(scope, id)
        self.topic = topic or self._topic(settings)
        self.all: list[cloudwatch.Alarm] = []

    def above(self, name: str, metric: cloudwatch.IMetric, limit: float, times: int, description: str) -> None:
        """When the metric is above `limit` in so many periods of five minutes in a row."""
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=limit,
            evaluation_periods=times,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        if self.topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
        self.all.append(alarm)

    def _topic(self, settings: Settings) -> sns.ITopic | None:
        if settings.alarm_topic_arn is not None:
            return sns.Topic.from_topic_arn(self, "Topic", settings.alarm_topic_arn)
        if settings.alarm_email is None:
            return None
        topic = sns.Topic(self, "Topic", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
        return topic


def total(metric: cloudwatch.Metric) -> cloudwatch.IMetric:
    return metric.with_(period=_PERIOD, statistic="Sum")


def most(metric: cloudwatch.Metric) -> cloudwatch.IMetric:
    return metric.with_(period=_PERIOD, statistic="Maximum")


def slowest(metric: cloudwatch.Metric) -> cloudwatch.IMetric:
    return metric.with_(period=_PERIOD, statistic="p99")
