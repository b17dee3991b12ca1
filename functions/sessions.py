"""The door for everything that asks no model: sessions and their past, what is remembered, the agents (API Gateway)."""

from functions.web.gateway import gateway_handler, new_gateway_app
from sessionful.surfaces.http import checkpoints, memories, sessions, site
from sessionful.surfaces.http.base import add_in_session

app, _service = new_gateway_app(models=False)
add_in_session(app, (sessions.routes, checkpoints.routes, memories.routes))
site.routes.add_to(app)
site.health_routes.add_to(app)

handler = gateway_handler(app, _service, "sessions")
