"""What belongs to no session: the agents, the health check, the chat page."""

from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sessionful.surfaces.http.call import Call
from sessionful.surfaces.http.openapi import ANYWHERE
from sessionful.surfaces.http.outputs import AgentList, AgentResource, Health
from sessionful.surfaces.http.reply import reply
from sessionful.surfaces.http.routes import Routes

routes = Routes("agents")
health_routes = Routes("health")


@routes.on("GET", "/agents", {200: AgentList})
async def list_agents(request: Request) -> Response:
    """The agents, in the order of the configuration."""
    call = Call.of(request)
    return reply(AgentList(agents=[AgentResource.of(agent) for agent in call.service.agents.values()]))


@routes.on("GET", "/agents/{agent}", {200: AgentResource}, (*ANYWHERE, "agent_not_found"))
async def get_agent(request: Request, agent: str) -> Response:
    return reply(AgentResource.of(Call.of(request).service.agent(agent)))


@health_routes.on("GET", "/health", {200: Health}, ("internal_error",))
async def health() -> Response:
    return reply(Health(status="ok"))


@routes.on("GET", "/", {200: "text/html"}, ("internal_error",))
async def page() -> Response:
    """A chat page, for trying an agent in a browser."""
    return HTMLResponse(_page(), headers={"Content-Security-Policy": _POLICY})


_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""The page is one file, and nothing it shows can bring in another."""


@cache
def _page() -> str:
    return files(__package__).joinpath("page.html").read_text(encoding="utf-8")
