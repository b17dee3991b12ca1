"""What naming an owner loads: behind API Gateway, which has checked the token, no cryptography."""

import subprocess
import sys

LOADED = f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}; {{}}; print(*sys.modules)"
VENDORS = {"jwt", "cryptography", "httpx", "starlette", "boto3", "botocore"}


def loaded_by(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOADED.format(statement)], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_whose_claims_they_are_needs_no_vendor() -> None:
    assert not loaded_by("import sessionful.auth.bearer, sessionful.auth.subject") & VENDORS


def test_a_verifier_needs_no_http_client_before_it_asks_for_keys() -> None:
    made = "TokenVerifier(issuer='https://i.example', audience='a')"
    assert not loaded_by(f"from sessionful.auth import TokenVerifier; {made}") & (VENDORS - {"jwt", "cryptography"})
