"""REST APIs: an address each, and the way of a request to the function."""

import json

import pytest

from tests.contract.cloud.conftest import Cloud, Json, att, ref

pytestmark = pytest.mark.lab

RESOURCES: Json = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    },
    "F": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": att("Role", "Arn"),
            "Code": {
                "ZipFile": "import json\ndef handler(event, context):\n"
                "    return {'statusCode': 201, 'multiValueHeaders': {'X-Two': ['a', 'b']},\n"
                "            'body': json.dumps({'path': event['path']})}"
            },
        },
    },
    "Permission": {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": ref("F"),
            "Principal": "apigateway.amazonaws.com",
        },
    },
    "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "echo"}},
    "Any": {
        "Type": "AWS::ApiGateway::Resource",
        "Properties": {
            "RestApiId": ref("Api"),
            "ParentId": att("Api", "RootResourceId"),
            "PathPart": "{proxy+}",
        },
    },
    "Method": {
        "Type": "AWS::ApiGateway::Method",
        "Properties": {
            "RestApiId": ref("Api"),
            "ResourceId": ref("Any"),
            "HttpMethod": "ANY",
            "AuthorizationType": "NONE",
            "Integration": {
                "Type": "AWS_PROXY",
                "IntegrationHttpMethod": "POST",
                "Uri": {
                    "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
                    "${F.Arn}/invocations"
                },
            },
        },
    },
    "Deployment": {
        "Type": "AWS::ApiGateway::Deployment",
        "DependsOn": "Method",
        "Properties": {"RestApiId": ref("Api")},
    },
    "Stage": {
        "Type": "AWS::ApiGateway::Stage",
        "Properties": {
            "RestApiId": ref("Api"),
            "DeploymentId": ref("Deployment"),
            "StageName": "live",
        },
    },
}


def test_a_request_that_the_edge_forwards_reaches_the_function(cloud: Cloud) -> None:
    stack = cloud.created(RESOURCES, {"Id": ref("Api")})
    api_id = stack.outputs["Id"]

    (api,) = [api for api in cloud.state()["rest_apis"] if api["id"] == api_id]
    answer = cloud.get("/live/hello/you", Host=f"{api_id}.execute-api.localhost:4566")

    assert api["address"].startswith(f"127.{cloud.addresses.octet}.60.")
    assert (api["name"], api["stages"]) == ("echo", ["live"])
    assert json.loads(answer)["path"] == "/hello/you"
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"
    assert api_id not in {api["id"] for api in cloud.state()["rest_apis"]}


def test_each_api_keeps_an_address_of_its_own(cloud: Cloud) -> None:
    client = cloud.client("apigateway")
    one, two = (client.create_rest_api(name=name)["id"] for name in ("one", "two"))

    def addresses() -> dict[str, str]:
        return {api["id"]: api["address"] for api in cloud.state()["rest_apis"]}

    before = addresses()
    client.delete_rest_api(restApiId=one)

    assert before[one] != before[two]
    assert addresses()[two] == before[two]
    client.delete_rest_api(restApiId=two)
