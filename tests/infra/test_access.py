"""Who may come in, in each of the three configurations."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.cloud import Cloud, listed, text

_AUTHORIZATION = {"iam": "AWS_IAM", "jwt": "JWT", "open": "NONE"}


def _routes(template: dict[str, Any]) -> dict[str, Any]:
    found = template["Resources"].values()
    return {
        one["Properties"]["RouteKey"]: one["Properties"] for one in found if one["Type"] == "AWS::ApiGatewayV2::Route"
    }


@pytest.mark.parametrize("name", _AUTHORIZATION)
def test_every_route_of_the_http_api_has_the_configurations_authorizer(name: str, clouds: Mapping[str, Cloud]) -> None:
    routes = _routes(clouds[name].service)
    assert len(routes) > 50
    assert {route["AuthorizationType"] for route in routes.values()} == {_AUTHORIZATION[name]}
    assert {"AuthorizerId" in route for route in routes.values()} == {name == "jwt"}


def test_tokens_are_checked_against_the_issuer_and_audience_of_the_agents_file(clouds: Mapping[str, Cloud]) -> None:
    (authorizer,) = clouds["jwt"].all("ApiGatewayV2::Authorizer")
    assert authorizer["JwtConfiguration"] == {"Issuer": "https://login.example.com/", "Audience": ["sessionful"]}
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]


@pytest.mark.parametrize(("name", "kind"), [("iam", "AWS_IAM"), ("jwt", "NONE"), ("open", "NONE")])
def test_the_url_streams_and_lambda_checks_signatures_under_iam(
    name: str, kind: str, clouds: Mapping[str, Cloud]
) -> None:
    (url,) = clouds[name].all("Lambda::Url")
    assert url == {
        "AuthType": kind,
        "InvokeMode": "RESPONSE_STREAM",
        "TargetFunctionArn": {"Fn::GetAtt": ["StreamFunction", "Arn"]},
    }


@pytest.mark.parametrize("name", ["jwt", "open"])
def test_the_url_that_anybody_may_reach_has_both_of_the_permissions_that_it_needs(
    name: str, clouds: Mapping[str, Cloud]
) -> None:
    public = [one for one in clouds[name].all("Lambda::Permission") if one["Principal"] == "*"]
    assert sorted(one["Action"] for one in public) == ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"]
    assert all(one.get("FunctionUrlAuthType") == "NONE" or one.get("InvokedViaFunctionUrl") for one in public)
    assert {text(one["FunctionName"]) for one in public} == {"StreamFunction.Arn"}


def test_under_iam_nobody_may_invoke_anything_but_the_apis(iam: Cloud) -> None:
    permissions = iam.all("Lambda::Permission")
    assert {one["Principal"] for one in permissions} == {"apigateway.amazonaws.com"}
    assert all("execute-api" in text(one["SourceArn"]) for one in permissions)


@pytest.mark.parametrize(("name", "kind"), [("iam", "AWS_IAM"), ("jwt", "NONE"), ("open", "NONE")])
def test_a_websocket_is_signed_for_when_it_connects_under_iam(
    name: str, kind: str, clouds: Mapping[str, Cloud]
) -> None:
    routes = _routes(clouds[name].websocket)
    assert set(routes) == {"$connect", "$disconnect", "$default"}
    assert routes["$connect"]["AuthorizationType"] == kind


def test_the_websocket_is_not_in_the_service_stack(cloud: Cloud) -> None:
    assert not [key for key in _routes(cloud.service) if key.startswith("$")]
    assert {api["ProtocolType"] for template in [cloud.service] for api in _apis(template)} == {"HTTP"}


@pytest.mark.parametrize(("name", "mode"), [("iam", "iam"), ("jwt", "jwt"), ("open", "none")])
def test_every_door_is_told_how_callers_prove_who_they_are(name: str, mode: str, clouds: Mapping[str, Cloud]) -> None:
    for function in _doors(clouds[name]):
        assert function["Environment"]["Variables"]["SESSIONFUL_AUTH"] == mode
        assert function["Environment"]["Variables"]["SESSIONFUL_IAM_OWNER"] == "caller"


def test_only_pages_of_the_named_origins_get_an_answer(clouds: Mapping[str, Cloud]) -> None:
    (api,) = _apis(clouds["jwt"].service)
    assert api["CorsConfiguration"]["AllowOrigins"] == ["https://app.example.com"]
    assert "Authorization" in api["CorsConfiguration"]["AllowHeaders"]
    assert "AllowCredentials" not in api["CorsConfiguration"]
    assert all("CorsConfiguration" not in api for name in ("iam", "open") for api in _apis(clouds[name].service))


def test_buckets_and_queues_refuse_what_is_not_encrypted_on_its_way(cloud: Cloud) -> None:
    policies = [*cloud.all("S3::BucketPolicy"), *cloud.all("SQS::QueuePolicy")]
    assert len(policies) == 1 + len(cloud.all("SQS::Queue"))
    for policy in policies:
        denied = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [one["Condition"] for one in denied]
        others = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
        assert all(text(principal) != "*" for one in others for principal in listed(one["Principal"]["AWS"]))


def _apis(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::ApiGatewayV2::Api"]


def _doors(cloud: Cloud) -> list[dict[str, Any]]:
    return [one for one in cloud.all("Lambda::Function") if one["Handler"].startswith("functions")]
