"""What the curator does about the memories of a session that is no more. Loaded only when one has ended: it takes the
agents, and a model where they leave something to be remembered."""

import logging
from typing import Any, cast

from functions.opening.service import open_service
from sessionful.core.erasure import erase_own, withdraw
from sessionful.core.service import Service
from sessionful.core.sweeping import last_memories, leaving
from sessionful.domain.error import SessionExpired
from sessionful.domain.session import Session, SessionKey
from sessionful.ports import SessionLog
from sessionful.stores.dynamodb import DynamoDBLog
from sessionful.stores.dynamodb.erasing import Ended

_logger = logging.getLogger("sessionful.curator")


async def remember(log: DynamoDBLog, ended: Ended, patient: bool) -> None:
    """Before its log is erased: store what it leaves to other sessions. Doing it twice stores nothing twice. Unless
    `patient`, what fails is told, and left; else it is raised."""
    if ended.how != "expired" or not leaving(_service(models=False), ended.session):
        return
    try:
        await last_memories(_service(models=True), cast(SessionLog, _Headless(log)), ended.session)
    except Exception as error:
        if patient:
            raise
        _logger.error("session=<%s> | it goes without its last memories", ended.session.key.id, exc_info=error)


async def forget(log: DynamoDBLog, ended: Ended) -> None:
    """Afterwards: erase what nobody else reads and, where it was deleted, what only it said. Doing it twice does
    nothing."""
    service = _service(models=False)
    if ended.how == "deleted":
        await withdraw(service, ended.session)
    await erase_own(service, log, ended.session)


def _service(*, models: bool) -> Service:
    return open_service(models=models, lingers=True)


class _Headless:
    """The log of a session whose head has gone by expiry: it was not deleted, and its past can still be read."""

    def __init__(self, log: DynamoDBLog) -> None:
        self._log = log

    async def get(self, key: SessionKey) -> Session:
        raise SessionExpired("the session has expired", session_id=key.id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)
