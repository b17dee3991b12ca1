"""The nine alarms of the service stack. The tenth is the WebSocket stack's."""

from collections.abc import Mapping

from constructs import Construct

from infra.constructs.alarms import Alarms, most, slowest, total
from infra.constructs.door import Door
from infra.constructs.http_api import HttpApi
from infra.constructs.table_stream import TableStream
from infra.constructs.worker_queue import WorkerQueue
from infra.settings import Settings

_AGE_SECONDS = 300
_DELAY_MS = 15 * 60 * 1000


def service_alarms(
    scope: Construct,
    settings: Settings,
    doors: Mapping[str, Door],
    api: HttpApi,
    queue: WorkerQueue,
    stream: TableStream,
) -> Alarms:
    alarms = Alarms(scope, "Alarms", settings)
    streaming, worker, messages = (doors[name].function for name in ("stream", "worker", "messages"))
    limit = settings.doors.messages.timeout * 1000 * 0.9
    alarms.above("ApiErrors", total(api.stage.metric_server_error()), 0, 1, "The HTTP API answered 500 or above.")
    alarms.above(
        "StreamErrors", total(streaming.metric_errors()), 0, 1, "The streaming door failed or ran out of time."
    )
    alarms.above("StreamThrottles", total(streaming.metric_throttles()), 0, 1, "Lambda refuses to start more of it.")
    alarms.above("WorkerErrors", total(worker.metric_errors()), 0, 2, "Workers fail; their turns are tried again.")
    alarms.above(
        "WorkerAge",
        most(queue.queue.metric_approximate_age_of_oldest_message()),
        _AGE_SECONDS,
        2,
        "Turns wait for a worker.",
    )
    alarms.above(
        "WorkerDead",
        most(queue.dead.metric_approximate_number_of_messages_visible()),
        0,
        1,
        "Turns that no worker could carry.",
    )
    alarms.above(
        "CuratorDead",
        most(stream.dead.metric_approximate_number_of_messages_visible()),
        0,
        1,
        "Ended sessions that were not erased.",
    )
    alarms.above(
        "CuratorDelay", most(doors["curator"].function.metric("IteratorAge")), _DELAY_MS, 2, "The curator lags behind."
    )
    alarms.above("MessagesSlow", slowest(messages.metric_duration()), limit, 2, "Answers come close to the time limit.")
    return alarms
