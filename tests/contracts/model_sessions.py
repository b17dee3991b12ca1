"""The laws of the log in plain dictionaries: every session has a list of what it sees, and a fork copies the list.

Knows nothing of logs, segments, items or rows. Each verb answers what a store has to answer: a value, or the name of
an error.
"""

from typing import Any

State = dict[str, Any]
Place = tuple[int, int]


class SessionLaws:
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
            "queue": [],
            "told": [],
            "state": {},
            "state_at": None,
            "state_moved": False,
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

    def insert(self, name: str, text: str, now: int) -> str:
        if refusal := self.refusal(name, now):
            return refusal
        session = self.sessions[name]
        if session["running"] or session["queue"]:
            return "SessionBusy"
        session["turns"] += 1
        session["active"] = now
        self.see(session, (session["turns"], 1), [text], last=True)
        return "written"

    def rebase(self, name: str, upto: Place | None, state: State | None, now: int) -> str:
        if refusal := self.refusal(name, now):
            return refusal
        session = self.sessions[name]
        if session["running"]:
            return "SessionBusy"
        session["seen"] = [entry for entry in session["seen"] if upto is not None and entry["place"] <= upto]
        if state is not None:
            session["state"], session["state_moved"] = state, True
        return "rebased"

    def set_state(self, name: str, state: State, now: int) -> str:
        if refusal := self.refusal(name, now):
            return refusal
        self.sessions[name]["state"], self.sessions[name]["state_moved"] = state, True
        return "set"

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

    def see(self, session: State, place: Place, said: list[str], last: bool) -> None:
        entry = {"place": place, "said": said, "tokens": session["tokens"], "state": None, "state_at": None}
        if last and session["state_moved"]:
            entry["state"], session["state_at"], session["state_moved"] = session["state"], place, False
        elif last:
            entry["state_at"] = session["state_at"]
        session["seen"].append(entry)
