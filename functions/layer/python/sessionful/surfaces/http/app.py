"""The application: the service's routes, and around them the envelope and the origins."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.requests import Request

from sessionful.core.service import Service
from sessionful.surfaces.http import checkpoints, errors, sessions, site, streams, tasks, turns, waiting
from sessionful.surfaces.http.call import Owner, Surface
from sessionful.surfaces.http.envelope import Envelope
from sessionful.surfaces.http.openapi import Described, parameter
from sessionful.surfaces.http.origins import Origins

BODY_LIMIT = 6 * 1024 * 1024
HEARTBEAT = 15.0


def local_owner(request: Request) -> str:
    return "local"


def create_app(
    service: Service,
    *,
    owner: Owner = local_owner,
    origins: Sequence[str] | None = None,
    body_limit: int = BODY_LIMIT,
    wait_limit: float | None = None,
    heartbeat: float = HEARTBEAT,
) -> FastAPI:
    """`owner` says whose request it is, and raises Unauthenticated or Forbidden. `origins` are the web pages' that may
    use it (`*`: all), by default this machine's. `body_limit` is in bytes. `wait_limit` is how many seconds a whole
    answer is waited for before it is promised (202), `heartbeat` how many a stream may be silent."""
    app = Described(
        title="sessionful",
        summary="Stateful agent sessions.",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.surface = Surface(service, owner, body_limit, wait_limit, heartbeat)
    app.add_middleware(Origins, allowed=origins)
    app.add_middleware(Envelope)
    errors.install(app)
    # A request tries the routes one after the other: those of the turns stand first.
    for routes in (turns.sessionless, streams.sessionless):
        routes.add_to(app, "/agents/{agent}", _ONE_AGENT)
    for routes in (turns.routes, streams.routes, tasks.routes, sessions.routes, checkpoints.routes, waiting.routes):
        routes.add_to(app, "/agents/{agent}/sessions", _ONE_AGENT)
        routes.add_to(app, "/sessions", _ANY_AGENT)
    site.routes.add_to(app)
    site.health_routes.add_to(app)
    return app


_ONE_AGENT = (parameter("path", "agent", "The agent's name."),)
_ANY_AGENT = (
    parameter("query", "agent_id", "Whose session it is, where several agents have one of that id."),
    parameter("query", "agentId", "The same as agent_id."),
)
