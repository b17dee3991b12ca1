"""The laws of turns, beside those of sessions: who holds one, what is told of it, and who waits."""

from typing import Any

from tests.contracts.model_sessions import SessionLaws, State

LeaseMark = tuple[str, int, int]
"""The name of the session, which of the sessions of that name it is, and the epoch."""


class Laws(SessionLaws):
    def begin(self, name: str, turn: State, now: int, lease_ms: int) -> str | tuple[str, Any]:
        if refusal := self.refusal(name, now):
            return refusal
        session = self.sessions[name]
        if turn["key"] in session["keys"]:
            used_hash, number = session["keys"][turn["key"]]
            return ("attached", number) if used_hash == turn["hash"] else "IdempotencyConflict"
        if session["ended"]:
            return "SessionEnded"
        taken = session["running"] or session["queue"]
        if taken and not turn["wait"]:
            return "SessionBusy"
        session["turns"] += 1
        number = session["turns"]
        if turn["key"] is not None:
            session["keys"][turn["key"]] = (turn["hash"], number)
        if taken:
            session["queue"].append({"number": number, "text": turn["text"], "cancel": False})
            return ("queued", number)
        self._run(session, {"number": number, "text": turn["text"], "cancel": False}, now, lease_ms)
        return ("admitted", (number, session["epoch"]))

    def begin_next(self, name: str, now: int, lease_ms: int) -> str | tuple[int, int] | None:
        if refusal := self.refusal(name, now):
            return refusal
        session = self.sessions[name]
        if session["running"] or not session["queue"]:
            return None
        self._run(session, session["queue"].pop(0), now, lease_ms)
        return session["running"]["number"], session["epoch"]

    def holds(self, lease: LeaseMark) -> bool:
        name, made, epoch = lease
        session = self.sessions.get(name)
        if session is None:
            return False
        return bool(session["running"]) and (session["made"], session["epoch"]) == (made, epoch)

    def write(self, lease: LeaseMark, text: str, tokens: int, until: int | None) -> str:
        """A step; the turn's last one when it has no new `until`."""
        if not self.holds(lease):
            return "LeaseLost"
        session = self.sessions[lease[0]]
        running = session["running"]
        running["steps"] += 1
        said = [running["text"], text] if running["steps"] == 1 else [text]
        session["tokens"] += tokens
        session["told"] = []
        self.see(session, (running["number"], running["steps"]), said, last=until is None)
        if until is None:
            session["running"] = None
        else:
            running["until"] = until
        return "written"

    def flush(self, lease: LeaseMark, number: int, text: str | None, until: int) -> str | bool:
        """The group of that number, or none: then the lease is only prolonged."""
        if not self.holds(lease):
            return "LeaseLost"
        session = self.sessions[lease[0]]
        running = session["running"]
        running["until"] = until
        if text is not None and number > running["groups"]:
            session["told"] = [*(session["told"] if running["groups"] else []), text]
            running["groups"] = number
        return bool(running["cancel"])

    def release(self, lease: LeaseMark) -> str | None:
        if not self.holds(lease):
            return "LeaseLost"
        self.sessions[lease[0]]["running"].update(until=0, released=True)
        return None

    def take_over(self, name: str, now: int, until: int) -> str | None:
        if name not in self.sessions:
            return "SessionNotFound"
        session = self.sessions[name]
        running = session["running"]
        if not running or running["until"] > now:
            return None
        session["epoch"] += 1
        running["attempt"] += 0 if running["released"] else 1
        running.update(until=until, released=False, groups=0)
        return "taken"

    def cancel(self, name: str, number: int) -> None:
        session = self.sessions[name]
        for turn in [session["running"], *session["queue"]]:
            if turn and turn["number"] == number:
                turn["cancel"] = True

    def _run(self, session: State, turn: State, now: int, lease_ms: int) -> None:
        session["epoch"] += 1
        session["active"] = now
        session["told"] = []
        fresh = {"attempt": 1, "steps": 0, "groups": 0, "until": now + lease_ms, "released": False}
        session["running"] = {**turn, **fresh}
