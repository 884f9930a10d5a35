"""Templates of REST APIs for tests, and requests to them."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.contract.cloud.conftest import Cloud, Json, Stack, att, ref

ECHO = """
import json, os

def handler(event, context):
    return {
        "statusCode": 200,
        "body": json.dumps(event | {"trace": os.environ.get("_X_AMZN_TRACE_ID")}),
    }
"""

# Another answer each time.
COUNTING = """
import json, uuid

def handler(event, context):
    return {"body": json.dumps({"id": str(uuid.uuid4())})}
"""

# Says what it is told to by the token: `allow`, `deny GET/path`, `raise`, …
AUTHORIZER = """
calls = 0

def handler(event, context):
    global calls
    calls += 1
    token = event.get("authorizationToken") or event["headers"].get("Authorization")
    if token == "raise":
        raise Exception("Unauthorized")
    if token == "break":
        raise ValueError("broken")
    if token == "nonsense":
        return {"policyDocument": "none"}
    effect, _, resource = token.partition(" ")
    base = event["methodArn"].partition("/live/")[0]
    return {
        "principalId": "me",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": effect.capitalize(),
                "Action": "execute-api:Invoke",
                "Resource": base + "/live/" + (resource or "*"),
            }],
        },
        "context": {"calls": calls, "good": True},
    }
"""


def sub(text: str) -> Json:
    return {"Fn::Sub": text}


def function(source: str, *, name: str = "F", **properties: object) -> Json:
    """A function that API Gateway may call."""
    return {
        f"{name}Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        },
        name: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": att(f"{name}Role", "Arn"),
                "Code": {"ZipFile": source},
                **properties,
            },
        },
        f"{name}Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": ref(name),
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": sub("arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"),
            },
        },
    }


def proxy(name: str = "F") -> Json:
    """The integration that hands a request to the function."""
    return {
        "Type": "AWS_PROXY",
        "IntegrationHttpMethod": "POST",
        "Uri": invocation(name),
    }


def invocation(name: str = "F") -> Json:
    return sub(
        "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${"
        + name
        + ".Arn}/invocations"
    )


def method(path: str, integration: Json, *, verb: str = "GET", **properties: object) -> Json:
    """A resource of this path and a method on it; `{…}` in the path becomes part of no name."""
    resources: Json = {}
    parent: Json = att("Api", "RootResourceId")
    parts = [part for part in path.split("/") if part]
    for number, part in enumerate(parts, 1):
        name = "R" + "".join(c for c in "".join(parts[:number]) if c.isalnum())
        resources[name] = {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {"RestApiId": ref("Api"), "ParentId": parent, "PathPart": part},
        }
        parent = ref(name)
    resources["M" + verb + "".join(c for c in path if c.isalnum())] = {
        "Type": "AWS::ApiGateway::Method",
        "Properties": {
            "RestApiId": ref("Api"),
            "ResourceId": parent,
            "HttpMethod": verb,
            "AuthorizationType": "NONE",
            "Integration": integration,
            **properties,
        },
    }
    return resources


def api(
    *parts: Json, stage: Json | None = None, deployment: str = "Deployment", **properties: object
) -> Json:
    """An API made of these parts, deployed to the stage `live`."""
    resources: Json = {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "api", **properties}}
    }
    for part in parts:
        resources |= part
    depends = [
        name
        for name, resource in resources.items()
        if resource["Type"].startswith("AWS::ApiGateway::")
        and name != "Api"
        and resource["Type"].rpartition("::")[2] not in {"UsagePlan", "UsagePlanKey", "ApiKey"}
    ]
    resources[deployment] = {
        "Type": "AWS::ApiGateway::Deployment",
        "DependsOn": depends,
        "Properties": {"RestApiId": ref("Api")},
    }
    resources["Stage"] = {
        "Type": "AWS::ApiGateway::Stage",
        "Properties": {
            "RestApiId": ref("Api"),
            "DeploymentId": ref(deployment),
            "StageName": "live",
            **(stage or {}),
        },
    }
    return resources


def authorizer(name: str, kind: str, ttl_s: int, **properties: object) -> Json:
    return {
        name: {
            "Type": "AWS::ApiGateway::Authorizer",
            "Properties": {
                "RestApiId": ref("Api"),
                "Name": name,
                "Type": kind,
                "AuthorizerUri": invocation("Auth"),
                "AuthorizerResultTtlInSeconds": ttl_s,
                "IdentitySource": "method.request.header.Authorization",
                **properties,
            },
        }
    }


OUTPUTS: Json = {"Id": ref("Api")}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Json:
        document: Json = json.loads(self.body)
        return document


@dataclass(frozen=True)
class Api:
    """A REST API that stands."""

    cloud: Cloud
    stack: Stack

    @property
    def id(self) -> str:
        return self.stack.outputs["Id"]

    def ask(
        self,
        path: str,
        *,
        verb: str = "GET",
        body: bytes | None = None,
        stage: str = "live",
        **headers: str,
    ) -> Answer:
        """One request; names of headers have underscores for dashes, and repeated values a join."""
        connection = http.client.HTTPConnection(urlsplit(self.cloud.url).netloc, timeout=40)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Host", f"{self.id}.execute-api.us-east-1.amazonaws.com")
        connection.request(verb, f"/{stage}{path}", body, named)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer


def standing(cloud: Cloud, resources: Json, outputs: Json | None = None) -> Api:
    return Api(cloud, cloud.created(resources, {**OUTPUTS, **(outputs or {})}))
