"""Agents that the doors would refuse are refused before anything is deployed."""

from pathlib import Path

import pytest

from infra.packaging.configuration import check
from infra.packaging.errors import PackagingError

SECRET = "agents:\n  assistant:\n    llm: {type: openai, model: gpt, api_key: '${OPENAI_API_KEY}'}\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "agents.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_misspelled_key_is_refused_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    agents = written(tmp_path, "agents:\n  assistant:\n    reasonning: {}\n")
    with pytest.raises(PackagingError) as refused:
        check(agents)
    assert "line 3" in str(refused.value)
    assert "reasoning" in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_a_secret_need_not_be_set_where_it_is_deployed_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    check(written(tmp_path, SECRET))
    check(written(tmp_path, SECRET), ["OPENAI_API_KEY"])


def test_a_variable_that_is_only_set_here_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-this-machine")
    with pytest.raises(PackagingError, match="OPENAI_API_KEY is not set") as refused:
        check(written(tmp_path, SECRET), ["ANTHROPIC_API_KEY"])
    assert "sk-of-this-machine" not in str(refused.value)


def test_the_region_is_there_on_lambda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    llm = "{type: bedrock, model: m, region: '${AWS_REGION}'}"
    check(written(tmp_path, f"agents:\n  assistant:\n    llm: {llm}\n"), [])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match=r"cannot read .*agents\.yaml"):
        check(tmp_path / "agents.yaml")
