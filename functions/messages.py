"""The door for messages, tasks and turns with whole answers, and for putting memories in, which an embedder reads (API
Gateway). Streams are at the Function URL."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from functions.opening.environment import stream_url
from functions.web.gateway import gateway_handler, new_gateway_app
from sessionful.domain.error import ConfigError
from sessionful.surfaces.http import memories, tasks, turns, waiting
from sessionful.surfaces.http.base import add_in_session, add_sessionless
from sessionful.surfaces.http.routes import Routes

app, _service = new_gateway_app(models=True)
_url = stream_url()

_streams, _sessionless_streams = Routes("streams"), Routes("streams")


async def at_the_stream_url(request: Request) -> Response:
    """The gateway would hold an answer back until it is whole: ask the same of the stream URL."""
    if _url is None:
        raise ConfigError("there is no stream URL here (SESSIONFUL_STREAM_URL is not set); ask for a whole answer")
    query = request.scope["query_string"].decode("latin-1")
    return RedirectResponse(f"{_url}{quote(request.scope['path'], safe='/')}{'?' if query else ''}{query}", 307)


for _method in ("POST", "GET"):
    _streams.on(_method, "/{session_id}/messages/stream", {307: None})(at_the_stream_url)
    _streams.on(_method, "/{session_id}/message/stream", {307: None})(at_the_stream_url)
    _sessionless_streams.on(_method, "/messages/stream", {307: None})(at_the_stream_url)

add_sessionless(app, (turns.sessionless, _sessionless_streams))
add_in_session(app, (turns.routes, tasks.routes, waiting.routes, memories.writing, _streams))

handler = gateway_handler(app, _service, "messages")
