"""`config validate`: what is wrong, with its line."""

from tests.cli.command import Command


def test_a_right_configuration_is_said_to_be_right(command: Command) -> None:
    assert command.out("config", "validate", "config.yaml") == "config.yaml is valid; agents: assistant, slow\n"


def test_without_a_path_it_checks_config_yaml(command: Command) -> None:
    assert command.out("config", "validate").startswith("config.yaml is valid")


def test_everything_wrong_is_told_with_its_line_and_the_exit_code_is_2(command: Command) -> None:
    (command.folder / "bad.yaml").write_text("agents:\n  assistant:\n    instrctions: x\n    llm: foo\n")
    code, said = command.fails("config", "validate", "bad.yaml")
    assert code == 2
    assert "line 3: agents.assistant.instrctions: unknown key; did you mean 'instructions'?" in said
    assert "line 4: agents.assistant.llm" in said


def test_a_wrong_configuration_is_one_line_for_every_other_command(command: Command) -> None:
    (command.folder / "bad.yaml").write_text("agents:\n  assistant:\n    instrctions: x\n    llm: foo\n")
    for arguments in (["call", "hi"], ["chat"], ["serve"], ["sessions", "list"]):
        code, said = command.fails(*arguments, "--config", "bad.yaml")
        assert (code, len(said.splitlines())) == (2, 1)
        assert said.endswith("(invalid_config)\n")


def test_what_has_no_effect_is_a_warning(command: Command) -> None:
    (command.folder / "wide.yaml").write_text(
        "agents:\n  a:\n    memory:\n      longterm:\n        storage_scope: all\n"
    )
    done = command.run("config", "validate", "wide.yaml")
    assert done.returncode == 0
    assert "warning: agents.a.memory.longterm: storage_scope all" in done.stderr


def test_a_file_that_is_not_there_is_wrong_usage(command: Command) -> None:
    code, said = command.fails("config", "validate", "none.yaml")
    assert (code, said) == (2, "cannot read none.yaml: No such file or directory\n")
