"""An application without routes: around those it is given stand whose request it is, the origins and the envelope."""

from collections.abc import Iterable, Sequence

from fastapi import FastAPI

from sessionful.core.service import Service
from sessionful.surfaces.http import errors
from sessionful.surfaces.http.call import Surface
from sessionful.surfaces.http.envelope import Envelope
from sessionful.surfaces.http.openapi import Described, parameter
from sessionful.surfaces.http.origins import Origins
from sessionful.surfaces.http.ownership import Owner, Ownership, local_owner
from sessionful.surfaces.http.routes import Routes

BODY_LIMIT = 6 * 1024 * 1024
HEARTBEAT = 15.0


def new_app(
    service: Service,
    *,
    owner: Owner = local_owner,
    origins: Sequence[str] | None = None,
    gateway_cors: bool = False,
    body_limit: int = BODY_LIMIT,
    wait_limit: float | None = None,
    heartbeat: float = HEARTBEAT,
) -> FastAPI:
    """`owner` says whose request it is, and raises Unauthenticated or Forbidden. `origins` are the web pages' that may
    use it (`*`: all), by default this machine's; with `gateway_cors` whatever stands in front tells the browsers.
    `body_limit` is in bytes. `wait_limit` is how many seconds a whole answer is waited for before it is promised (202),
    `heartbeat` how many a stream may be silent."""
    app = Described(
        title="sessionful",
        summary="Stateful agent sessions.",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.surface = Surface(service, body_limit, wait_limit, heartbeat)
    app.add_middleware(Ownership, owner=owner)
    app.add_middleware(Origins, allowed=origins, silent=gateway_cors)
    app.add_middleware(Envelope)
    errors.install(app)
    return app


def add_sessionless(app: FastAPI, sections: Iterable[Routes]) -> None:
    """Below `/agents/{agent}`."""
    for routes in sections:
        routes.add_to(app, "/agents/{agent}", _ONE_AGENT)


def add_in_session(app: FastAPI, sections: Iterable[Routes]) -> None:
    """In both trees. A request tries the routes one after the other: those that are asked most stand first."""
    for routes in sections:
        routes.add_to(app, "/agents/{agent}/sessions", _ONE_AGENT)
        routes.add_to(app, "/sessions", _ANY_AGENT)


_ONE_AGENT = (parameter("path", "agent", "The agent's name."),)
_ANY_AGENT = (
    parameter("query", "agent_id", "Whose session it is, where several agents have one of that id."),
    parameter("query", "agentId", "The same as agent_id."),
)
