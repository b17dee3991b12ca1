"""The laws of the log in plain dictionaries: every session has a list of what it sees, and a fork copies the list.

Knows nothing of logs, segments, items or rows. Each verb answers what a store has to answer: a value, or the name of
an error.
"""

from typing import Any

State = dict[str, Any]
Place = tuple[int, int]
LeaseMark = tuple[str, int, int]
"""The name of the session, which of the sessions of that name it is, and the epoch."""


class Laws:
    def __init__(self) -> None:
        self.sessions: dict[str, State] = {}
        self.made = 0

    def create(self, name: str, timeout: int | None, now: int) -> str:
        if name in self.sessions and not self.expired(name, now):
            return "SessionExists"
        self.made += 1
        self.sessions[name] = {
            "made": self.made,
            "seen": [],
            "turns": 0,
            "epoch": 0,
            "tokens": 0,
            "keys": {},
            "ended": False,
            "running": None,
            "timeout": timeout,
            "active": now,
        }
        return "made"

    def expired(self, name: str, now: int) -> bool:
        session = self.sessions[name]
        if session["running"] and session["running"]["until"] > now:
            return False
        return session["timeout"] is not None and session["active"] + session["timeout"] <= now

    def refusal(self, name: str, now: int) -> str | None:
        if name not in self.sessions:
            return "SessionNotFound"
        return "SessionExpired" if self.expired(name, now) else None

    def begin(self, name: str, turn: State, now: int, lease_ms: int) -> str | tuple[str, Any]:
        if refusal := self.refusal(name, now):
            return refusal
        session = self.sessions[name]
        if turn["key"] in session["keys"]:
            used_hash, number = session["keys"][turn["key"]]
            return ("attached", number) if used_hash == turn["hash"] else "IdempotencyConflict"
        if session["ended"]:
            return "SessionEnded"
        if session["running"]:
            return "SessionBusy"
        session["turns"] += 1
        session["epoch"] += 1
        session["active"] = now
        session["running"] = {
            "number": session["turns"],
            "text": turn["text"],
            "attempt": 1,
            "steps": 0,
            "until": now + lease_ms,
            "cancel": False,
        }
        if turn["key"] is not None:
            session["keys"][turn["key"]] = (turn["hash"], session["turns"])
        return ("admitted", (session["turns"], session["epoch"]))

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
        self._see(session, (running["number"], running["steps"]), said)
        if until is None:
            session["running"] = None
        else:
            running["until"] = until
        return "written"

    def renew(self, lease: LeaseMark, until: int) -> str | bool:
        if not self.holds(lease):
            return "LeaseLost"
        running = self.sessions[lease[0]]["running"]
        running["until"] = until
        return bool(running["cancel"])

    def take_over(self, name: str, now: int, until: int) -> str | None:
        if name not in self.sessions:
            return "SessionNotFound"
        session = self.sessions[name]
        if not session["running"] or session["running"]["until"] > now:
            return None
        session["epoch"] += 1
        session["running"]["attempt"] += 1
        session["running"]["until"] = until
        return "taken"

    def cancel(self, name: str, number: int) -> None:
        running = self.sessions[name]["running"]
        if running and running["number"] == number:
            running["cancel"] = True

    def insert(self, name: str, text: str, now: int) -> str:
        if refusal := self.refusal(name, now):
            return refusal
        session = self.sessions[name]
        if session["running"]:
            return "SessionBusy"
        session["turns"] += 1
        session["active"] = now
        self._see(session, (session["turns"], 1), [text])
        return "written"

    def clear(self, name: str, now: int) -> str:
        if refusal := self.refusal(name, now):
            return refusal
        if self.sessions[name]["running"]:
            return "SessionBusy"
        self.sessions[name]["seen"] = []
        return "cleared"

    def end(self, name: str, now: int) -> str:
        if refusal := self.refusal(name, now):
            return refusal
        self.sessions[name]["ended"] = True
        return "ended"

    def delete(self, name: str) -> str:
        return "deleted" if self.sessions.pop(name, None) else "SessionNotFound"

    def fork(self, name: str, at: Place | None, child: str, now: int) -> str:
        if refusal := self.refusal(name, now):
            return refusal
        source = self.sessions[name]
        seen = [entry for entry in source["seen"] if at is None or entry["place"] <= at]
        if at is not None and (not seen or seen[-1]["place"] != at):
            return "InvalidRequest"
        at_end = len(seen) == len(source["seen"])
        if self.create(child, None, now) != "made":
            return "SessionExists"
        copy = self.sessions[child]
        copy["seen"] = list(seen)
        copy["turns"] = seen[-1]["place"][0] if seen else 0
        copy["tokens"] = source["tokens"] if at_end else seen[-1]["tokens"]
        return "forked"

    def _see(self, session: State, place: Place, said: list[str]) -> None:
        session["seen"].append({"place": place, "said": said, "tokens": session["tokens"]})
