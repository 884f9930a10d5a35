"""What is refused before anything runs, and in which words."""

import json

import pytest

from tests.contract.cloud.conftest import Cloud, Json, ref
from tests.contract.cloud.rest_api import (
    ECHO,
    Api,
    api,
    function,
    method,
    proxy,
    standing,
    sub,
)

pytestmark = pytest.mark.lab


SCHEMA: Json = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["body"],
    "additionalProperties": False,
    "properties": {
        "body": {"type": "string", "minLength": 1},
        "inner": {
            "$ref": sub("https://apigateway.amazonaws.com/restapis/${Api}/models/Inner"),
        },
    },
}


@pytest.fixture(scope="module")
def validated(cloud: Cloud) -> Api:
    def model(name: str, schema: Json) -> Json:
        properties = {"RestApiId": ref("Api"), "Name": name, "Schema": schema}
        return {
            f"{name}Model": {
                "Type": "AWS::ApiGateway::Model",
                "Properties": {**properties, "ContentType": "application/json"},
            }
        }

    validator = {
        "Validator": {
            "Type": "AWS::ApiGateway::RequestValidator",
            "Properties": {
                "RestApiId": ref("Api"),
                "ValidateRequestBody": "true",
                "ValidateRequestParameters": True,
            },
        },
        "Own": {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Properties": {
                "RestApiId": ref("Api"),
                "ResponseType": "BAD_REQUEST_BODY",
                "StatusCode": "422",
                "ResponseParameters": {
                    "gatewayresponse.header.X-Request-Id": "context.requestId",
                    "gatewayresponse.header.X-Fixed": "'yes'",
                    "gatewayresponse.header.X-Path": "method.request.querystring.needed",
                },
                "ResponseTemplates": {
                    "application/json": '{"why": "$context.error.message", "id": '
                    '"$context.requestId", "kind": "$context.error.responseType", '
                    '"of": "${context.stage}$context.resourcePath", '
                    '"detail": $context.error.validationErrorString}'
                },
            },
        },
        "Other": {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Properties": {
                "RestApiId": ref("Api"),
                "ResponseType": "DEFAULT_4XX",
                "ResponseTemplates": {
                    "application/json": '{"refused": $context.error.messageString}'
                },
            },
        },
    }
    return standing(
        cloud,
        api(
            function(ECHO),
            validator,
            model("Inner", {"type": "integer", "maximum": 5}),
            model("Outer", SCHEMA),
            method(
                "/validated",
                proxy(),
                verb="POST",
                RequestValidatorId=ref("Validator"),
                RequestModels={"application/json": ref("OuterModel")},
                RequestParameters={
                    "method.request.querystring.needed": "true",
                    "method.request.header.X-Optional": False,
                },
            ),
        ),
    )


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, 'object has missing required properties (["body"])'),
        (
            {"body": 1},
            'does not match any allowed primitive type (allowed: ["string"])',
        ),
        ({"body": "x", "inner": 6}, "numeric instance is greater than the required maximum"),
        ({"body": "x", "more": 1}, "properties which are not allowed by the schema"),
    ],
)
def test_a_body_that_is_not_as_the_model_says_is_refused_by_the_gateway(
    validated: Api, body: Json, detail: str
) -> None:
    path = "/validated?needed=1"

    refused = validated.ask(path, verb="POST", body=json.dumps(body).encode())

    assert refused.status == 422
    text = refused.body.decode()
    assert f'"why": "Invalid request body", "id": "{refused.headers["X-Request-Id"]}"' in text
    assert '"kind": "BAD_REQUEST_BODY", "of": "live/validated"' in text
    assert detail in text
    assert (refused.headers["X-Fixed"], refused.headers["X-Path"]) == ("yes", "1")
    assert refused.headers["X-Request-Id"] == refused.headers["x-amzn-RequestId"]


def test_a_good_body_passes_and_so_does_one_of_another_type(validated: Api) -> None:
    def status(body: bytes, kind: str) -> int:
        return validated.ask(
            "/validated?needed=1", verb="POST", body=body, Content_Type=kind
        ).status

    assert status(b'{"body": "x", "inner": 5}', "application/json; charset=utf-8") == 200
    assert status(b"{", "application/json") == 422
    assert status(b"{", "text/plain") == 200, "AWS checks only what names a model"


def test_a_missing_parameter_is_400_in_the_words_of_default_4xx(validated: Api) -> None:
    refused = validated.ask("/validated", verb="POST", body=b"{}")

    assert refused.status == 400
    assert refused.json == {"refused": "Missing required request parameters: [needed]"}
