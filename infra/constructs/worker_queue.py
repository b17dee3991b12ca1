"""The queue by which a turn that no caller waits for finds its worker."""

from aws_cdk import Duration
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.dead_letters import dead_letters
from infra.constructs.door import Door
from infra.settings import Settings

_RECEIVES = 10
# Side by side in one process, where they mostly wait for a model; and few enough to be tried again together.
_AT_ONCE = 5
# What is left of an invocation whose time is up must not meet its own successor.
_MARGIN_SECONDS = 30


class WorkerQueue(Construct):
    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        super().__init__(scope, id)
        self._settings = settings
        self.dead = dead_letters(self, "Dead")
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(settings.doors.worker.timeout + _MARGIN_SECONDS),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead, max_receive_count=_RECEIVES),
        )

    def wakes(self, door: Door) -> None:
        door.function.add_event_source(
            sources.SqsEventSource(
                self.queue,
                batch_size=_AT_ONCE,
                report_batch_item_failures=True,
                max_concurrency=self._settings.worker_max_concurrency,
            )
        )

    def allow_setting(self, door: Door) -> None:
        door.allow(["sqs:SendMessage"], [self.queue.queue_arn])
