"""Who calls a server: with a token, with AWS credentials, or without a name."""

from collections.abc import Generator

import httpx

from sessionful.cli.failure import CommandFailed
from sessionful.cli.signing import SIGNED, Signer, signer_for
from sessionful.domain.address import is_guarded

_ELSEWHERE = (307, 308)


class Caller(httpx.Auth):
    """Goes where the server sends a request, as the same one: behind a gateway, streams come from another address.

    Raises CommandFailed where a server is of AWS and there is neither a token nor AWS credentials.
    """

    requires_request_body = True

    def __init__(self, address: httpx.URL, token: str | None) -> None:
        self._token = token
        self._signers: dict[str, Signer | None] = {}
        if not token:
            self._signer(address)  # what is missing is told before anything is asked

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self._name_in(request)
        response = yield request
        if response.status_code in _ELSEWHERE and "location" in response.headers:
            there = self._moved(request, request.url.join(response.headers["location"]))
            self._name_in(there)
            yield there

    def _name_in(self, request: httpx.Request) -> None:
        if self._token:
            request.headers["authorization"] = f"Bearer {self._token}"
        elif request.url.userinfo:
            next(httpx.BasicAuth(request.url.username, request.url.password).auth_flow(request))
        elif (signer := self._signer(request.url)) is not None:
            signer.sign(request)

    def _signer(self, url: httpx.URL) -> Signer | None:
        if url.host not in self._signers:
            self._signers[url.host] = signer_for(url)
        return self._signers[url.host]

    def _moved(self, request: httpx.Request, url: httpx.URL) -> httpx.Request:
        if is_guarded(str(request.url)) and not is_guarded(str(url)):
            raise CommandFailed(f"{request.url.host} sends this to an address that is not https", "bad_answer")
        dropped = ("host", *SIGNED)
        headers = [(name, value) for name, value in request.headers.multi_items() if name not in dropped]
        return httpx.Request(
            request.method, url, headers=headers, content=request.content, extensions=request.extensions
        )
