"""Addresses of AWS on this machine: a proxy that answers for them itself, over TLS, and keeps what it was asked."""

import datetime
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

REGION = "eu-central-1"
FUNCTION = f"abc123.lambda-url.{REGION}.on.aws"
GATEWAY = f"abc123.execute-api.{REGION}.amazonaws.com"
KEY_ID, SECRET, SESSION_TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session/token=="


class Asked(NamedTuple):
    host: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def refused(status: int) -> Answer:
    error = {"error": {"code": "teapot", "message": "not today", "details": {}, "request_id": "r"}}
    return Answer(status, {}, json.dumps(error).encode())


class Aws(ThreadingHTTPServer):
    """`answers` has one for each `METHOD host/path`, without the query."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.trusted = folder / "trusted.pem"
        self.tls = _certified(folder, self.trusted)
        self.asked: list[Asked] = []
        self.answers: dict[str, Answer] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What makes a command come here, and nowhere else for its credentials."""
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{self.server_address[1]}",
            "SSL_CERT_FILE": str(self.trusted),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nowhere/config",
            "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Aws

    def do_CONNECT(self) -> None:
        self._host = self.path.partition(":")[0]
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)  # type: ignore[assignment]
        self.close_connection = False

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(self._host, self.command, self.path, headers, body))
        route = f"{self.command} {self._host}{self.path.partition('?')[0]}"
        answer = self.server.answers.get(route, refused(418))
        self.send_response(answer.status)
        for name, value in {**answer.headers, "content-length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *_: object) -> None: ...


@contextmanager
def aws(folder: Path) -> Iterator[Aws]:
    server = Aws(folder)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def expected_authorization(asked: Asked, service: str) -> str:
    """Signature Version 4 as AWS describes it, made from what arrived."""
    given = asked.headers["authorization"]
    names = given.partition("SignedHeaders=")[2].partition(",")[0]
    path, _, query = asked.target.partition("?")
    pairs = sorted((quote(name, "-_.~"), quote(value, "-_.~")) for name, value in parse_qsl(query, True))
    canonical = [
        asked.method,
        quote(path, "/-_.~"),  # what arrives is encoded once; all but S3 encode it twice
        "&".join(f"{name}={value}" for name, value in pairs),
        *(f"{name}:{' '.join(asked.headers[name].split())}" for name in names.split(";")),
        "",
        names,
        sha256(asked.body).hexdigest(),
    ]
    moment = asked.headers["x-amz-date"]
    scope = f"{moment[:8]}/{REGION}/{service}/aws4_request"
    digest = sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), sha256).digest()
    signature = hmac.new(key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}".encode(), sha256).hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={names}, Signature={signature}"


def _certified(folder: Path, trusted: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "this test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(FUNCTION), x509.DNSName(GATEWAY)]), False)
        .sign(key, hashes.SHA256())
    )
    trusted.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    kept = folder / "key.pem"
    kept.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, kept)
    return context
