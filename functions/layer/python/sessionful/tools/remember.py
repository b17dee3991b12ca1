"""The tool `remember`: keeps a fact beyond the conversation."""

from sessionful.core.memory.notebook import Notebook
from sessionful.ports import ToolContext
from sessionful.tools.function import FunctionTool, tool


def remember_tool(notebook: Notebook) -> FunctionTool[..., object]:
    async def remember(fact: str, context: ToolContext, replaces: str | None = None) -> str:
        """Keep a fact for later conversations. Use it when the user asks for that, or says what will matter again.

        Args:
            fact: A short sentence that can be understood by itself, with names instead of pronouns.
            replaces: The id of a memory that is no longer true because of this fact, as `recall` gave it.
        """
        kept = await notebook.remember(fact, replaces or None, context)
        return f"Remembered as {kept.id}: {kept.text}"

    return tool(remember, idempotent=True)
