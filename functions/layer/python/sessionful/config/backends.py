"""The entries of `llms`, `session_stores`, `embedders`, `auth` and `mcp_servers`."""

from typing import Annotated, Any, Literal, get_args
from urllib.parse import quote, urlencode

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from sessionful.domain.address import is_guarded
from sessionful.domain.agent import Duration, Settings, seconds

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Those whose keys the issuer publishes: with a shared secret, whoever checks a token could also make one."""

_LLM_KEYS: dict[str, frozenset[str]] = {
    "bedrock": frozenset({"region", "timeout", "max_retries"}),
    "openai": frozenset({"base_url", "api_key", "timeout", "max_retries"}),
    "anthropic": frozenset({"base_url", "api_key", "timeout", "max_retries"}),
    "local": frozenset(),
    "scripted": frozenset({"replies", "delay_ms"}),
}

_EMBEDDER_KEYS: dict[str, frozenset[str]] = {
    "openai": frozenset({"model", "base_url", "api_key", "timeout", "max_retries"}),
    "bedrock": frozenset({"model", "region", "timeout", "max_retries"}),
    "local": frozenset(),
    "scripted": frozenset(),
}


class Llm(Settings):
    """`timeout` in seconds; what is left out is the adapter's default. `model` of a local one is the path of a GGUF
    file, without it the small model that the extra `local` brings."""

    type: Literal["bedrock", "openai", "anthropic", "local", "scripted"]
    model: str | None = None
    base_url: str | None = None
    api_key: SecretStr | None = None
    region: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, gt=0, le=1)
    timeout: Duration | None = None
    max_retries: int | None = Field(default=None, ge=0, le=20)
    replies: tuple[str, ...] | None = None
    delay_ms: int | None = Field(default=None, ge=0, le=10_000)

    @property
    def options(self) -> dict[str, Any]:
        """What of this belongs into a request's options."""
        chosen = {"temperature": self.temperature, "max_tokens": self.max_tokens, "top_p": self.top_p}
        return {name: value for name, value in chosen.items() if value is not None}

    def connection(self) -> dict[str, Any]:
        """The arguments of the adapter besides the vendor's model id, as given: times in seconds, the key in clear."""
        named = {
            "api_key": self.api_key and self.api_key.get_secret_value(),
            "base_url": self.base_url,
            "region": self.region,
            "timeout": self.timeout,
            "max_retries": self.max_retries,
            "replies": self.replies,
            "delay": None if self.delay_ms is None else self.delay_ms / 1000,
            "path": self.model if self.type == "local" else None,
        }
        return {name: value for name, value in named.items() if value is not None}

    @model_validator(mode="after")
    def _fits_its_type(self) -> "Llm":
        if self.model is None and self.type not in ("local", "scripted"):
            raise ValueError(f"a model of type {self.type} needs `model`, the vendor's model id")
        for name in sorted(frozenset().union(*_LLM_KEYS.values()) - _LLM_KEYS[self.type]):
            if getattr(self, name) is not None:
                raise ValueError(f"a model of type {self.type} takes no {name!r}")
        return self


class SqlStore(Settings):
    """`conn_max_lifetime` in seconds. `user` and `username` are two spellings of one thing."""

    driver: Literal["sqlite", "postgres", "mysql"]
    database: str = Field(min_length=1)
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    user: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    ssl_mode: Literal["disable", "require", "verify-ca", "verify-full"] | None = None
    ssl_cert: str | None = None
    ssl_key: str | None = None
    ssl_root_cert: str | None = None
    max_conns: int | None = Field(default=None, ge=1, le=1000)
    max_idle: int | None = Field(default=None, ge=0)
    conn_max_lifetime: Duration | None = None

    @model_validator(mode="after")
    def _fits_its_driver(self) -> "SqlStore":
        network = ("host", "port", "user", "username", "password", "ssl_mode", "ssl_cert", "ssl_key", "ssl_root_cert")
        given = [name for name in network if getattr(self, name) is not None]
        if self.driver == "sqlite" and given:
            raise ValueError(f"sqlite is a file: it takes no {given[0]!r}")
        if self.user is not None and self.username is not None:
            raise ValueError("'user' and 'username' are the same; write one of them")
        if self.driver == "mysql" and (self.ssl_mode or "").startswith("verify") and self.ssl_root_cert is None:
            raise ValueError(f"ssl_mode {self.ssl_mode} needs 'ssl_root_cert', without it nothing would be verified")
        return self

    def url(self) -> str:
        """The address as SQLAlchemy reads it. It holds the password: never print it."""
        database = quote(self.database, safe="/:")
        if self.driver == "sqlite":
            return f"sqlite:///{database}"
        user, password = self.user or self.username, self.password
        login = quote(user or "", safe="")
        if password is not None:
            login += ":" + quote(password.get_secret_value(), safe="")
        host = self.host or "localhost"
        place = (f"[{host}]" if ":" in host else quote(host, safe="/")) + (f":{self.port}" if self.port else "")
        query = self._postgres_tls() if self.driver == "postgres" else self._mysql_tls()
        scheme = "postgresql+psycopg" if self.driver == "postgres" else "mysql+pymysql"
        return f"{scheme}://{login + '@' if login else ''}{place}/{database}{'?' + urlencode(query) if query else ''}"

    def _postgres_tls(self) -> dict[str, str]:
        named = {
            "sslmode": self.ssl_mode,
            "sslcert": self.ssl_cert,
            "sslkey": self.ssl_key,
            "sslrootcert": self.ssl_root_cert,
        }
        return {name: value for name, value in named.items() if value is not None}

    def _mysql_tls(self) -> dict[str, str]:
        """PyMySQL knows no modes: it encrypts when any of these is given, and verifies when it has a root."""
        if self.ssl_mode in (None, "disable") and not (self.ssl_cert or self.ssl_root_cert):
            return {}
        named = {"ssl_ca": self.ssl_root_cert, "ssl_cert": self.ssl_cert, "ssl_key": self.ssl_key}
        checks_host = self.ssl_mode == "verify-full"
        given = {name: value for name, value in named.items() if value is not None}
        return {**given, "ssl_check_hostname": "true" if checks_host else "false"}


class DynamoDBStore(Settings):
    table: str = Field(default="sessions", pattern=r"^[a-zA-Z0-9_.-]{3,255}$")
    region: str | None = None
    endpoint_url: str | None = None
    bucket: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")


class SessionStore(Settings):
    backend: Literal["sql", "memory", "dynamodb"]
    sql: SqlStore | None = None
    dynamodb: DynamoDBStore | None = None

    def address(self) -> str:
        """`memory`, `dynamodb:TABLE` (with `?region=…&endpoint_url=…&bucket=…` where they were given) or the database's
        URL, which holds its password."""
        if self.sql is not None:
            return self.sql.url()
        if self.backend == "memory":
            return "memory"
        block = self.dynamodb or DynamoDBStore()
        named = {"region": block.region, "endpoint_url": block.endpoint_url, "bucket": block.bucket}
        query = urlencode({name: value for name, value in named.items() if value is not None})
        return f"dynamodb:{block.table}{'?' + query if query else ''}"

    @model_validator(mode="after")
    def _has_its_block(self) -> "SessionStore":
        if self.backend == "sql" and self.sql is None:
            raise ValueError("backend sql needs a block 'sql' with driver and database")
        for name in ("sql", "dynamodb"):
            if name != self.backend and getattr(self, name) is not None:
                raise ValueError(f"backend {self.backend} takes no block {name!r}")
        return self


class Embedder(Settings):
    """`timeout` in seconds; what is left out is the adapter's default. `dimensions`: how many numbers a vector has; the
    choice is the type's."""

    type: Literal["local", "openai", "bedrock", "scripted"]
    model: str | None = None
    base_url: str | None = None
    api_key: SecretStr | None = None
    region: str | None = None
    dimensions: int | None = Field(default=None, ge=1, le=8192)
    timeout: Duration | None = None
    max_retries: int | None = Field(default=None, ge=0, le=20)

    def connection(self) -> dict[str, Any]:
        """The arguments of the adapter, as given: times in seconds, the key in clear."""
        named = {
            "model": self.model,
            "api_key": self.api_key and self.api_key.get_secret_value(),
            "base_url": self.base_url,
            "region": self.region,
            "dimensions": self.dimensions,
            "timeout": self.timeout,
            "max_retries": self.max_retries,
        }
        return {name: value for name, value in named.items() if value is not None}

    @model_validator(mode="after")
    def _fits_its_type(self) -> "Embedder":
        for name in sorted(frozenset().union(*_EMBEDDER_KEYS.values()) - _EMBEDDER_KEYS[self.type]):
            if getattr(self, name) is not None:
                raise ValueError(f"an embedder of type {self.type} takes no {name!r}")
        return self


Text = Annotated[str, Field(min_length=1)]
Leeway = Annotated[float, BeforeValidator(seconds), Field(ge=0, le=600, allow_inf_nan=False)]


class Auth(Settings):
    """Whose tokens are taken for whose sessions. `audience` is this service as its issuer names it, by one name or
    several. `claim` is the one that names the owner. Seconds: `leeway`, how far the clocks may be apart, and
    `cache_duration`, how long the issuer's keys are kept. Without `jwks_url` the issuer is asked where they are."""

    issuer: Text
    audience: Text | tuple[Text, ...]
    jwks_url: str | None = None
    algorithms: tuple[Algorithm, ...] = get_args(Algorithm)
    claim: Text = "sub"
    leeway: Leeway = 60.0
    cache_duration: Annotated[Duration, Field(le=86_400)] = 600.0

    @model_validator(mode="after")
    def _lets_only_the_meant_in(self) -> "Auth":
        """Whoever can change the keys on their way can be anybody."""
        for name in ("audience", "algorithms"):
            if not getattr(self, name):
                raise ValueError(f"{name!r} lists none, so no token would ever do")
        if self.jwks_url is not None and not is_guarded(self.jwks_url):
            raise ValueError("'jwks_url' should be an https:// address (http:// on this machine)")
        if self.jwks_url is None and not is_guarded(self.issuer):
            raise ValueError("'issuer' should be an https:// address (http:// on this machine), or give 'jwks_url'")
        return self


class McpServer(Settings):
    """Read and checked, not active in this version."""

    url: str | None = None
    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, SecretStr] = Field(default_factory=dict)
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    timeout: Duration | None = None
