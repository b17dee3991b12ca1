"""Refusals become errors of the family, with the vendor's words and without anybody's secrets."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from sessionful.domain.error import AgentError, ModelAuthentication, ModelError, ModelUnavailable, RateLimited
from sessionful.models.failure import failure, retry_after, words_of


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ModelError),
        (401, ModelAuthentication),
        (403, ModelAuthentication),
        (404, ModelError),
        (413, ModelError),
        (429, RateLimited),
        (500, ModelError),
        (502, ModelUnavailable),
        (503, ModelUnavailable),
        (504, ModelUnavailable),
        (529, ModelUnavailable),
        (None, ModelError),
    ],
)
def test_each_status_has_its_error(status: int | None, kind: type[AgentError]) -> None:
    error = failure("vendor", status, "why")
    assert type(error) is kind
    if isinstance(error, ModelError):
        assert error.status_code == status


def test_a_secret_is_blotted_out_wherever_it_is_quoted() -> None:
    error = failure("vendor", 400, "key sk-very-secret is no good, sk-very-secret", secrets=["sk-very-secret"])
    assert str(error) == "vendor answered 400: key *** is no good, ***"


def test_what_is_said_to_a_wrong_key_is_not_repeated() -> None:
    error = failure("vendor", 401, "Incorrect API key provided: sk-ab******yz")
    assert "sk-ab" not in str(error)


def test_long_reasons_are_cut_and_empty_ones_named() -> None:
    assert len(str(failure("vendor", 500, "x" * 10_000))) < 400
    assert str(failure("vendor", 500, " \n ")) == "vendor answered 500: no reason given"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "too long", "type": "x"}}', "too long"),
        (b'{"error": "model not found"}', "model not found"),
        (b'{"message": "nope"}', "nope"),
        (b'{"detail": [{"loc": ["body"]}]}', '[{"loc": ["body"]}]'),
        (b"<html>Bad Gateway</html>", "<html>Bad Gateway</html>"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_the_reason_is_found_in_every_kind_of_body(body: bytes, words: str) -> None:
    assert words_of(body) == words


def test_retry_after_is_read_in_all_its_spellings() -> None:
    assert retry_after({"retry-after": "12"}) == 12
    assert retry_after({"retry-after-ms": "1500", "retry-after": "2"}) == 1.5
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after({"retry-after": date}) == pytest.approx(30, abs=2)
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    assert retry_after({"retry-after": past}) == 0


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "Thu, 99 Xyz 2026"])
def test_what_is_no_time_is_no_retry_after(value: str) -> None:
    assert retry_after({"retry-after": value}) is None
