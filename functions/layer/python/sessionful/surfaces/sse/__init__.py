"""Server-sent events: a turn's events as bytes, in each of the dialects that clients read."""

from sessionful.surfaces.sse.chunks import Chunks
from sessionful.surfaces.sse.dialect import Dialect, Style
from sessionful.surfaces.sse.events import Events
from sessionful.surfaces.sse.resume import look_back
from sessionful.surfaces.sse.typed import Typed

__all__ = ["Chunks", "Dialect", "Events", "Style", "Typed", "look_back"]
