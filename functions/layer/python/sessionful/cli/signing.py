"""Requests signed with AWS credentials (Signature Version 4), for a deployment that asks callers for IAM."""

import re
from hashlib import sha256
from typing import Any

import httpx

from sessionful.cli.failure import WRONG_USAGE, CommandFailed

_HOSTS = (
    (re.compile(r"[a-z0-9-]+\.lambda-url\.([a-z0-9-]+)\.on\.aws"), "lambda"),
    (re.compile(r"[a-z0-9-]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?"), "execute-api"),
)
SIGNED = ("authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token")
"""The headers that a signature consists of."""


def signer_for(url: httpx.URL) -> "Signer | None":
    """None for a server that is not of AWS. Raises CommandFailed where there are no credentials."""
    for pattern, service in _HOSTS:
        if url.scheme == "https" and (found := pattern.fullmatch(url.host)):
            return Signer(service, found[1])
    return None


class Signer:
    """For one service in one region, with the credentials that every AWS tool finds: environment, profile, machine."""

    def __init__(self, service: str, region: str) -> None:
        self._service, self._region = service, region
        self._credentials = _credentials()

    def sign(self, request: httpx.Request) -> None:
        """The body is signed too, so it has to be there as a whole. Raises CommandFailed."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        # A space as `+`, which is a form's spelling, would be signed as a plus.
        request.url = request.url.copy_with(query=request.url.query.replace(b"+", b"%20") or None)
        headers = {"x-amz-content-sha256": sha256(request.content).hexdigest()}
        signed: Any = AWSRequest(request.method, str(request.url), headers, request.content)
        SigV4Auth(_frozen(self._credentials), self._service, self._region).add_auth(signed)
        for name in SIGNED:
            request.headers.pop(name, None)
            if name in signed.headers:
                request.headers[name] = signed.headers[name]


def _credentials() -> Any:
    try:
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ModuleNotFoundError:
        message = "this server asks for AWS credentials, which need botocore: pip install 'sessionful[aws]'"
        raise CommandFailed(message, "not_installed", WRONG_USAGE) from None
    try:
        found = Session().get_credentials()
    except BotoCoreError as error:
        raise _unusable(error) from None
    if found is None:
        message = "this server asks who you are: give --token, or AWS credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, ...)"
        raise CommandFailed(message, "unauthenticated", WRONG_USAGE)
    return found


def _frozen(credentials: Any) -> Any:
    """As they are now: those of a role or of a single sign-on change."""
    from botocore.exceptions import BotoCoreError

    try:
        return credentials.get_frozen_credentials()
    except BotoCoreError as error:
        raise _unusable(error) from None


def _unusable(error: Exception) -> CommandFailed:
    return CommandFailed(f"the AWS credentials cannot be used: {error}", "unauthenticated", WRONG_USAGE)
