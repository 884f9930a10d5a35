"""A deployment of API Gateway is a snapshot that never changes: its name must."""

import hashlib
import json
import re

from deploy.catalog import VARIANTS
from deploy.model import Feature
from tests.templates.reading import (
    DEPLOY,
    Node,
    Template,
    each_template,
    read,
    template_of,
    walk,
)
from tests.templates.test_function_targets import LOAD_BALANCER

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
    # Methods name it by its id, which changes with what it is made from.
    "AWS::ApiGatewayV2::VpcLink",
)


def deployment_name(template: Template) -> str:
    definition = json.dumps(template.of_type(*DEFINITION), sort_keys=True)
    return f"Deployment{hashlib.sha256(definition.encode()).hexdigest()[:8]}"


@each_template
def test_the_deployment_carries_the_digest_of_its_api(template: Template) -> None:
    for name in template.of_type("AWS::ApiGateway::Deployment"):
        wanted, known = deployment_name(template), name[: len("Deployment01234567")]
        assert known == wanted, (
            f"the API changed, so its deployment needs a new name: "
            f"sed -i s/{known}/{wanted}/ deploy/{template.slug}/template.yaml"
        )


@each_template
def test_a_deployment_waits_for_every_method_and_gateway_response(template: Template) -> None:
    # Authorizers, models, validators and resources are referred to by methods, so they come before.
    parts = template.of_type(METHOD, "AWS::ApiGateway::GatewayResponse")
    always = {name for name in parts if "Condition" not in template.resources[name]}
    deployments = template.of_type("AWS::ApiGateway::Deployment")
    for name in deployments:
        waited_for = set(template.resources[name]["DependsOn"])
        # One that is made when a parameter asks for it comes after the one that always is.
        for earlier in waited_for & set(deployments):
            waited_for |= set(template.resources[earlier]["DependsOn"])
        if "Condition" in template.resources[name]:
            assert waited_for - set(deployments) == set(parts), name
        else:
            assert waited_for == always, name


@each_template
def test_no_parameter_changes_the_api_behind_the_back_of_its_deployment(template: Template) -> None:
    # Its value could change while the deployment's name stays: the old snapshot would be served.
    free = {name for name, it in template.parameters.items() if "Default" in it}
    for logical_id, properties in template.of_type(*DEFINITION).items():
        assert free & set(_named(properties)) == set(), logical_id


@each_template
def test_whatever_a_condition_adds_to_the_api_has_a_deployment_of_its_own(
    template: Template,
) -> None:
    deployments = template.of_type("AWS::ApiGateway::Deployment")
    with_own = {template.resources[name].get("Condition") for name in deployments}
    for logical_id, properties in template.of_type(*DEFINITION).items():
        resource = template.resources[logical_id]
        for condition in {*_conditions(properties), resource.get("Condition")} - {None}:
            assert _ways(template, str(condition)) <= with_own, logical_id


def _conditions(properties: Node) -> set[str]:
    found: set[str] = set()
    for part in walk(properties):
        match part:
            case {"Fn::If": [str(condition), *_]}:
                found.add(condition)
            case _:
                pass
    return found


def _ways(template: Template, condition: str) -> set[str]:
    """The conditions that this one is true for: itself, unless it says that it is one of others."""
    match template.content["Conditions"][condition]:
        case {"Fn::Or": list(others)}:
            return {str(other["Condition"]) for other in others}
        case _:
            return {condition}


def _named(properties: Node) -> list[str]:
    names: list[str] = []
    for part in walk(properties):
        match part:
            case {"Ref": str(name)}:
                names.append(name)
            case {"Fn::Sub": str(text) | [str(text), *_]}:
                names += re.findall(r"\$\{(\w+)\}", text)
            case _:
                pass
    return names


@each_template
def test_every_stage_throttles_every_method(template: Template) -> None:
    for stage in template.of_type("AWS::ApiGateway::Stage").values():
        first, *others = stage["MethodSettings"]
        assert (first["ResourcePath"], first["HttpMethod"]) == ("/*", "*")
        for settings in (first, *others):
            assert {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= set(settings)


@each_template
def test_settings_of_a_method_are_for_one_that_there_is(template: Template) -> None:
    there = {
        (_path(template, method["ResourceId"]), method["HttpMethod"])
        for method in template.of_type(METHOD).values()
    }
    for stage in template.of_type("AWS::ApiGateway::Stage").values():
        for settings in stage["MethodSettings"][1:]:
            path = settings["ResourcePath"].removeprefix("/").replace("~1", "/")
            assert (path, settings["HttpMethod"]) in there


def _path(template: Template, resource: Node) -> str:
    if "Fn::GetAtt" in resource:  # the root
        return ""
    properties = template.resources[resource["Ref"]]["Properties"]
    return f"{_path(template, properties['ParentId'])}/{properties['PathPart']}"


@each_template
def test_every_answer_of_the_gateway_has_the_shape_of_the_services_errors(
    template: Template,
) -> None:
    responses = template.of_type("AWS::ApiGateway::GatewayResponse")
    kinds = {response["ResponseType"] for response in responses.values()}
    if template.of_type("AWS::ApiGateway::Stage"):
        assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= kinds
    for logical_id, response in responses.items():
        written = response["ResponseTemplates"]["application/json"]
        said = json.loads(written.replace("$context.error.messageString", '"what went wrong"'))
        assert set(said) == {"error", "request_id"}, logical_id
        assert {"code", "message"} <= set(said["error"]) <= {"code", "message", "field"}
        assert said["request_id"] == "$context.requestId"
        headers = response["ResponseParameters"]
        assert headers["gatewayresponse.header.X-Request-Id"] == "context.requestId"


def test_what_a_variant_is_said_to_offer_is_in_its_template() -> None:
    for variant in VARIANTS:
        template = template_of(variant.stacks[-1])
        offered = {
            Feature.API_KEY: "AWS::ApiGateway::UsagePlanKey",
            Feature.AUTHORIZER: "AWS::ApiGateway::Authorizer",
            Feature.EVENTS: "AWS::SNS::Topic",
            Feature.EXECUTIONS: "AWS::StepFunctions::StateMachine",
            Feature.OBJECTS: "AWS::S3::Bucket",
        }
        for feature, kind in offered.items():
            assert (feature in variant.features) == bool(template.of_type(kind)), variant.name
        # One that is not offered on a route of its own may help on others.
        if Feature.VALIDATION in variant.features:
            assert template.of_type("AWS::ApiGateway::RequestValidator"), variant.name


@each_template
def test_only_the_api_of_this_account_may_call_a_function(template: Template) -> None:
    apis = template.of_type("AWS::ApiGateway::RestApi")
    for permission in template.of_type("AWS::Lambda::Permission").values():
        if permission["Principal"] == LOAD_BALANCER:  # see test_function_targets.py
            continue
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


def test_what_two_fronts_offer_alike_is_written_alike() -> None:
    function, server = (
        read(DEPLOY / slug / "template.yaml") for slug in ("apigw_lambda", "apigw_http")
    )
    shared = function.resources.keys() & server.resources.keys()
    of_its_own = {"Api", "Stage", *function.of_type(METHOD)}

    assert len(shared) > len(function.resources) / 2
    for logical_id in shared - of_its_own:
        one, other = (
            json.dumps(each.resources[logical_id]).replace("-", "_") for each in (function, server)
        )
        assert one == other.replace("apigw_http", "apigw_lambda"), logical_id
    for logical_id in shared & set(function.of_type(METHOD)):
        asked, asked_too = (
            _asked_of_callers(each.resources[logical_id]) for each in (function, server)
        )
        assert asked.items() <= asked_too.items(), logical_id


def _asked_of_callers(method: Node) -> dict[str, object]:
    return {name: it for name, it in method["Properties"].items() if name != "Integration"}
