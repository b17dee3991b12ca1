"""`sessionful serve`: the HTTP and WebSocket surfaces on a port of this machine."""

import logging
import shlex
import signal
import socket
from types import FrameType

import uvicorn

from sessionful import wiring
from sessionful.cli.console import out, program, say
from sessionful.cli.failure import DONE, INTERRUPTED, WRONG_USAGE, CommandFailed
from sessionful.cli.places import place, places
from sessionful.cli.target import Target
from sessionful.cli.worker import Staff
from sessionful.config import Config
from sessionful.core.service import Service
from sessionful.domain.address import is_loopback
from sessionful.surfaces.http.app import create_app
from sessionful.surfaces.http.base import BODY_LIMIT
from sessionful.surfaces.websocket.route import add_to as add_sockets

_SLOWEST = 120  # seconds that a socket's client may take to read what was sent before a ping
_LAST_WORDS = 1  # seconds that open streams have to say how their turns ended


def serve(target: Target, host: str, port: int, allow_unauthenticated: bool) -> int:
    """Until SIGTERM, which is a good end, or Ctrl-C. Raises CommandFailed when the port cannot be had, and for a host
    that others reach, unless the configuration says who they may be or `allow_unauthenticated` lets everybody in."""
    config = target.configuration()
    _check_who_may_ask(config, host, allow_unauthenticated)
    auth = config.auth if config is not None else None
    owner = wiring.open_owner(auth)
    target.tell_warnings()
    logging.getLogger().setLevel(min(logging.getLogger().level, logging.WARNING))
    with _listen(host, port) as listening:
        address = wiring.alarms_address(config, target.settings)
        alarms = wiring.open_alarms(address)
        service = wiring.open_service(config, target.settings, alarms)
        kept = f"{places(config, target.settings)}\n  alarms    {place(address)}"
        app = create_app(service, owner=owner)
        add_sockets(app)
        server = Server(
            uvicorn.Config(
                app,
                log_config=None,
                lifespan="off",
                timeout_graceful_shutdown=_LAST_WORDS,
                ws="websockets-sansio",
                ws_max_size=BODY_LIMIT,
                ws_ping_timeout=_SLOWEST,
            ),
            Staff(service, alarms),
            _greeting(service, kept, _url(host, listening), with_token=auth is not None),
        )
        for number in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, number):
                signal.signal(getattr(signal, number), server.handle_exit)
        server.run(sockets=[listening])
    return INTERRUPTED if signal.SIGINT in server.heard else DONE


class Server(uvicorn.Server):
    """Lets go of the turns before it waits for the connections: a stream then ends with its turn; one whose turn was
    handed over goes on until it is cut off, and can be taken up elsewhere."""

    def __init__(self, config: uvicorn.Config, staff: Staff, greeting: str) -> None:
        super().__init__(config)
        self.heard: set[int] = set()
        self._staff, self._greeting = staff, greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._staff.start()
        out(self._greeting)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # who still listens is cut off; that is no error
        await self._staff.let_go()  # before the sockets are closed: those are told at once that it is over
        await super().shutdown(sockets)
        await self._staff.close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.heard.add(sig)
        super().handle_exit(sig, frame)


def _check_who_may_ask(config: Config | None, host: str, allow_unauthenticated: bool) -> None:
    if config is not None and config.auth is not None:
        if allow_unauthenticated:
            message = "the configuration has an auth block, and --allow-unauthenticated says the contrary"
            raise CommandFailed(message, "usage", WRONG_USAGE)
        if not is_loopback(host):
            say("warning: this is plain HTTP, on which tokens can be read; put something in front that speaks HTTPS")
    elif not (allow_unauthenticated or is_loopback(host)):
        message = f"{host or 'an empty host'} can be reached by others, and nobody is asked who they are; "
        message += "an auth block in the configuration asks them, --allow-unauthenticated lets everybody in"
        raise CommandFailed(message, "usage", WRONG_USAGE)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        message = f"cannot listen at {host}:{port}: {error.strerror or error}"
        raise CommandFailed(message, "address_unavailable", WRONG_USAGE) from None


def _url(host: str, listening: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"


def _greeting(service: Service, kept: str, url: str, with_token: bool) -> str:
    """Where it is, who answers, where the sessions are kept, and what to try."""
    agents = "".join(f"\n  agent     {agent.name}: {agent.model.name}" for agent in service.agents.values())
    first = next(iter(service.agents))
    stream = f"{url}/agents/{first}/messages/stream"
    bearer = """-H "Authorization: Bearer $SESSIONFUL_TOKEN" """ if with_token else ""
    return f"""sessionful serves {url}{agents}
  sessions  {kept}

Try it{", with a token in SESSIONFUL_TOKEN" if with_token else ""}:
  a page to chat in:  {url}/
  curl -N {stream} {bearer}-H 'Content-Type: application/json' -d '{{"message": "Hello"}}'
  {program()} {shlex.join(["chat", "--agent", first, "--url", url])}
Ctrl-C stops it."""
