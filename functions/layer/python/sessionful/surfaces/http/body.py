"""Request bodies: read within a limit, as JSON whatever the content type says, in every spelling clients use."""

import json
import math
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from sessionful.domain.error import InvalidRequest, PayloadTooLarge

_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


class Body(BaseModel):
    """`spellings` maps other names of a field to its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    spellings: ClassVar[Mapping[str, str]] = {}


B = TypeVar("B", bound=Body)


async def read(request: Request, model: type[B]) -> B:
    """An empty body says nothing, as `{}` does. Raises InvalidRequest and PayloadTooLarge."""
    return parse(model, await read_object(request))


async def read_object(request: Request) -> dict[str, Any]:
    value = decoded(await _bytes(request, request.app.state.surface.body_limit))
    if not isinstance(value, dict):
        raise InvalidRequest("the body is a JSON object", field="body")
    return value


def parse(model: type[B], fields: Mapping[str, Any]) -> B:
    """Raises InvalidRequest naming the field, and for an unknown one the nearest that is known."""
    spelt: dict[str, Any] = {}
    for name, value in fields.items():
        field = model.spellings.get(name, name)
        spelt[field] = one_of(field, spelt.get(field), value)
    try:
        return model.model_validate(spelt)
    except ValidationError as error:
        raise _explained(error, [*model.model_fields, *model.spellings]) from None


def one_of(field: str, *spellings: Any) -> Any:
    """The value that all the spellings given agree on. Raises InvalidRequest when they do not."""
    given = [value for value in spellings if value is not None]
    if any(value != given[0] for value in given):
        raise InvalidRequest(f"{field!r} is given twice, with different values", field=field)
    return given[0] if given else None


async def _bytes(request: Request, limit: int) -> bytes:
    """Measured while it comes in: a chunked body says nothing of its length before."""
    declared = request.headers.get("content-length", "")
    read = int(declared) if declared.isascii() and declared.isdigit() else 0
    chunks = list[bytes]()
    if read <= limit:
        read = 0
        async for chunk in request.stream():
            read += len(chunk)
            if read > limit:
                break
            chunks.append(chunk)
    if read > limit:
        raise PayloadTooLarge(f"the body is larger than {limit} bytes", limit=limit)
    return b"".join(chunks)


def decoded(body: bytes) -> Any:
    """The value of a JSON text; of an empty one `{}`. Raises InvalidRequest."""
    if not body.strip():
        return {}
    try:
        value = json.loads(body, parse_constant=_number, parse_float=_number)
        if _HALF_PAIR.search(body):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise InvalidRequest("the body is not well-formed Unicode", field="body") from None
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error.msg}", field="body", position=error.pos) from None
    except (ValueError, RecursionError) as error:
        problem = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidRequest(f"the body is not JSON: {problem}", field="body") from None
    return value


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no JSON number")
    return number


def _explained(error: ValidationError, known: list[str]) -> InvalidRequest:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return InvalidRequest(f"{field!r} is missing", field=field)
    if first["type"] != "extra_forbidden":
        return InvalidRequest(f"{field}: {first['msg']}", field=field)
    nearest = get_close_matches(field, known, n=1) if len(first["loc"]) == 1 else []
    if not nearest:
        return InvalidRequest(f"unknown field {field!r}", field=field, known=sorted(known))
    return InvalidRequest(f"unknown field {field!r}; did you mean {nearest[0]!r}?", field=field, nearest=nearest[0])
