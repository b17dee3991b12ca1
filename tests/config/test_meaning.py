"""What a configuration comes to: defaults, which model and store an agent has, addresses, warnings."""

import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.engine import make_url

from sessionful.config import Config, Llm, SqlStore, parse
from sessionful.domain.agent import AgentSettings

LOCAL, ECHO = "{type: local}", "{type: scripted, replies: [Hi], delay_ms: 50}"


def read(text: str) -> Config:
    return parse(text, {})


def model_of(text: str) -> Llm | None:
    config = read(text)
    return config.llm_of(config.agents["a"])


def test_what_is_left_blank_means_the_defaults() -> None:
    blank_keys = "reasoning:\n    streaming:\n    instructions:\n    tools:\n    llm:\n    limits:\n    concurrency:"
    text = f"agents:\n  a:\n    {blank_keys}\n    memory:\n      longterm:\n      working:\n"
    blank = read(text).agents["a"]
    assert blank.settings() == AgentSettings(memory=blank.memory)
    assert blank.memory.longterm is not None
    assert blank.memory.longterm.storage_scope == "session"
    assert blank.tools == ()
    assert read("agents: {a: {}}").agents["a"].memory.longterm is None


def test_an_agents_settings_are_the_cores() -> None:
    settings = read("agents: {a: {description: d, sharing: true, limits: {tool_timeout: 1m}}}").agents["a"].settings()
    assert type(settings) is AgentSettings
    assert (settings.description, settings.sharing, settings.limits.tool_timeout) == ("d", True, 60)


def test_an_agents_model_is_its_own_or_the_default_or_the_only_one_or_none() -> None:
    llms = f"llms: {{one: {LOCAL}, two: {ECHO}}}\n"
    assert model_of("agents: {a: {}}") is None
    assert model_of(llms + "agents: {a: {}}") is None
    own, default = model_of(llms + "agents: {a: {llm: two}}"), model_of(llms + "defaults: {llm: two}\nagents: {a: {}}")
    only, inline = model_of(f"llms: {{one: {LOCAL}}}\nagents: {{a: {{}}}}"), model_of(f"agents: {{a: {{llm: {ECHO}}}}}")
    assert [llm and llm.type for llm in (own, default, only, inline)] == ["scripted", "scripted", "local", "scripted"]


def test_an_agents_store_is_its_own_or_the_default_or_the_only_one_or_none() -> None:
    stores = "session_stores: {one: {backend: memory}, two: {backend: dynamodb}}\n"

    def address(text: str) -> str | None:
        config = read(text)
        store = config.store_of(config.agents["a"])
        return None if store is None else store.address()

    assert address("agents: {a: {}}") is None
    assert address(stores + "agents: {a: {}}") is None
    assert address(stores + "agents: {a: {session_store: one}}") == "memory"
    assert address(stores + "defaults: {session_store: two}\nagents: {a: {}}") == "dynamodb:sessions"
    assert address("session_stores: {one: {backend: memory}}\nagents: {a: {}}") == "memory"


def test_an_agents_options_go_over_those_of_its_model() -> None:
    text = """
llms: {m: {type: openai, model: x, temperature: 0.5, max_tokens: 100}}
agents:
  a: {options: {temperature: 0, stop: [END]}}
  b:
"""
    agents = read(text).with_options().agents
    assert agents["a"].settings().options == {"temperature": 0, "max_tokens": 100, "stop": ("END",)}
    assert agents["b"].settings().options == {"temperature": 0.5, "max_tokens": 100}


def test_a_models_connection_is_what_its_adapter_takes() -> None:
    text = (
        "llms: {m: {type: openai, model: x, api_key: '${KEY}', base_url: 'http://h/v1', timeout: 1m, max_retries: 0}}"
    )
    llm = parse(text, {"KEY": "k1"}).llms["m"]
    assert llm.connection() == {"api_key": "k1", "base_url": "http://h/v1", "timeout": 60, "max_retries": 0}
    assert "k1" not in repr(llm)
    echo, file = (
        model_of(f"agents: {{a: {{llm: {ECHO}}}}}"),
        model_of("agents: {a: {llm: {type: local, model: m.gguf}}}"),
    )
    assert echo is not None
    assert echo.connection() == {"replies": ("Hi",), "delay": 0.05}
    assert file is not None
    assert file.connection() == {"path": "m.gguf"}


def test_models_that_differ_in_their_key_alone_are_two_models() -> None:
    text = "llms: {a: {type: openai, model: x, api_key: k1}, b: {type: openai, model: x, api_key: k2}}"
    a, b = read(text).llms.values()
    assert len({a, b, a.model_copy()}) == 2


@pytest.mark.parametrize("database", ["./data/sessions.db", "/var/x y/a?b#c%20.db", "C:/x/ü.db"])
def test_a_sqlite_files_url_leads_back_to_the_file(database: str) -> None:
    url = SqlStore(driver="sqlite", database=database).url()
    assert make_url(url).database == database


@pytest.mark.parametrize("secret", ["p@ss:w/o%rd?#&=+ ü", "", "%40", "a b"])
@pytest.mark.parametrize("driver", ["postgres", "mysql"])
def test_a_databases_url_leads_back_to_what_was_configured(driver: str, secret: str) -> None:
    block = {
        "driver": driver,
        "database": "my/db",
        "host": "db.example",
        "port": 6000,
        "user": "u@x",
        "password": secret,
    }
    url = make_url(SqlStore.model_validate(block).url())
    assert (url.username, url.password, url.host, url.port, url.database) == (
        "u@x",
        secret,
        "db.example",
        6000,
        "my/db",
    )
    assert url.drivername in ("postgresql+psycopg", "mysql+pymysql")


def test_a_database_without_host_or_login_and_one_at_an_ipv6_address() -> None:
    assert SqlStore(driver="mysql", database="d").url() == "mysql+pymysql://localhost/d"
    there = make_url(SqlStore(driver="postgres", database="d", host="::1", username="u").url())
    assert (there.host, there.username, there.password) == ("::1", "u", None)


def test_tls_is_asked_for_in_each_drivers_own_words() -> None:
    tls = {"database": "d", "ssl_mode": "verify-full", "ssl_root_cert": "/ca pem"}
    query = parse_qs(urlsplit(SqlStore.model_validate({"driver": "postgres", **tls}).url()).query)
    assert query == {"sslmode": ["verify-full"], "sslrootcert": ["/ca pem"]}

    def pymysql(**block: str) -> object:
        url = SqlStore.model_validate({"driver": "mysql", "database": "d", **block}).url()
        return MySQLDialect_pymysql().create_connect_args(make_url(url))[1].get("ssl")

    assert pymysql(ssl_mode="verify-full", ssl_root_cert="/ca") == {"ca": "/ca", "check_hostname": True}
    assert pymysql(ssl_mode="verify-ca", ssl_root_cert="/ca") == {"ca": "/ca", "check_hostname": False}
    assert pymysql(ssl_mode="require") == {"check_hostname": False}
    assert pymysql(ssl_mode="disable") is None


def test_a_dynamodb_address_drops_nothing() -> None:
    block = "{table: my-t, region: eu-west-1, endpoint_url: 'http://h:8000', bucket: my-b}"
    address = read(f"session_stores: {{s: {{backend: dynamodb, dynamodb: {block}}}}}").session_stores["s"].address()
    assert address == "dynamodb:my-t?region=eu-west-1&endpoint_url=http%3A%2F%2Fh%3A8000&bucket=my-b"


def test_what_is_accepted_but_does_nothing_is_warned_about() -> None:
    text = """
agents:
  plain: {}
  folded: {memory: {working: {strategy: summary_buffer, target: 0.9}}}
  shared: {memory: {longterm: {storage_scope: all}}}
session_stores: {s: {backend: sql, sql: {driver: sqlite, database: x, max_idle: 3}}}
embedders: {e: {type: openai}, f: {type: local}}
mcp_servers: {m: {url: "http://localhost"}}
"""
    warnings = read(text).warnings()
    for words in (
        "agents.folded.memory.working: target (0.9) is above threshold (0.85)",
        "every owner's memories are shared",
        "session_stores.s.sql.max_idle has no effect",
        "embedders: there are several and none is used",
        "mcp_servers is accepted but not active",
    ):
        assert any(words in line for line in warnings), words
    assert not any("plain" in line for line in warnings)
    assert read("agents: {a: {}}").warnings() == []


def test_the_embedder_is_the_default_or_the_only_one_or_none() -> None:
    two = "embedders: {e: {type: local}, f: {type: scripted}}\n"
    chosen = [read(text).embedder for text in ("agents: {a: {}}", two, "embedders: {e: {type: local}}")]
    chosen.append(read(two + "defaults: {embedder: f}").embedder)
    assert [one and one.type for one in chosen] == [None, None, "local", "scripted"]


def test_an_embedder_is_given_to_its_adapter_as_it_was_written_and_its_key_is_not_shown() -> None:
    text = "embedders: {e: {type: openai, model: m, api_key: sk-1, dimensions: 256, timeout: 1m, max_retries: 0}}"
    embedder = read(text).embedders["e"]
    given = {"model": "m", "api_key": "sk-1", "dimensions": 256, "timeout": 60.0, "max_retries": 0}
    assert embedder.connection() == given
    assert "sk-1" not in repr(embedder)
    assert read("embedders: {e: {type: local}}").embedders["e"].connection() == {}


def test_a_configuration_never_shows_its_secrets() -> None:
    store = "session_stores: {s: {backend: sql, sql: {driver: mysql, database: d, password: hunter2}}}"
    config = read(f"{store}\nmcp_servers: {{m: {{env: {{T: hunter2}}, headers: {{A: hunter2}}}}}}")
    assert "hunter2" not in repr(config)
    assert "hunter2" not in config.model_dump_json()


def test_importing_it_loads_pydantic_and_yaml_and_no_vendor() -> None:
    script = (
        "import sys, sessionful.config, sessionful.settings; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}; {script}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"yaml", "pydantic"} <= set(loaded)
    assert not {"sqlalchemy", "boto3", "httpx", "fastapi", "xllamacpp", "typer", "jwt"} & set(loaded)
