"""Which agents there are, and whose session is meant: owner, agent and id together make the key."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from sessionful.core.agent import Agent
from sessionful.domain.error import AgentNotFound, InvalidRequest, SessionNotFound
from sessionful.domain.session import SHARED_AGENT, Session, SessionKey, check_session_id
from sessionful.ports import SessionLog


class Directory:
    """`log` holds the sessions made without an agent, which any agent may answer in."""

    def __init__(self, agents: Sequence[Agent], log: SessionLog | None = None) -> None:
        if not agents:
            raise InvalidRequest("there is no agent", field="agents")
        self.agents: Mapping[str, Agent] = {agent.name: agent for agent in agents}
        self._shared_log = log or agents[0].log

    def agent(self, name: str) -> Agent:
        """Raises AgentNotFound, with the nearest known name."""
        found = self.agents.get(name)
        if found is None:
            nearest = get_close_matches(name, self.agents, n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
            raise AgentNotFound(f"there is no agent {name[:80]!r}{hint}", agent=name[:80])
        return found

    @property
    def sole_agent(self) -> Agent | None:
        return next(iter(self.agents.values())) if len(self.agents) == 1 else None

    def log_of(self, agent: str) -> SessionLog:
        return self._shared_log if agent == SHARED_AGENT else self.agent(agent).log

    def home(self, agent: str | None) -> str:
        """The agent part of the key of a new session: the one named, the only one, or none."""
        if agent is not None:
            return self.agent(agent).name
        return self.sole_agent.name if self.sole_agent else SHARED_AGENT

    async def locate(self, owner: str, agent: str | None, session_id: str) -> SessionKey:
        """The key that is meant. Reads only where no agent is named and there are several.

        Raises AgentNotFound, SessionNotFound, and InvalidRequest when two agents have a session of that id.
        """
        check_session_id(session_id)
        if agent is not None or self.sole_agent is not None:
            return SessionKey(owner, self.home(agent), session_id)
        found: list[Session] = []
        for log, names in self.by_log():
            found.extend(await log.find(owner, session_id, names))
        if not found:
            raise SessionNotFound("there is no such session", session_id=session_id)
        if len(found) > 1:
            agents = [session.key.agent for session in found]
            raise InvalidRequest("several agents have a session of that id: name one", field="agent_id", agents=agents)
        return found[0].key

    def sole_log(self) -> tuple[SessionLog, list[str]]:
        """The one log all agents share, with their names; raises InvalidRequest when they keep several."""
        logs = self.by_log()
        if len(logs) > 1:
            raise InvalidRequest(
                "the agents keep their sessions apart: name one", field="agent_id", agents=[*self.agents]
            )
        return logs[0]

    def by_log(self) -> list[tuple[SessionLog, list[str]]]:
        logs: dict[int, tuple[SessionLog, list[str]]] = {id(self._shared_log): (self._shared_log, [SHARED_AGENT])}
        for agent in self.agents.values():
            logs.setdefault(id(agent.log), (agent.log, []))[1].append(agent.name)
        return list(logs.values())
