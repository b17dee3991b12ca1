"""Which models may be called."""

from pathlib import Path

import pytest

from infra.constructs.model_access import resources_of
from infra.deployment import BedrockModel, load
from tests.infra.cloud import Cloud, listed, text

_PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-6"


def test_a_model_is_called_in_one_region() -> None:
    (allowed,) = resources_of(BedrockModel("amazon.nova-lite-v1:0", "eu-west-1"))
    assert [one.partition(":bedrock:")[2] for one in allowed.resources] == [
        "eu-west-1::foundation-model/amazon.nova-lite-v1:0"
    ]
    assert allowed.through is None


@pytest.mark.parametrize("geography", ["global", "us", "eu", "apac", "us-gov", "jp"])
def test_a_profiles_model_is_called_wherever_the_profile_sends_it_and_not_past_it(geography: str) -> None:
    profile, model = resources_of(BedrockModel(f"{geography}.anthropic.claude-sonnet-4-6", "eu-west-1"))
    (arn,) = profile.resources
    assert arn.endswith(f":inference-profile/{geography}.anthropic.claude-sonnet-4-6")
    assert profile.through is None
    assert [one.partition(":bedrock:")[2] for one in model.resources] == [
        "*::foundation-model/anthropic.claude-sonnet-4-6"
    ]
    assert model.through == arn


def test_a_profile_may_be_named_by_its_arn() -> None:
    profile, model = resources_of(BedrockModel(_PROFILE, None))
    assert profile.resources == [_PROFILE]
    assert model.through == _PROFILE
    assert text(model.resources[0]).endswith("::foundation-model/anthropic.claude-sonnet-4-6")


def test_any_other_arn_is_allowed_as_it_is() -> None:
    arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123"
    (allowed,) = resources_of(BedrockModel(arn, None))
    assert allowed == ([arn], None)


def test_the_template_allows_the_configured_models_and_ties_the_wildcard_to_the_profile(iam: Cloud) -> None:
    statements = [one for one in iam.rights("worker") if "bedrock:InvokeModel" in listed(one["Action"])]
    resources = {text(one): statement for statement in statements for one in listed(statement["Resource"])}
    assert sorted(name.rpartition("/")[2] for name in resources) == [
        "amazon.nova-lite-v1:0",
        "anthropic.claude-sonnet-4-6",
        "eu.anthropic.claude-sonnet-4-6",
    ]
    for name, statement in resources.items():
        if "*" in name:
            profile = text(statement["Condition"]["ArnEquals"]["bedrock:InferenceProfileArn"])
            assert profile.endswith(":inference-profile/eu.anthropic.claude-sonnet-4-6")


def test_nothing_of_bedrock_is_allowed_where_no_model_of_it_is_configured(clouds: dict[str, Cloud]) -> None:
    assert all(clouds[name].allowed("worker", "bedrock") == {} for name in ("jwt", "open"))


def test_models_are_found_by_name_and_inside_the_agents(settings_file: Path) -> None:
    settings_file.with_name("agents.yaml").write_text(
        "llms:\n"
        "  one: {type: bedrock, model: '${MODEL:-amazon.nova-lite-v1:0}', region: '${AWS_REGION}'}\n"
        "  two: {type: openai, model: gpt-4o}\n"
        "agents:\n"
        "  assistant: {llm: {type: bedrock, model: amazon.nova-pro-v1:0, region: us-east-1}}\n"
        "  again: {llm: one}\n"
    )
    assert load(settings_file).models == (
        BedrockModel("amazon.nova-lite-v1:0", None),
        BedrockModel("amazon.nova-pro-v1:0", "us-east-1"),
    )
