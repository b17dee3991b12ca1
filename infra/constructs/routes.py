"""Which door of the HTTP API answers which route: turns, messages and new memories go to the one that calls models."""

from typing import NamedTuple

_IN_SESSIONS = {
    "sessions": """
        GET POST    /
        POST        /import
        GET PUT PATCH DELETE /{session_id}
        POST        /{session_id}/end
        POST        /{session_id}/fork
        GET         /{session_id}/messages
        GET         /{session_id}/export
        GET POST    /{session_id}/checkpoints
        POST        /{session_id}/rewind
        GET         /{session_id}/memories
        GET DELETE  /{session_id}/memories/{memory_id}
    """,
    "messages": """
        POST        /{session_id}/messages
        POST        /{session_id}/message
        GET POST    /{session_id}/messages/stream
        GET POST    /{session_id}/message/stream
        POST        /{session_id}/tasks
        GET         /{session_id}/tasks/{task_id}
        GET         /{session_id}/turns
        GET DELETE  /{session_id}/turns/{turn_id}
        POST        /{session_id}/turns/{turn_id}/cancel
        POST        /{session_id}/memories
        PUT PATCH   /{session_id}/memories/{memory_id}
    """,
}

_ELSEWHERE = {
    "sessions": """
        GET         /
        GET         /health
        GET         /openapi.json
        GET         /agents
        GET         /agents/{agent}
    """,
    "messages": """
        POST        /agents/{agent}/messages
        GET POST    /agents/{agent}/messages/stream
    """,
}


class Route(NamedTuple):
    method: str
    path: str
    door: str


def routes() -> list[Route]:
    found = [route for door, lines in _ELSEWHERE.items() for route in _read(lines, door, "")]
    for prefix in ("/sessions", "/agents/{agent}/sessions"):
        found += [route for door, lines in _IN_SESSIONS.items() for route in _read(lines, door, prefix)]
    return found


def _read(lines: str, door: str, prefix: str) -> list[Route]:
    found = []
    for line in lines.split("\n"):
        *methods, path = line.split() or [""]
        found += [Route(method, (prefix + path).rstrip("/") or "/", door) for method in methods]
    return found
