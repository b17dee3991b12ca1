"""What a door tells of itself: lines with ids and without secrets, metrics at each end, traces where they are on."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from functions import observability
from tests.functions.doors import PATHS
from tests.functions.observed import REQUEST, adapters, called, serving, told_in


def test_every_line_says_what_it_is_about_whoever_wrote_it() -> None:
    told = called({}, {})
    ours, theirs = told.logged[:2]
    for line in (ours, theirs):
        said = {"door": "sample", "session_id": "s1", "turn_id": "1-x", "request_id": REQUEST}
        assert said.items() <= line.items()
    assert (ours["message"], ours["level"], ours["service"]) == ("inside", "INFO", "sessionful")
    assert (theirs["message"], theirs["level"]) == ("of a library's", "WARNING")
    assert [line["cold_start"] for line in told.logged] == ["true", "true", "false", "false"]


def test_each_invocation_ends_with_its_metrics_by_door() -> None:
    first, second = called({}, {"answer": {"statusCode": 503}}).metrics
    [spec] = first["_aws"]["CloudWatchMetrics"]
    assert (spec["Namespace"], spec["Dimensions"], first["door"]) == ("sessionful", [["door"]], "sample")
    units = {metric["Name"]: metric["Unit"] for metric in spec["Metrics"]}
    counts = dict.fromkeys(["requests", "turns", "errors", "cold_starts"], "Count")
    assert units == {**counts, "duration": "Milliseconds"}
    assert [(one["requests"], one["turns"]) for one in (first, second)] == [([1.0], [2.0])] * 2
    assert [(one["errors"], one["cold_starts"]) for one in (first, second)] == [([0.0], [1.0]), ([1.0], [0.0])]
    assert 0 <= first["duration"][0] < 1000
    assert first["request_id"] == REQUEST


def test_each_failed_item_of_a_batch_is_an_error() -> None:
    [metrics] = called({"answer": {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}}).metrics
    assert metrics["errors"] == [2.0]


def test_what_a_handler_raises_is_told_once_by_its_kind_and_place_and_never_by_its_text() -> None:
    told = called({"raise": "my secret"})
    [line] = [line for line in told.logged if "exception" in line]
    assert (line["message"], line["exception_name"], line["request_id"]) == ("first told here", "ValueError", REQUEST)
    assert line["exception"].startswith("builtins.ValueError\n")
    assert "because of builtins.KeyError" in line["exception"]
    assert "observed_door.py" in line["exception"]
    assert told.metrics[0]["errors"] == [1.0]
    assert told.raised == "DoorFailed: the door sample failed with ValueError; the log says where\n"
    assert "secret" not in told.stdout


def test_an_error_of_the_house_is_told_in_its_own_words_and_goes_on_as_it_is() -> None:
    told = called({"raise": "house"})
    line = told.logged[-1]
    assert (line["message"], line["level"]) == ("the door sample failed", "ERROR")
    assert "StoreUnavailable: the store is away (store_unavailable)" in line["exception"]
    assert told.raised == "StoreUnavailable: the store is away\n"


def test_how_much_is_told_is_a_setting() -> None:
    assert [line["message"] for line in called({}, POWERTOOLS_LOG_LEVEL="WARNING").logged] == ["of a library's"]


def test_outside_lambda_the_lines_go_where_the_process_has_them_go() -> None:
    code = "import logging as l, functions.observability; print(l.root.handlers, l.getLogger('sessionful').handlers)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={"PYTHONPATH": PATHS}, capture_output=True, text=True, check=True)
    assert done.stdout == "[] []\n"


def test_under_the_adapter_the_same_is_told_before_an_answer_ends(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, out):
        for query in ("", "", "?503"):
            with client.stream("GET", f"/{query}", headers=adapters()) as answer:
                assert answer.read() == b"one two"
            last = told_in(out)  # by then: Lambda stops the process where it stands
    assert [(one["door"], one["cold_starts"], one["errors"]) for one in last.metrics] == [
        ("stream", [1.0], [0.0]),
        ("stream", [0.0], [0.0]),
        ("stream", [0.0], [1.0]),
    ]
    [*_, line] = [line for line in last.logged if line["message"] == "inside"]
    assert (line["request_id"], line["session_id"], line["door"]) == (REQUEST, "s1", "stream")
    assert line["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"


def test_an_application_that_breaks_off_is_told_once_and_without_its_text(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, out):
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/?-200", headers=adapters())
        assert client.get("/", headers=adapters()).status_code == 200
        told = told_in(out)
    assert [line["message"] for line in told.logged if "exception" in line] == ["first told here"]
    assert [one["errors"] for one in told.metrics] == [[1.0], [0.0]]
    assert "secret" not in told.stdout


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amzn-lambda-context": "not json"},
        {"x-amzn-lambda-context": "[]"},
        adapters(request_id=7, xray_trace_id=None),
        adapters(request_id="two\nlines", xray_trace_id="nul\x00"),
    ],
    ids=["no json", "no object", "other types", "control characters"],
)
def test_headers_that_make_no_sense_fail_no_request(tmp_path: Path, headers: dict[str, str]) -> None:
    daemon = {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9", "LAMBDA_TASK_ROOT": "/var/task"}
    with serving(tmp_path, **daemon) as (client, out):
        assert client.get("/", headers=headers).text == "one two"
        assert len(told_in(out).metrics) == 1


def test_only_this_module_knows_powertools() -> None:
    root = Path(observability.__file__).parent
    knowing = [file.name for file in root.rglob("*.py") if "aws_lambda_powertools" in file.read_text()]
    assert knowing == ["observability.py"]
