"""YAML as it is read: variables, lines, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionful.config import Config, load, parse
from sessionful.config.document import read_document, written
from sessionful.domain.error import ConfigError


def refused(text: str, **env: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text, env)
    return caught.value


def told(value: str, **env: str) -> str | None:
    config = parse(f"agents:\n  a:\n    instructions: {value}\n", env)
    return config.agents["a"].instructions


def test_an_empty_file_is_a_configuration() -> None:
    for text in ("", "\n# nothing yet 🙂\n", "agents:\n", "---\n"):
        assert parse(text, {}) == Config()


def test_variables_are_expanded_in_values() -> None:
    assert told('"${GREETING}, ${WHO}!"', GREETING="Hello", WHO="you") == "Hello, you!"
    assert told("${WHO:-nobody}") == "nobody"
    assert told('"${WHO:-}x"') == "x"
    assert told("${WHO:-nobody}", WHO="") == "nobody"
    assert told("${WHO}", WHO="a: b # c") == "a: b # c", "what a variable holds is never read as YAML"
    assert told("${WHO}", WHO="${OTHER}") == "${OTHER}", "and never expanded again"
    assert told('"costs $5, $$5 and $${X}"') == "costs $5, $5 and ${X}"


def test_a_variable_can_be_a_number_or_a_switch() -> None:
    text = "agents:\n  a:\n    reasoning:\n      max_steps: '${STEPS}'\n      enable_streaming: ${ON:-false}\n"
    reasoning = parse(text, {"STEPS": "7"}).agents["a"].reasoning
    assert (reasoning.max_steps, reasoning.enable_streaming) == (7, False)


def test_a_plain_value_that_expands_to_nothing_is_as_good_as_absent() -> None:
    assert told("${WHO:-}") is None


def test_keys_and_comments_are_left_alone() -> None:
    assert list(parse("llms: {'${X}': {type: local}} # ${Y}", {}).llms) == ["${X}"]


def test_an_unset_variable_is_named_with_its_line_and_nothing_else_is_complained_about() -> None:
    error = refused("llms:\n  main:\n    type: openai\n    model: ${MODEL_NAME}\n    max_retries: ${RETRIES}\n")
    assert [(each["key"], each["line"]) for each in error.details["errors"]] == [
        ("llms.main.model", 4),
        ("llms.main.max_retries", 5),
    ]
    assert "MODEL_NAME is not set" in error.message


@pytest.mark.parametrize("value", ["${1X}", "${A-b}", "${", "'${A B}'", "${}"])
def test_a_variable_that_cannot_be_read_is_refused(value: str) -> None:
    assert "${NAME:-default}" in refused(f"defaults:\n  llm: a{value}").message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("agents:\n  a:\n    instructions: x\n    instructions: y\n", 4),
        ("agents:\n  a: {}\nagents:\n  a: {}\n", 4),
        ("sessions: {timeout: 1}\nllms: {}\nsessions: 3", 3),
    ],
)
def test_a_key_written_twice_is_refused_with_both_lines(text: str, line: int) -> None:
    error = refused(text)
    assert error.details["line"] == line
    assert "written twice; the first is in line" in error.message


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("agents: [", 1, "not YAML"),
        ("agents:\n  a: {\n", 3, "not YAML"),
        ("a: b: c", 1, "mapping values are not allowed here"),
        ("agents: {a: {instructions: ${A}}}", 1, "${NAME} between { } or [ ]"),
        ("agents: {}\n---\nagents: {}\n", 2, "not YAML"),
        ("agents:\n  a: \x01", 2, "a character that YAML does not allow"),
        ("agents: !!python/object:os.system {}", 1, "a tag (!) is not allowed"),
        ("defaults:\n  llm: !!python/name:os.system x", 2, "cannot be read"),
        ("agents: &a {b: *a}", 1, "aliases that unfold without end"),
        ("? [a]\n: b", 1, "a key has to be text"),
        ("- agents", 1, "a configuration is a mapping"),
        ("defaults: {llm: 2024-99-99}", 1, "put it in quotes"),
        ("[" * 5000, None, "nested too deeply"),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_line(text: str, line: int | None, hint: str) -> None:
    error = refused(text)
    assert hint in error.message
    assert error.details["line"] == line


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "aliases" in refused("l0: &l0 [x, x]\n" + "\n".join(levels)).message


def test_an_agent_can_build_on_another() -> None:
    text = "agents:\n  a: &a\n    instructions: A\n    tools: [search]\n  b:\n    <<: *a\n    instructions: B\n"
    first, second = parse(text, {}).agents.values()
    assert (first.instructions, second.instructions) == ("A", "B")
    assert second.tools == ("search",)


def test_a_key_that_yaml_takes_for_a_switch_is_still_a_name() -> None:
    assert list(parse("agents: {no: {}, 1: {}, null: {}}", {}).agents) == ["no", "1", "null"]


def test_lines_are_those_of_the_keys_and_items() -> None:
    lines = read_document("a:\n  - b: 1\n    c: 2\n  - d\n", {}).lines
    assert {written(path): line for path, line in lines.items()} == {
        "a": 1,
        "a[0]": 2,
        "a[0].b": 2,
        "a[0].c": 3,
        "a[1]": 4,
    }


@pytest.mark.parametrize(
    "value",
    [
        "*{secret}",
        "!{secret}",
        "&{secret} &{secret}",
        "'{secret}",
        "[{secret}",
        "{{{secret}",
        "@{secret}",
        '"\\{secret}"',
        "{secret}: {secret}",
        "[{secret}]",
        "{{{secret}: 1}}",
        "!!int {secret}",
        "!!timestamp {secret}",
        "${{{secret}}}{secret}",
    ],
)
@pytest.mark.parametrize("place", ["llms: {{l: {{type: openai, model: m, api_key: {}}}}}", "sessions:\n  timeout: {}"])
def test_no_message_repeats_a_secret(value: str, place: str) -> None:
    secret = "hunter2hunter2"
    text = place.format(value.format(secret=secret))
    try:
        config = parse(text, {secret: "other"})
    except ConfigError as error:
        assert secret not in error.message.replace(f"variable {secret}", "")
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None
    else:
        assert secret not in repr(config)


@pytest.mark.parametrize("key", ["timeout", "max_duration"])
def test_no_message_repeats_a_variable(key: str) -> None:
    assert "hunter2" not in refused(f"sessions: {{{key}: '${{PASSWORD}}'}}", PASSWORD="hunter2").message


def test_a_file_that_cannot_be_read_is_a_configuration_error(tmp_path: Path) -> None:
    binary = tmp_path / "latin.yaml"
    binary.write_bytes(b"agents: \xff")
    for path, hint in ((tmp_path, "cannot read"), (tmp_path / "none.yaml", "No such file"), (binary, "not UTF-8")):
        with pytest.raises(ConfigError, match=hint):
            load(path, env={})
    with_mark = tmp_path / "mark.yaml"
    with_mark.write_bytes(b"\xef\xbb\xbfagents: {a: {instructions: '${WHO}'}}")
    assert load(with_mark, env={"WHO": "me"}).agents["a"].instructions == "me"


PIECES = st.sampled_from(
    ["agents", "a", ":", " ", "\n", "\n  ", "\n    ", "- ", "[", "]", "{", "}", "${A}", "${", "$$", "llm", "*x", "&x ",
     "<<", "!!int ", "null", "true", "1", ".inf", "'", '"', "#", "|", ">", "timeout", "options", "tools", "sessions"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_text_is_a_configuration_or_a_configuration_error(text: str) -> None:
    try:
        assert isinstance(parse(text, {"A": "b"}), Config)
    except ConfigError as error:
        assert error.details["errors"]
        assert error.message
