"""What vendors' embedding servers say, as their documentation prints it."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from tests.models.vendor import Exchange, Script, streams

JSON = {"content-type": "application/json"}


def openai_answer(vectors: Sequence[Sequence[float]], shuffled: bool = False) -> dict[str, Any]:
    data = [{"object": "embedding", "index": place, "embedding": list(v)} for place, v in enumerate(vectors)]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return {"object": "list", "data": data[::-1] if shuffled else data, "model": "m", "usage": usage}


def titan_answer(vector: Sequence[float]) -> dict[str, Any]:
    return {"embedding": list(vector), "inputTextTokenCount": 5, "embeddingsByType": {"float": list(vector)}}


def says(answer: Any) -> Script:
    return streams(json.dumps(answer).encode(), headers=JSON)


def answers(make: Callable[[Any], Any]) -> Script:
    """An answer made of the request's body."""

    async def answer(exchange: Exchange) -> None:
        await says(make(exchange.request.body))(exchange)

    return answer


def length(vector: Sequence[float]) -> float:
    return math.hypot(*vector)


def nearness(a: Sequence[float], b: Sequence[float]) -> float:
    """The cosine of two vectors of length 1."""
    return sum(x * y for x, y in zip(a, b, strict=True))
