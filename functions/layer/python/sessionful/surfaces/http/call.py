"""What every route needs to know of its request: the service, whose request it is, which agent's tree it is in."""

from collections.abc import Mapping
from typing import NamedTuple, Self
from urllib.parse import quote

from starlette.requests import Request

from sessionful.core.service import Service
from sessionful.domain.error import InvalidRequest
from sessionful.surfaces.http.body import one_of


class Surface(NamedTuple):
    """What `create_app` was given. Bytes, and seconds."""

    service: Service
    body_limit: int
    wait_limit: float | None
    heartbeat: float


class Call(NamedTuple):
    """`agent` is None on the tree without agents, unless the query names one."""

    surface: Surface
    owner: str
    agent: str | None
    tree: str

    @classmethod
    def of(cls, request: Request) -> Self:
        surface: Surface = request.app.state.surface
        agent, owner = request.path_params.get("agent"), request.state.owner
        root = request.scope.get("root_path", "")
        if agent is not None:
            return cls(surface, owner, agent, f"{root}/agents/{quote(agent, safe='')}/sessions")
        named = one_of("agent_id", *(request.query_params.get(name) for name in ("agent_id", "agentId")))
        return cls(surface, owner, named, f"{root}/sessions")

    @property
    def service(self) -> Service:
        return self.surface.service

    def path(self, session_id: str, *rest: str) -> str:
        """The path of something in a session, in the tree that the request came in by."""
        return "/".join([self.tree, *(quote(part, safe="") for part in (session_id, *rest))])

    def for_agent(self, agent_id: str | None) -> Self:
        """With the agent that the body names too; raises InvalidRequest when path, query and body disagree."""
        return self._replace(agent=one_of("agent_id", self.agent, agent_id))


def as_header(session_id: str) -> str:
    """A header holds ASCII, and loses spaces at its ends: they and `%` are percent-encoded, as in a path."""
    return quote(session_id, safe="!\"#$&'()*+,-.:;<=>?@[\\]^_`{|}~")


def check_session(session_id: str, body: Mapping[str, str | None]) -> None:
    """Raises InvalidRequest when the body names another session than the path."""
    for field, named in body.items():
        if named is not None and named != session_id:
            raise InvalidRequest(f"{field!r} names another session than the path", field=field)
