"""The address of a database: what is understood, what is refused, and what is never repeated."""

import subprocess
import sys
from pathlib import Path

import pytest

from sessionful.domain.error import ConfigError, StoreUnavailable
from sessionful.stores.sql import SqlLog
from sessionful.stores.sql.address import read_address
from tests.stores.processes import ROOT

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("written", "driver"),
    [
        ("sqlite:///sessions.db", "sqlite"),
        ("sqlite+pysqlite:///sessions.db", "sqlite"),
        ("postgres://ada@db/sessions", "postgresql+psycopg"),
        ("postgresql://ada@db/sessions", "postgresql+psycopg"),
        ("postgresql+psycopg://ada@db/sessions", "postgresql+psycopg"),
        ("mysql://ada@db/sessions", "mysql+pymysql"),
        ("mariadb://ada@db/sessions", "mysql+pymysql"),
        ("mysql+pymysql://ada@db/sessions", "mysql+pymysql"),
    ],
)
def test_an_address_names_its_driver(written: str, driver: str) -> None:
    address = read_address(written)
    assert address.drivername == driver
    assert (address.username, address.host) in [("ada", "db"), (None, None)]


@pytest.mark.parametrize(
    "written",
    [
        f"no address, {SECRET}",
        f"postgresql://ada:{SECRET}@db:port/sessions",
        f"postgresql+asyncpg://ada:{SECRET}@db/sessions",
        f"oracle://ada:{SECRET}@db/sessions",
        f"mysql+mysqldb://ada:{SECRET}@db/sessions",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_an_address_of_nothing_usable_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(ConfigError) as refused:
        SqlLog.open(written)
    assert SECRET not in f"{refused.value} {refused.value.details}"


def test_a_folder_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError):
        SqlLog.open(f"sqlite:///{tmp_path}/file/sessions.db")


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "diary.txt"
    file.write_text("dear diary " * 1_000)
    with pytest.raises(StoreUnavailable):
        SqlLog.open(f"sqlite:///{file}")
    assert file.read_text() == "dear diary " * 1_000


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_server_that_does_not_answer_is_unavailable_and_stays_unnamed(kind: str) -> None:
    pytest.importorskip({"postgresql": "psycopg", "mysql": "pymysql"}[kind])
    with pytest.raises(StoreUnavailable) as refused:
        SqlLog.open(f"{kind}://ada:{SECRET}@127.0.0.1:1/sessions")
    told: list[object] = [refused.value, refused.value.details, refused.value.__cause__, refused.value.__context__]
    assert not any(word in str(told) for word in (SECRET, "ada", "127.0.0.1", "SELECT"))


@pytest.mark.parametrize(
    ("missing", "url", "extra"),
    [
        ("sqlalchemy", "sqlite:///sessions.db", "sql"),
        ("psycopg", "postgresql://db/sessions", "postgres"),
        ("pymysql", "mysql://db/sessions", "mysql"),
    ],
)
def test_a_missing_driver_is_named_with_the_extra_that_brings_it(missing: str, url: str, extra: str) -> None:
    program = f"""
import sys
sys.modules[{missing!r}] = None
from sessionful.domain.error import ConfigError
import sessionful.stores.sql as sql
try:
    sql.SqlLog.open({url!r})
except ConfigError as error:
    sys.stdout.write(str(error))
"""
    path = str(ROOT / "functions/layer/python")
    ran = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": path}, capture_output=True, text=True)
    assert f"pip install 'sessionful[{extra}]'" in ran.stdout, ran.stderr


def test_sqlalchemy_is_loaded_by_those_who_use_it() -> None:
    program = "import sys, sessionful.stores.sql; sys.exit('sqlalchemy' in sys.modules)"
    path = str(ROOT / "functions/layer/python")
    assert subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": path}).returncode == 0
