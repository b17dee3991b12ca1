"""Ways to spoil what passes a relay: to throttle, to lose answers, to die."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import count

from tests.stores.dynamodb_relay import Answer, Forward, Json, LostAnswer

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")


def throttled(code: str = "ThrottlingException", status: int = 400) -> Answer:
    return _refusal({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "Rate exceeded"}, status)


def cancelled(*codes: str) -> Answer:
    """A transaction's, with a reason for each of its actions."""
    return _refusal(
        {
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": f"Transaction cancelled [{', '.join(codes)}]",
            "CancellationReasons": [{"Code": code} for code in codes],
        },
        400,
    )


def failing(times: float, answer: Callable[[], Answer], *operations: str) -> Callable[[str, Json, Forward], Answer]:
    """The first `times` requests of these kinds get this answer, and do not reach the table."""
    failed = count(1)

    def spoil(operation: str, request: Json, forward: Forward) -> Answer:
        if (not operations or operation in operations) and next(failed) <= times:
            return answer()
        return forward()

    return spoil


def losing_answers(*operations: str) -> Callable[[str, Json, Forward], Answer]:
    """What is asked for is done, and the first answer to each such request never arrives."""
    lost: Counter[str] = Counter()

    def spoil(operation: str, request: Json, forward: Forward) -> Answer:
        answer = forward()
        asked = json.dumps(request, sort_keys=True)
        lost[asked] += 1
        if operation in operations and lost[asked] == 1:
            raise LostAnswer
        return answer

    return spoil


def dying_at(number: int, done: bool) -> Callable[[str, Json, Forward], Answer]:
    """The process is killed at its `number`th write, which is still done or is not."""
    writes = count(1)

    def spoil(operation: str, request: Json, forward: Forward) -> Answer:
        now = next(writes) if operation in WRITES else 0
        if now == number and done:
            forward()
        if now >= number:
            return throttled("UnrecognizedClientException")  # nothing it says counts any more
        return forward()

    return spoil


def _refusal(body: Json, status: int) -> Answer:
    return Answer(status, [("Content-Type", "application/x-amz-json-1.0")], json.dumps(body).encode())
