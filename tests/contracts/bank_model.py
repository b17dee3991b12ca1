"""What a bank should show, said as plainly as can be: lists, and no thought of speed."""

from typing import Any

from sessionful.domain.memory import Memory, Scope, Source

State = dict[str, Any]


class Remembered:
    """All memories of all scopes as dictionaries; `hand` tells that one was once stored without a source."""

    def __init__(self) -> None:
        self.memories: list[State] = []
        self.summaries: dict[tuple[str, str, str], dict[tuple[int, int], str]] = {}

    def there(self, scope: Scope, now: int) -> list[State]:
        return [one for one in self.memories if one["scope"] == scope and not _expired(one, now)]

    def live(self, scope: Scope, now: int) -> list[State]:
        return [one for one in self.there(scope, now) if one["ended"] is None]

    def find(self, scope: Scope, id: str, now: int) -> State | None:
        return next((one for one in self.there(scope, now) if one["id"] == id), None)

    def store(self, memory: Memory, now: int) -> str:
        """The id of what is kept then."""
        self.memories = [one for one in self.memories if not _expired(one, now)]
        for one in self.live(memory.scope, now):
            if one["digest"] == memory.digest:
                return str(self._merge(one, memory)["id"])
        if self.find(memory.scope, memory.id, now) is None:
            self._add(memory)
        return memory.id

    def supersede(self, scope: Scope, id: str, by: Memory, now: int) -> str:
        """The id of what took its place, or an error's name."""
        old = self.find(scope, id, now)
        if old is None or old["ended"] is not None:
            return "MemoryNotFound"
        others = [one for one in self.live(scope, now) if one["digest"] == by.digest and one is not old]
        if not others and self.find(scope, by.id, now) is not None:
            return "InvalidRequest"
        self.memories = [one for one in self.memories if not _expired(one, now)]
        old["ended"] = by.created_at
        kept = self._merge(others[0], by) if others else self._add(by)
        old["by"] = kept["id"]
        kept["over"].append(id)
        return str(kept["id"])

    def delete(self, scope: Scope, id: str, now: int) -> str:
        found = self.find(scope, id, now)
        if found is None:
            return "MemoryNotFound"
        self.memories.remove(found)
        return ""

    def forget(self, scope: Scope, log: str) -> None:
        for one in [one for one in self.memories if one["scope"] == scope]:
            left = [source for source in one["sources"] if source.log != log]
            if one["sources"] and not left and not one["hand"]:
                self.memories.remove(one)
            one["sources"] = left

    def erase(self, scope: Scope) -> None:
        self.memories = [one for one in self.memories if one["scope"] != scope]

    def revector(self, scope: Scope, id: str, model: str, vector: tuple[float, ...], now: int) -> None:
        found = self.find(scope, id, now)
        if found is not None:
            found["model"], found["vector"] = model, vector

    def near(self, scope: Scope, vector: tuple[float, ...], model: str, words: set[str], now: int) -> dict[str, float]:
        """Every id that a search without a limit finds, with its score."""
        found = {}
        for one in self.live(scope, now):
            comparable = one["model"] == model and bool(one["vector"])
            if comparable or words & set(one["text"].split()):
                pairs = zip(one["vector"], vector, strict=True) if comparable else ()
                found[one["id"]] = max(sum(a * b for a, b in pairs), 0.0)
        return found

    def _merge(self, one: State, memory: Memory) -> State:
        _say(one, memory.sources)
        one["hand"] = one["hand"] or not memory.sources
        one["expires"] = (
            None if None in (one["expires"], memory.expires_at) else max(one["expires"], memory.expires_at or 0)
        )
        if not one["vector"] and memory.vector:
            one["model"], one["vector"] = memory.model, memory.vector
        return one

    def _add(self, memory: Memory) -> State:
        one: State = {"id": memory.id, "scope": memory.scope, "text": memory.text, "digest": memory.digest}
        one |= {"made": memory.created_at, "expires": memory.expires_at, "ended": None, "by": None, "over": []}
        one |= {"model": memory.model, "vector": memory.vector, "sources": [], "hand": not memory.sources}
        _say(one, memory.sources)
        self.memories.append(one)
        return one


def _say(one: State, sources: tuple[Source, ...]) -> None:
    for source in sources:
        if source not in one["sources"]:
            one["sources"].append(source)


def _expired(one: State, now: int) -> bool:
    return one["expires"] is not None and one["expires"] <= now
