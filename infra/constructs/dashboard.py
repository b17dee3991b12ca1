"""A page of graphs: the doors, the API, the queues and the table. It has fewer than the fifty metrics of a free one."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.alarms import most, slowest, total
from infra.constructs.door import Door
from infra.constructs.http_api import HttpApi
from infra.constructs.table_stream import TableStream
from infra.constructs.worker_queue import WorkerQueue


class Dashboard(Construct):
    def __init__(self, scope: Construct, id: str, name: str) -> None:
        super().__init__(scope, id)
        self._page = cloudwatch.Dashboard(self, "Page", dashboard_name=name, default_interval=Duration.hours(3))

    def show_doors(self, doors: Mapping[str, Door]) -> None:
        functions = [(name, door.function) for name, door in doors.items()]
        self._row(
            ("Invocations", [_named(total(function.metric_invocations()), name) for name, function in functions]),
            ("Errors", [_named(total(function.metric_errors()), name) for name, function in functions]),
            ("Throttled", [_named(total(function.metric_throttles()), name) for name, function in functions]),
            ("Duration, p99", [_named(slowest(function.metric_duration()), name) for name, function in functions]),
        )

    def show_requests(self, api: HttpApi, table: str) -> None:
        stage = api.stage
        self._row(
            (
                "HTTP API",
                [total(stage.metric_count()), total(stage.metric_client_error()), total(stage.metric_server_error())],
            ),
            ("HTTP API, p99", [slowest(stage.metric_latency())]),
            (
                "Units of the table",
                [_units(table, "ConsumedReadCapacityUnits"), _units(table, "ConsumedWriteCapacityUnits")],
            ),
            (
                "Requests over the table's caps",
                [_units(table, "ReadThrottleEvents"), _units(table, "WriteThrottleEvents")],
            ),
        )

    def show_work(self, queue: WorkerQueue, stream: TableStream, curator: Door) -> None:
        self._row(
            ("Turns that wait for a worker", [most(queue.queue.metric_approximate_number_of_messages_visible())]),
            ("Age of the oldest", [most(queue.queue.metric_approximate_age_of_oldest_message())]),
            (
                "Dead letters",
                [
                    _named(most(dead.metric_approximate_number_of_messages_visible()), name)
                    for name, dead in (("worker", queue.dead), ("curator", stream.dead))
                ],
            ),
            ("The curator's delay", [most(curator.function.metric("IteratorAge"))]),
        )

    def _row(self, *graphs: tuple[str, Sequence[cloudwatch.IMetric]]) -> None:
        self._page.add_widgets(
            *(cloudwatch.GraphWidget(title=title, left=list(metrics), width=6, height=6) for title, metrics in graphs)
        )


def _named(metric: cloudwatch.IMetric, label: str) -> cloudwatch.IMetric:
    assert isinstance(metric, cloudwatch.Metric)
    return metric.with_(label=label)


def _units(table: str, name: str) -> cloudwatch.IMetric:
    return total(cloudwatch.Metric(namespace="AWS/DynamoDB", metric_name=name, dimensions_map={"TableName": table}))
