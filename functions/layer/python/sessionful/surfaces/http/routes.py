"""A list of routes that can be put under any path. FastAPI's included routers would cost every request 70 µs more."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.responses import Response

from sessionful.surfaces.http.openapi import ANYWHERE, answers, json_body

Endpoint = Callable[..., Awaitable[Response]]
Parameters = tuple[dict[str, Any], ...]


class _Route(NamedTuple):
    method: str
    path: str
    endpoint: Endpoint
    status: int
    responses: dict[int | str, dict[str, Any]]
    body: dict[str, Any]
    parameters: Parameters


class Routes:
    """What is declared here once is true under every prefix."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._routes: list[_Route] = []

    def on(
        self,
        method: str,
        path: str,
        good: Mapping[int, type[BaseModel] | str | None],
        codes: tuple[str, ...] = ANYWHERE,
        body: type[BaseModel] | type[dict[str, Any]] | None = None,
        parameters: Parameters = (),
    ) -> Callable[[Endpoint], Endpoint]:
        """`good` and `codes` are as in `answers`. `parameters` are those that the endpoint reads by itself."""

        def add(endpoint: Endpoint) -> Endpoint:
            described = json_body(body) if body is not None else {}
            status, responses = next(iter(good)), answers(good, codes)
            self._routes.append(_Route(method, path, endpoint, status, responses, described, parameters))
            return endpoint

        return add

    def add_to(self, app: FastAPI, prefix: str = "", parameters: Parameters = ()) -> None:
        """`parameters` are those that the prefix brings."""
        for route in self._routes:
            app.add_api_route(
                prefix + route.path,
                route.endpoint,
                methods=[route.method],
                status_code=route.status,
                responses=route.responses,
                response_class=Response,
                openapi_extra={**route.body, "parameters": [*parameters, *route.parameters]},
                tags=[self._tag],
            )
