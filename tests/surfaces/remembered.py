"""Sessions that remember, seen through the HTTP surface."""

from typing import Any

import httpx

from sessionful.domain.memory import Memory, Scope, Source, digest_of
from sessionful.domain.session import Position


def remembering(scope: str) -> dict[str, Any]:
    return {"longterm": {"storage_scope": scope}}


async def a_session(client: httpx.AsyncClient, tree: str = "/sessions", name: str = "s1", **more: Any) -> str:
    made = await client.post(tree, json={"id": name}, **more)
    assert made.status_code == 201
    return f"{made.headers['location']}/memories"


async def texts(client: httpx.AsyncClient, path: str, **more: Any) -> list[str]:
    return [memory["text"] for memory in (await client.get(path, **more)).json()["memories"]]


def refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def a_memory(scope: Scope, text: str, *owners: str, name: str = "mem_1") -> Memory:
    sources = tuple(Source(owner=owner, session_id="s1", log=f"log-{owner}", at=Position(1, 1)) for owner in owners)
    return Memory(id=name, scope=scope, text=text, digest=digest_of(text), created_at=1, sources=sources)
