"""A deployment that asks callers for AWS credentials, as the command reaches it."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from sessionful.cli.signing import signer_for
from tests.cli.aws import (
    FUNCTION,
    GATEWAY,
    KEY_ID,
    SECRET,
    SESSION_TOKEN,
    Answer,
    Asked,
    Aws,
    aws,
    expected_authorization,
)
from tests.cli.command import Command

KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
EMPTY = Answer(200, {}, b'{"sessions": [], "next_cursor": null}')
AGENTS = Answer(200, {}, b'{"agents": [{"name": "assistant", "model": "m", "reasoning": {}}]}')
STREAM = "/agents/assistant/messages/stream"
MOVED = Answer(307, {"location": f"https://{FUNCTION}{STREAM}?events=full"}, b"")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Aws]:
    with aws(tmp_path) as server:
        yield server


def caller(server: Aws, folder: Path, **environment: str) -> Command:
    return Command(folder, **server.environment, **environment)


def assert_signed(asked: Asked, service: str) -> None:
    assert asked.headers["authorization"] == expected_authorization(asked, service)
    assert asked.headers["x-amz-content-sha256"] == sha256(asked.body).hexdigest()
    signed = asked.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed)


@pytest.mark.parametrize(("host", "service"), [(FUNCTION, "lambda"), (GATEWAY, "execute-api")])
def test_a_request_is_signed_for_the_service_that_its_host_belongs_to(
    server: Aws, tmp_path: Path, host: str, service: str
) -> None:
    server.answers[f"GET {host}/sessions"] = EMPTY
    assert caller(server, tmp_path, **KEYS).run("sessions", "list", "--url", f"https://{host}").returncode == 0
    (asked,) = server.asked
    assert_signed(asked, service)


def test_the_token_of_a_passing_session_is_signed_too(server: Aws, tmp_path: Path) -> None:
    command = caller(server, tmp_path, **KEYS, AWS_SESSION_TOKEN=SESSION_TOKEN)
    command.run("sessions", "list", "--url", f"https://{FUNCTION}")
    (asked,) = server.asked
    assert asked.headers["x-amz-security-token"] == SESSION_TOKEN
    assert "x-amz-security-token" in asked.headers["authorization"]
    assert_signed(asked, "lambda")


@pytest.mark.parametrize("session", ["plain", "a b", "50% é+~*'(x)", "a&b=c?d#e", "李"])
def test_whatever_is_in_a_path_or_a_query_is_signed_as_it_is_sent(server: Aws, tmp_path: Path, session: str) -> None:
    command = caller(server, tmp_path, **KEYS)
    command.run("sessions", "show", session, "--url", f"https://{FUNCTION}", "--agent", "an agent")
    command.run("sessions", "import", "-", "--as", session, "--url", f"https://{FUNCTION}", stdin="{}")
    assert len(server.asked) == 2
    for asked in server.asked:
        assert_signed(asked, "lambda")


def test_a_stream_that_the_gateway_sends_elsewhere_is_signed_anew_with_the_same_body(
    server: Aws, tmp_path: Path
) -> None:
    server.answers |= {f"GET {GATEWAY}/agents": AGENTS, f"POST {GATEWAY}{STREAM}": MOVED}
    code, said = caller(server, tmp_path, **KEYS).fails("call", "hello", "--url", f"https://{GATEWAY}")
    assert (code, said.splitlines()[-1]) == (1, "error: not today (teapot)")  # what the function answered
    _, gateway, function = server.asked
    assert (gateway.host, function.host) == (GATEWAY, FUNCTION)
    assert_signed(gateway, "execute-api")
    assert_signed(function, "lambda")
    assert gateway.body == function.body
    for header in ("idempotency-key", "accept", "content-type"):
        assert gateway.headers[header] == function.headers[header]


def test_a_token_goes_before_credentials_and_along_to_where_the_gateway_sends_it(server: Aws, tmp_path: Path) -> None:
    server.answers |= {f"GET {GATEWAY}/agents": AGENTS, f"POST {GATEWAY}{STREAM}": MOVED}
    caller(server, tmp_path, **KEYS).fails("call", "hello", "--url", f"https://{GATEWAY}", "--token", "a.b.c")
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer a.b.c"] * 3
    assert not any("x-amz-date" in asked.headers for asked in server.asked)


def test_nothing_goes_on_to_where_it_could_be_read_on_its_way(server: Aws, tmp_path: Path) -> None:
    away = Answer(307, {"location": f"http://{FUNCTION}{STREAM}"}, b"")
    server.answers |= {f"GET {GATEWAY}/agents": AGENTS, f"POST {GATEWAY}{STREAM}": away}
    code, said = caller(server, tmp_path).fails("call", "hi", "--url", f"https://{GATEWAY}", "--token", "a.b.c")
    assert code == 1
    assert "not https" in said
    assert len(server.asked) == 2


def test_without_credentials_one_is_told_before_anything_is_asked(server: Aws, tmp_path: Path) -> None:
    bare = caller(server, tmp_path)
    for name in [name for name in bare.environment if name.startswith("AWS_") and name not in server.environment]:
        del bare.environment[name]
    code, said = bare.fails("call", "hello", "--url", f"https://{FUNCTION}")
    assert (code, len(said.splitlines())) == (2, 1)
    assert "--token" in said
    assert "AWS_PROFILE" in said
    bare.environment["AWS_PROFILE"] = "nobody"
    code, said = bare.fails("call", "hello", "--url", f"https://{FUNCTION}")
    assert (code, len(said.splitlines())) == (2, 1)
    assert "nobody" in said
    assert server.asked == []


def test_what_stands_in_front_and_lets_nobody_in_is_told_so(server: Aws, tmp_path: Path) -> None:
    server.answers[f"GET {FUNCTION}/sessions"] = Answer(403, {}, b'{"Message": "Forbidden"}')
    code, said = caller(server, tmp_path, **KEYS).fails("sessions", "list", "--url", f"https://{FUNCTION}")
    assert (code, said.endswith("(forbidden)\n")) == (1, True)


@pytest.mark.parametrize(
    "url",
    [
        f"http://{FUNCTION}",
        f"https://{FUNCTION}.evil.example",
        f"https://evil.example/{FUNCTION}",
        f"https://evil.example?{FUNCTION}",
        f"https://{FUNCTION}@evil.example",
        "https://abc.lambda-url.eu-central-1.on.aws.",
        "https://lambda-url.eu-central-1.on.aws",
        "https://a.b.lambda-url.eu-central-1.on.aws",
        "https://abc.execute-api.eu-central-1.amazonaws.com.evil.example",
        "https://abc.s3.eu-central-1.amazonaws.com",
        "http://127.0.0.1:8080",
    ],
)
def test_no_other_server_gets_anything_signed(url: str) -> None:
    assert signer_for(httpx.URL(url)) is None


def test_the_region_and_the_service_are_those_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for host, region, service in (
        ("x.lambda-url.us-gov-west-1.on.aws", "us-gov-west-1", "lambda"),
        ("x.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1", "execute-api"),
    ):
        signer = signer_for(httpx.URL(f"https://{host}"))
        assert signer is not None
        request = httpx.Request("GET", f"https://{host}/agents")
        signer.sign(request)
        assert f"/{region}/{service}/aws4_request" in request.headers["authorization"]
