"""Objects in an S3 bucket. How they are encrypted there is the bucket's own setting."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from sessionful.domain.error import AgentError, ConfigError, RateLimited, StoreUnavailable
from sessionful.stores.objects.protocol import checked, checked_prefix

_TRIES = 4
_THROTTLED = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
_GONE = {"NoSuchKey", "404"}


class S3Objects:
    """The objects lie below `folder`. `connect` makes the boto3 client, when it is first needed: most processes never
    meet anything that large."""

    def __init__(self, connect: Callable[[], Any], bucket: str, folder: str) -> None:
        self._connect = connect
        self._bucket = bucket
        self._folder = folder
        self._made: Any = None
        self._making = threading.Lock()

    @classmethod
    def open(cls, bucket: str, folder: str, region: str | None = None) -> "S3Objects":
        """With a client of its own, whose endpoint is what boto3 finds in the environment (AWS_ENDPOINT_URL_S3)."""
        return cls(lambda: new_client(region), bucket, folder)

    def put(self, name: str, content: bytes) -> None:
        with self._failures():
            self._client.put_object(Bucket=self._bucket, Key=self._key(name), Body=content)

    def get(self, name: str) -> bytes | None:
        from botocore.exceptions import ClientError

        with self._failures():
            try:
                return self._read(self._key(name))
            except ClientError as error:
                if _code(error) in _GONE:
                    return None
                raise

    def drop(self, name: str) -> None:
        with self._failures():
            self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def erase(self, prefix: str) -> None:
        place = f"{self._folder}/{checked_prefix(prefix)}"
        with self._failures():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=place)
            for page in pages:
                found = [{"Key": one["Key"]} for one in page.get("Contents", [])]
                if found:
                    self._delete(found)

    def close(self) -> None:
        with self._making:
            if self._made is not None:
                self._made.close()

    @property
    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                self._made = self._connect()
            return self._made

    def _key(self, name: str) -> str:
        return f"{self._folder}/{checked(name)}"

    def _read(self, key: str) -> bytes:
        """boto3 tries a request again, but not one whose answer breaks off in the middle."""
        from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

        for tries_left in reversed(range(_TRIES)):
            try:
                content: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
                break
            except (IncompleteReadError, ReadTimeoutError, ResponseStreamingError):
                if not tries_left:
                    raise
        return content

    def _delete(self, found: list[dict[str, str]]) -> None:
        answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": found, "Quiet": True})
        if refused := answer.get("Errors"):
            raise _error(str(refused[0].get("Code", "")))

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise _error(_code(error)) from None


def new_client(region: str | None) -> Any:
    """Raises ConfigError when boto3 is missing."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise ConfigError("a bucket needs boto3: pip install 'sessionful[aws]'", key="bucket") from error
    tuned = Config(
        connect_timeout=2,
        read_timeout=20,
        max_pool_connections=32,
        retries={"mode": "standard", "total_max_attempts": _TRIES},
    )
    return boto3.client("s3", region_name=region, config=tuned)


def _code(error: Exception) -> str:
    """S3's code, never its text, which can name the account."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def _error(code: str) -> AgentError:
    if code in _THROTTLED:
        return RateLimited("the bucket of the session store is asked for too much at once", retry_after=1.0)
    return StoreUnavailable("the bucket of the session store does not answer, or refuses the request", reason=code)
