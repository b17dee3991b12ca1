"""The tool `recall`: looks into what is remembered."""

from sessionful.core.memory.notebook import Notebook
from sessionful.core.memory.recall import line_of
from sessionful.ports import ToolContext
from sessionful.tools.function import FunctionTool, tool


def recall_tool(notebook: Notebook) -> FunctionTool[..., object]:
    async def recall(query: str, context: ToolContext) -> str:
        """Search what is remembered from earlier conversations. Gives an id, the text and when it was said.

        Args:
            query: What to look for, in the words in which it was probably said.
        """
        found = await notebook.recall(query, context)
        return "\n".join(f"{one.memory.id} {line_of(one.memory)}" for one in found) or "Nothing is remembered of that."

    return tool(recall, idempotent=True)
