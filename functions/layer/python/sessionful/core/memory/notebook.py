"""What an agent's own tools do with its memory, in the scope of the session that they are called in."""

from dataclasses import dataclass

from sessionful.core.memory.facts import made, with_vectors
from sessionful.core.memory.junk import LONGEST, has_secret
from sessionful.core.memory.ranking import queries, ranked
from sessionful.core.memory.scopes import may_change, scope_for
from sessionful.domain.agent import LongTermMemory
from sessionful.domain.clock import now_ms
from sessionful.domain.error import MemoryNotFound, ToolError
from sessionful.domain.memory import Found, Memory, Scope
from sessionful.domain.session import SessionKey
from sessionful.ports import Clock, Embedder, MemoryBank, ToolContext


@dataclass(frozen=True)
class Notebook:
    """Methods raise ToolError, with a text for the model, and what bank and embedder raise."""

    bank: MemoryBank
    embedder: Embedder | None
    settings: LongTermMemory
    clock: Clock = now_ms

    async def remember(self, fact: str, replaces: str | None, context: ToolContext) -> Memory:
        """What is kept then. `replaces`: the id of a memory that no longer holds."""
        text = " ".join(fact.split())
        if not 1 <= len(text) <= LONGEST:
            raise ToolError(f"a fact is a text of 1 to {LONGEST} characters")
        if has_secret(text):
            raise ToolError("that looks like a secret, and secrets are not remembered")
        if self.settings.storage_scope == "summaries_only":
            raise ToolError("this agent remembers summaries of conversations only, no single facts")
        scope = self._scope(context)
        sources = (context.source,) if context.source is not None else ()
        (memory,) = await with_vectors(self.embedder, [made(scope, text, "fact", self.clock(), sources)])
        if replaces is not None:
            wrong = await self._changeable(scope, replaces, context)
            if wrong.ended_at is None and wrong.digest != memory.digest:
                return await self.bank.supersede(scope, replaces, memory)
        (kept,) = await self.bank.store([memory])
        return kept

    async def recall(self, query: str, context: ToolContext) -> list[Found]:
        """Best first. The model asked for it, so what is less near than `similarity_threshold` is told, too."""
        (asked,) = await queries(self.embedder, [query])
        related = self.embedder.related if self.embedder is not None else 1.0
        found = await ranked(self.bank, self._scope(context), asked, related, self.settings.recall_limit)
        if self.settings.storage_scope == "summaries_only":
            found = [one for one in found if one.memory.kind == "summary"]
        return [one for one in found if one.score >= self.settings.similarity_threshold / 2]

    async def forget(self, memory_id: str, context: ToolContext) -> None:
        scope = self._scope(context)
        await self._changeable(scope, memory_id, context)
        await self.bank.delete(scope, memory_id)

    def _scope(self, context: ToolContext) -> Scope:
        key = SessionKey(context.owner, context.session_agent or context.agent, context.session_id)
        return scope_for(self.settings, context.agent, key)

    async def _changeable(self, scope: Scope, memory_id: str, context: ToolContext) -> Memory:
        try:
            memory = await self.bank.get(scope, memory_id)
        except MemoryNotFound:
            raise ToolError(f"there is no memory {memory_id[:80]!r}; recall gives the ids of those there are") from None
        if not may_change(context.owner, memory):
            raise ToolError("only others have said this, so it is theirs to change")
        return memory
