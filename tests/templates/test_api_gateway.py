"""A deployment of API Gateway is a snapshot that never changes: its name must."""

import hashlib
import json

from tests.templates.reading import Template, each_template

METHOD = "AWS::ApiGateway::Method"
# What a snapshot is made from.
DEFINITION = (
    "AWS::ApiGateway::Authorizer",
    "AWS::ApiGateway::GatewayResponse",
    METHOD,
    "AWS::ApiGateway::Model",
    "AWS::ApiGateway::RequestValidator",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::RestApi",
)


def deployment_name(template: Template) -> str:
    definition = json.dumps(template.of_type(*DEFINITION), sort_keys=True)
    return f"Deployment{hashlib.sha256(definition.encode()).hexdigest()[:8]}"


@each_template
def test_the_deployment_carries_the_digest_of_its_api(template: Template) -> None:
    for name in template.of_type("AWS::ApiGateway::Deployment"):
        wanted = deployment_name(template)
        assert name == wanted, (
            f"the API changed, so its deployment needs a new name: "
            f"sed -i s/{name}/{wanted}/ deploy/{template.slug}/template.yaml"
        )


@each_template
def test_the_deployment_waits_for_every_method(template: Template) -> None:
    for name in template.of_type("AWS::ApiGateway::Deployment"):
        assert set(template.resources[name]["DependsOn"]) == set(template.of_type(METHOD))


@each_template
def test_every_stage_has_a_throttle(template: Template) -> None:
    for stage in template.of_type("AWS::ApiGateway::Stage").values():
        (settings,) = stage["MethodSettings"]
        assert {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= set(settings)


@each_template
def test_only_the_api_of_this_account_may_call_a_function(template: Template) -> None:
    apis = template.of_type("AWS::ApiGateway::RestApi")
    for permission in template.of_type("AWS::Lambda::Permission").values():
        assert permission["Action"] == "lambda:InvokeFunction"
        assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
        assert any(f"${{{api}}}/" in permission["SourceArn"]["Fn::Sub"] for api in apis)


@each_template
def test_the_account_wide_setting_is_left_alone(template: Template) -> None:
    assert template.of_type("AWS::ApiGateway::Account") == {}


@each_template
def test_the_worker_names_the_messages_that_failed(template: Template) -> None:
    for mapping in template.of_type("AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
