"""The tool `forget`: erases what is remembered."""

from sessionful.core.memory.notebook import Notebook
from sessionful.ports import ToolContext
from sessionful.tools.function import FunctionTool, tool


def forget_tool(notebook: Notebook) -> FunctionTool[..., object]:
    async def forget(memory_id: str, context: ToolContext) -> str:
        """Erase something that is remembered, for good. Use it when the user asks for that.

        Args:
            memory_id: The id of the memory, as `recall` gave it.
        """
        await notebook.forget(memory_id, context)
        return f"{memory_id} is forgotten."

    return tool(forget, idempotent=True)
