"""A message comes in: whose session it is, who answers, and what becomes of it where the session is taken."""

from sessionful.core.agent import Agent
from sessionful.core.directory import Directory
from sessionful.core.queue import stop_before
from sessionful.core.runner import Runner
from sessionful.core.window import reach
from sessionful.domain.error import InvalidRequest, SessionBusy
from sessionful.domain.identity import turn_number
from sessionful.domain.session import SHARED_AGENT, SessionKey
from sessionful.domain.turn import Admitted, Attached, NewTurn, Queued


class Admission:
    def __init__(self, directory: Directory, runner: Runner) -> None:
        self._directory, self._runner = directory, runner

    async def enter(
        self, owner: str, agent: str | None, session_id: str, speaker: str | None, asked: NewTurn
    ) -> tuple[Agent, Admitted | Attached | Queued]:
        """The agent that answers, and how the turn was received. Raises what `Service.start_turn` says."""
        key = await self._directory.locate(owner, agent, session_id)
        answering = await self._speaker(key, speaker)
        mode = answering.settings.concurrency
        wishes = {"agent": answering.name, "wait": mode != "reject", "undo": mode == "rollback"}
        admitted = await self._begin(key, asked.model_copy(update=wishes), answering)
        if isinstance(admitted, Queued):
            if mode in ("interrupt", "rollback"):
                await self._stop_before(key, admitted.turn_id)
            await self._runner.stir(admitted.session)
        return answering, admitted

    async def _speaker(self, key: SessionKey, speaker: str | None) -> Agent:
        if speaker is None:
            if key.agent == SHARED_AGENT:
                raise InvalidRequest("this session has no agent of its own: name one", field="agent_id")
            return self._directory.agent(key.agent)
        answering = self._directory.agent(speaker)
        if key.agent in (speaker, SHARED_AGENT) or (await self._directory.log_of(key.agent).get(key)).sharing:
            return answering
        raise InvalidRequest(
            f"the session belongs to agent {key.agent!r} and is not shared", field="agent_id", agent=key.agent
        )

    async def _begin(self, key: SessionKey, turn: NewTurn, agent: Agent) -> Admitted | Attached | Queued:
        """A turn whose holder died is gone on with, and the new one waits for it whatever the agent's `concurrency`."""
        log, span = self._directory.log_of(key.agent), reach(agent.settings.memory.working)
        try:
            return await log.begin(key, turn, span)
        except SessionBusy as busy:
            if not busy.details.get("lease_expired") and busy.details.get("turn_id") is not None:
                raise
        return await log.begin(key, turn.model_copy(update={"wait": True}), span)

    async def _stop_before(self, key: SessionKey, turn_id: str) -> None:
        await stop_before(self._directory.log_of(key.agent), key, turn_number(turn_id) or 0)
        run = self._runner.runs.get(key)
        if run is not None and run.attempt.running.turn_id != turn_id:
            run.attempt.stop("cancelled")
