"""The whole application: every route of the service."""

from typing import Any

from fastapi import FastAPI

from sessionful.core.service import Service
from sessionful.surfaces.http import checkpoints, memories, sessions, site, streams, tasks, turns, waiting
from sessionful.surfaces.http.base import add_in_session, add_sessionless, new_app


def create_app(service: Service, **options: Any) -> FastAPI:
    """`options` are those of `new_app`."""
    app = new_app(service, **options)
    add_sessionless(app, (turns.sessionless, streams.sessionless))
    add_in_session(app, (turns.routes, streams.routes, tasks.routes, sessions.routes, checkpoints.routes))
    add_in_session(app, (waiting.routes, memories.routes, memories.writing))
    site.routes.add_to(app)
    site.health_routes.add_to(app)
    return app
