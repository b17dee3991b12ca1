"""The ports: what the core needs from the world, as small protocols."""

from sessionful.ports.alarm import Alarm, Wake
from sessionful.ports.log import Clock, SessionHeads, SessionLog, TurnLog
from sessionful.ports.memory import Embedder, MemoryBank
from sessionful.ports.model import CallPiece, Finish, Model, ModelRequest, Piece, TextPiece, ThinkingPiece
from sessionful.ports.tool import Tool, ToolContext, ToolSpec

__all__ = [
    "Alarm",
    "CallPiece",
    "Clock",
    "Embedder",
    "Finish",
    "MemoryBank",
    "Model",
    "ModelRequest",
    "Piece",
    "SessionHeads",
    "SessionLog",
    "TextPiece",
    "ThinkingPiece",
    "Tool",
    "ToolContext",
    "ToolSpec",
    "TurnLog",
    "Wake",
]
