"""The history of a session as running text."""

import sys

from sessionful.cli.console import dim, out, printable
from sessionful.cli.conversations import Conversations, Said


async def print_history(conversations: Conversations, session_id: str) -> None:
    async for said in conversations.history(session_id):
        sys.stdout.write(dim(f"{_speaker(said)}:", sys.stdout) + " ")
        out(printable(said.text, sys.stdout))


def _speaker(said: Said) -> str:
    note = "broken off" if said.torn else said.status
    return said.role if note == "completed" or said.role != "assistant" else f"{said.role} ({note})"
