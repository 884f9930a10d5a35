"""REST APIs whose methods call SQS, SNS, Step Functions and S3 themselves."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud.conftest import Cloud, Json, Stack, att, ref, until

pytestmark = pytest.mark.lab

# Part of a template, or what JSON holds.
Value: TypeAlias = Any

FORM = "'application/x-www-form-urlencoded'"
ACCOUNT = {"Ref": "AWS::AccountId"}


def sub(text: str) -> Json:
    return {"Fn::Sub": text}


def role(
    action: str | list[str], resource: Value, principal: str = "apigateway.amazonaws.com"
) -> Json:
    """A role for API Gateway that may do one thing."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": "sts:AssumeRole",
    }
    right = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {
                    "PolicyName": "Call",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [right]},
                }
            ],
        },
    }


def method(verb: str, resource: Value, integration: Json, **more: Value) -> Json:
    statuses = [str(r["StatusCode"]) for r in integration["IntegrationResponses"]]
    headers = {
        key: True
        for response in integration["IntegrationResponses"]
        for key in response.get("ResponseParameters", {})
    }
    return {
        "Type": "AWS::ApiGateway::Method",
        "Properties": {
            "RestApiId": ref("Api"),
            "ResourceId": resource,
            "HttpMethod": verb,
            "AuthorizationType": "NONE",
            "Integration": integration,
            "MethodResponses": [
                {"StatusCode": status, "ResponseParameters": headers} for status in statuses
            ],
            **more,
        },
    }


def integration(service: str, role_name: str, template: Value, answer: str, **more: Value) -> Json:
    return {
        "Type": "AWS",
        "IntegrationHttpMethod": "POST",
        "Uri": sub("arn:aws:apigateway:${AWS::Region}:" + service),
        "Credentials": att(role_name, "Arn"),
        "PassthroughBehavior": "NEVER",
        "RequestTemplates": {"application/json": template},
        "IntegrationResponses": [
            {"StatusCode": "202", "ResponseTemplates": {"application/json": answer}},
            {
                "StatusCode": "400",
                "SelectionPattern": r"4\d{2}",
                "ResponseTemplates": {"application/json": "$input.json('$')"},
            },
        ],
        **more,
    }


def form(**more: Value) -> Json:
    return {"RequestParameters": {"integration.request.header.Content-Type": FORM, **more}}


def api(methods: Json, **properties: Value) -> Json:
    """A REST API with these methods, deployed to the stage `live`."""
    return {
        "Api": {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {"Name": "direct", **properties},
        },
        **methods,
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "DependsOn": [k for k, v in methods.items() if v["Type"].endswith("::Method")],
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


def path(part: str, parent: Value = None) -> Json:
    return {
        "Type": "AWS::ApiGateway::Resource",
        "Properties": {
            "RestApiId": ref("Api"),
            "ParentId": parent or att("Api", "RootResourceId"),
            "PathPart": part,
        },
    }


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Value:
        return json.loads(self.body)


def caller(cloud: Cloud, stack: Stack) -> Callable[..., Reply]:
    """Sends a request to the stage of the API in a stack."""
    where = urlsplit(cloud.url).netloc

    def ask(verb: str, target: str, body: bytes | str | Json = b"", **headers: str) -> Reply:
        content = json.dumps(body) if isinstance(body, dict) else body
        connection = http.client.HTTPConnection(where, timeout=30)
        host = f"{stack.outputs['Id']}.execute-api.localhost:4566"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Host": host, "Content-Type": "application/json", **named}
        raw = content.encode() if isinstance(content, str) else content
        connection.request(verb, f"/live{target}", raw, sent)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        reply = Reply(answer.status, headers, answer.read())
        connection.close()
        return reply

    return ask


SEND = (
    "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"
    "&MessageAttribute.1.Name=source&MessageAttribute.1.Value.DataType=String"
    "&MessageAttribute.1.Value.StringValue=$util.urlEncode($context.identity.sourceIp)"
)
MESSAGE_ID = '{"id": $input.json("$.SendMessageResponse.SendMessageResult.MessageId")}'
QUEUE_PATH = "sqs:path/${AWS::AccountId}/${Queue.QueueName}"

SQS: Json = api(
    {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"MaximumMessageSize": 2048}},
        "Other": {"Type": "AWS::SQS::Queue"},
        "Send": role("sqs:SendMessage", att("Queue", "Arn")),
        "Count": role("sqs:GetQueueAttributes", att("Queue", "Arn")),
        "Stranger": role("sqs:*", "*", principal="lambda.amazonaws.com"),
        "Messages": path("messages"),
        "Raw": path("raw"),
        "Stats": path("stats"),
        "Elsewhere": path("elsewhere"),
        "Untrusted": path("untrusted"),
        "NoForm": path("no-form"),
        "Post": method(
            "POST", ref("Messages"), integration(QUEUE_PATH, "Send", SEND, MESSAGE_ID, **form())
        ),
        "PostRaw": method(
            "POST",
            ref("Raw"),
            integration(
                QUEUE_PATH,
                "Send",
                "Action=SendMessage&MessageBody=$input.body",
                MESSAGE_ID,
                **form(),
            ),
        ),
        "Get": method(
            "GET",
            ref("Stats"),
            integration(
                QUEUE_PATH,
                "Count",
                "Action=GetQueueAttributes&AttributeName.1=ApproximateNumberOfMessages",
                "#foreach($a in $input.path('$.GetQueueAttributesResponse.GetQueueAttributesResult"
                '.Attributes\')){"$a.Name": $a.Value}#end',
                **form(),
            ),
        ),
        "PostElsewhere": method(
            "POST",
            ref("Elsewhere"),
            integration(
                "sqs:path/${AWS::AccountId}/${Other.QueueName}", "Send", SEND, MESSAGE_ID, **form()
            ),
        ),
        "PostUntrusted": method(
            "POST",
            ref("Untrusted"),
            integration(QUEUE_PATH, "Stranger", SEND, MESSAGE_ID, **form()),
        ),
        "PostNoForm": method(
            "POST", ref("NoForm"), integration(QUEUE_PATH, "Send", SEND, MESSAGE_ID)
        ),
    }
)
SQS_OUTPUTS: Json = {"Id": ref("Api"), "Queue": ref("Queue"), "Other": ref("Other")}


@pytest.fixture(scope="module")
def queue(cloud: Cloud) -> Iterator[Stack]:
    stack = cloud.created(SQS, SQS_OUTPUTS)
    yield stack
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"


def received(cloud: Cloud, url: str) -> list[Any]:
    sqs = cloud.client("sqs")
    found = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=60
    ).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_a_request_becomes_a_message(cloud: Cloud, queue: Stack) -> None:
    reply = caller(cloud, queue)("POST", "/messages", '{"a": "é & 😀"}')

    assert (reply.status, reply.headers["content-type"]) == (202, "application/json")
    (message,) = received(cloud, queue.outputs["Queue"])
    assert message["MessageId"] == reply.json["id"]
    assert message["Body"] == '{"a": "é & 😀"}'
    assert message["MessageAttributes"]["source"]["StringValue"] == "127.0.0.1"


@pytest.mark.parametrize(
    "body",
    [
        "x&DelaySeconds=900",
        "x&Action=DeleteQueue",
        "x&QueueUrl=http://elsewhere/000000000000/other",
        "$context.stage #set($x = 1) ${input.body}",
        "line\nline\ttab \" ' \\ %26 + ;",
    ],
)
def test_an_encoded_body_stays_a_body(cloud: Cloud, queue: Stack, body: str) -> None:
    assert caller(cloud, queue)("POST", "/messages", body).status == 202

    assert [message["Body"] for message in received(cloud, queue.outputs["Queue"])] == [body]


def test_a_raw_body_brings_parameters_of_its_own(cloud: Cloud, queue: Stack) -> None:
    assert caller(cloud, queue)("POST", "/raw", "x&DelaySeconds=900").status == 202

    # The message is there and hidden, as the caller wanted it.
    assert received(cloud, queue.outputs["Queue"]) == []
    counts = cloud.client("sqs").get_queue_attributes(
        QueueUrl=queue.outputs["Queue"], AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )["Attributes"]
    assert counts["ApproximateNumberOfMessagesDelayed"] == "1"


def test_not_even_a_raw_body_reaches_what_the_role_may_not(cloud: Cloud, queue: Stack) -> None:
    url = queue.outputs["Other"]

    caller(cloud, queue)("POST", "/raw", f"x&QueueUrl={url}")
    caller(cloud, queue)("POST", "/raw", "x&Action=PurgeQueue")

    assert received(cloud, url) == []
    # Both were messages of the queue that the URI names, for the first of two names counts.
    assert [message["Body"] for message in received(cloud, queue.outputs["Queue"])] == ["x", "x"]


def test_attributes_of_a_queue_come_as_a_list(cloud: Cloud, queue: Stack) -> None:
    reply = caller(cloud, queue)("GET", "/stats")

    assert reply.status == 202
    assert set(reply.json) == {"ApproximateNumberOfMessages"}


def test_the_queues_own_limit_is_kept(cloud: Cloud, queue: Stack) -> None:
    reply = caller(cloud, queue)("POST", "/messages", "x" * 2049)

    assert reply.status == 400
    assert reply.json["Error"]["Code"] == "InvalidParameterValue"
    assert "shorter than 2048 bytes" in reply.json["Error"]["Message"]


def test_attributes_count_towards_the_limit(cloud: Cloud, queue: Stack) -> None:
    sqs, url = cloud.client("sqs"), queue.outputs["Queue"]

    def send(body: int, attributes: int) -> None:
        value: Value = {"DataType": "String", "StringValue": "v"}
        sqs.send_message(
            QueueUrl=url,
            MessageBody="x" * body,
            MessageAttributes={f"n{number:02}": value for number in range(attributes)},
        )

    send(2038, 1)  # name 3, type 6, value 1
    with pytest.raises(ClientError, match="shorter than 2048 bytes"):
        send(2039, 1)
    with pytest.raises(ClientError, match="exceeds the allowed maximum"):
        send(1, 11)
    assert len(received(cloud, url)) == 1


def test_a_role_reaches_only_what_its_policy_allows(cloud: Cloud, queue: Stack) -> None:
    reply = caller(cloud, queue)("POST", "/elsewhere", "x")

    assert reply.status == 400
    assert reply.json["Error"]["Code"] == "AccessDenied"
    assert "not authorized to perform: sqs:SendMessage" in reply.json["Error"]["Message"]
    assert received(cloud, queue.outputs["Other"]) == []


def test_a_role_that_does_not_trust_the_gateway_is_500(cloud: Cloud, queue: Stack) -> None:
    reply = caller(cloud, queue)("POST", "/untrusted", "x")

    assert (reply.status, reply.json["message"]) == (500, "Internal server error")


def test_without_the_type_of_a_form_sqs_finds_no_action(cloud: Cloud, queue: Stack) -> None:
    reply = caller(cloud, queue)("POST", "/no-form", "x")

    # What SQS says is XML, so that the template of the answer fails.
    assert (reply.status, reply.json["message"]) == (500, "Internal server error")
    assert received(cloud, queue.outputs["Queue"]) == []


def test_a_queue_that_fails_fails_here_too(cloud: Cloud, queue: Stack) -> None:
    cloud.request("POST", "/_lab/faults", {"queue": {"fail": 1}})
    try:
        reply = caller(cloud, queue)("POST", "/messages", "x")
    finally:
        cloud.request("POST", "/_lab/faults", {"queue": None})

    # No pattern is for 5xx, so that it looks like success with nothing in it.
    assert (reply.status, reply.json) == (202, {"id": ""})


def test_another_media_type_is_415(cloud: Cloud, queue: Stack) -> None:
    reply = caller(cloud, queue)("POST", "/messages", "x", Content_Type="text/plain")

    assert (reply.status, reply.json["message"]) == (415, "Unsupported Media Type")


# ---- SNS ----

PUBLISH = (
    "TopicArn=$util.urlEncode('${Topic}')&Message=$util.urlEncode($input.body)"
    "&MessageAttributes.entry.1.Name=kind&MessageAttributes.entry.1.Value.DataType=String"
    "&MessageAttributes.entry.1.Value.StringValue=event"
)
SNS: Json = api(
    {
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"KmsMasterKeyId": "alias/aws/sns"},
        },
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [ref("Queue")],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "sns.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": att("Queue", "Arn"),
                            "Condition": {"ArnEquals": {"aws:SourceArn": ref("Topic")}},
                        }
                    ],
                },
            },
        },
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "DependsOn": "Policy",
            "Properties": {
                "TopicArn": ref("Topic"),
                "Protocol": "sqs",
                "Endpoint": att("Queue", "Arn"),
                "RawMessageDelivery": True,
            },
        },
        "Publish": role("sns:Publish", ref("Topic")),
        "Events": path("events"),
        "Post": method(
            "POST",
            ref("Events"),
            integration(
                "sns:action/Publish",
                "Publish",
                sub(PUBLISH),
                '{"id": $input.json("$.PublishResponse.PublishResult.MessageId")}',
                **form(),
            ),
        ),
    }
)


def test_a_request_becomes_an_event_that_subscribers_get(cloud: Cloud) -> None:
    stack = cloud.created(SNS, {"Id": ref("Api"), "Queue": ref("Queue")})
    ask = caller(cloud, stack)

    reply = ask("POST", "/events", "über&Subject=no")
    too_large = ask("POST", "/events", "x" * 262_145)

    assert reply.status == 202
    assert len(reply.json["id"]) == 36
    (message,) = until("the event", lambda: received(cloud, stack.outputs["Queue"]))
    assert message["Body"] == "über&Subject=no"
    assert message["MessageAttributes"]["kind"]["StringValue"] == "event"
    assert (too_large.status, too_large.json["Error"]["Code"]) == (400, "InvalidParameter")
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"


# ---- Step Functions ----

START = (
    '{"stateMachineArn": "${Machine}", "name": "$context.requestId", '
    '"input": "$util.escapeJavaScript($input.json(\'$\')).replaceAll("\\\\\'","\'")"}'
)
SYNC = START.replace("${Machine}", "${Express}")
MACHINE = {
    "StartAt": "Echo",
    "States": {"Echo": {"Type": "Pass", "End": True}},
}


def machine(kind: str) -> Json:
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineType": kind,
            "RoleArn": att("Runs", "Arn"),
            "DefinitionString": json.dumps(MACHINE),
            "LoggingConfiguration": {
                "Level": "ERROR",
                "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": att("Log", "Arn")}}],
            },
        },
    }


STATES: Json = api(
    {
        "Log": {"Type": "AWS::Logs::LogGroup"},
        "Runs": role("logs:*", "*", principal="states.amazonaws.com"),
        "Machine": machine("STANDARD"),
        "Express": machine("EXPRESS"),
        "Start": role("states:StartExecution", ref("Machine")),
        "StartSync": role("states:StartSyncExecution", ref("Express")),
        "Executions": path("executions"),
        "Sync": path("sync"),
        "Post": method(
            "POST",
            ref("Executions"),
            integration(
                "states:action/StartExecution",
                "Start",
                sub(START),
                '{"id": $input.json("$.executionArn")}',
            ),
        ),
        "PostSync": method(
            "POST",
            ref("Sync"),
            integration(
                "states:action/StartSyncExecution",
                "StartSync",
                sub(SYNC),
                "$util.parseJson($input.path('$.output')).name $input.path('$.status')",
            ),
        ),
    }
)


def test_a_request_becomes_an_execution(cloud: Cloud) -> None:
    stack = cloud.created(STATES, {"Id": ref("Api")})
    ask = caller(cloud, stack)
    body = {"name": 'O\'Hara "quoted" \\ / é 😀'}

    reply = ask("POST", "/executions", body)
    sync = ask("POST", "/sync", {"name": "Rex"})
    too_large = ask("POST", "/executions", {"name": "x" * 262_144})
    no_json = ask("POST", "/executions", "{")

    assert reply.status == 202, reply.body
    states = cloud.client("stepfunctions")
    execution = states.describe_execution(executionArn=reply.json["id"])
    assert json.loads(execution["input"]) == body
    assert (sync.status, sync.body) == (202, b"Rex SUCCEEDED")
    assert (too_large.status, too_large.json["__type"]) == (400, "ValidationException")
    assert no_json.status == 400
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"


def test_an_execution_of_one_name_and_input_is_started_once(cloud: Cloud) -> None:
    resources = {
        "Runs": role("logs:*", "*", principal="states.amazonaws.com"),
        "Log": {"Type": "AWS::Logs::LogGroup"},
        "Machine": machine("STANDARD"),
        "Express": machine("EXPRESS"),
    }
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    resources["Machine"]["Properties"]["DefinitionString"] = json.dumps(waits)
    stack = cloud.created(resources, {"Arn": ref("Machine"), "Express": ref("Express")})
    states, arn = cloud.client("stepfunctions"), stack.outputs["Arn"]

    first = states.start_execution(stateMachineArn=arn, name="one", input='{"a": 1}')
    again = states.start_execution(stateMachineArn=arn, name="one", input='{"a": 1}')

    assert again["executionArn"] == first["executionArn"]
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.start_execution(stateMachineArn=arn, name="one", input='{"a": 2}')
    with pytest.raises(ClientError, match="InvalidExecutionInput"):
        states.start_execution(stateMachineArn=arn, name="two", input="{")
    logging = states.describe_state_machine(stateMachineArn=arn)["loggingConfiguration"]
    assert logging["level"] == "ERROR"

    # EXPRESS knows no names.
    express = stack.outputs["Express"]
    twice = {
        states.start_execution(stateMachineArn=express, name="one", input="{}")["executionArn"]
        for _ in range(2)
    }
    assert len(twice) == 2
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"


# ---- S3 ----


def object_method(verb: str, role_name: str, **more: Value) -> Json:
    statuses = {"PUT": "201", "GET": "200", "DELETE": "204"}
    return method(
        verb,
        ref("Object"),
        {
            "Type": "AWS",
            "IntegrationHttpMethod": verb,
            "Uri": sub("arn:aws:apigateway:${AWS::Region}:s3:path/${Bucket}/{key}"),
            "Credentials": att(role_name, "Arn"),
            "RequestParameters": {
                "integration.request.path.key": "method.request.path.key",
                "integration.request.header.Content-Type": "method.request.header.Content-Type",
            },
            "IntegrationResponses": [
                {
                    "StatusCode": statuses[verb],
                    "ResponseParameters": {
                        "method.response.header.ETag": "integration.response.header.ETag",
                        "method.response.header.Content-Type": (
                            "integration.response.header.Content-Type"
                        ),
                    },
                },
                {"StatusCode": "404", "SelectionPattern": "404"},
                {"StatusCode": "403", "SelectionPattern": "403"},
            ],
        },
        RequestParameters={
            "method.request.path.key": True,
            "method.request.header.Content-Type": False,
        },
        **more,
    )


OBJECT_ARN = sub("${Bucket.Arn}/*")
S3: Json = api(
    {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                    ]
                },
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "LifecycleConfiguration": {
                    "Rules": [{"Id": "Forget", "Status": "Enabled", "ExpirationInDays": 1}]
                },
            },
        },
        "Write": role("s3:PutObject", OBJECT_ARN),
        "Read": role("s3:GetObject", OBJECT_ARN),
        "Objects": path("objects"),
        "Object": path("{key}", ref("Objects")),
        "Put": object_method("PUT", "Write"),
        "Get": object_method("GET", "Read"),
        "Delete": object_method("DELETE", "Write"),
    },
    BinaryMediaTypes=["application/octet-stream", "image/*"],
)


def test_objects_are_written_and_read_byte_by_byte(cloud: Cloud) -> None:
    stack = cloud.created(S3, {"Id": ref("Api"), "Bucket": ref("Bucket")})
    ask, s3, bucket = caller(cloud, stack), cloud.client("s3"), stack.outputs["Bucket"]
    content = bytes(range(256))

    put = ask("PUT", "/objects/a%20b%2Fc.png", content, Content_Type="image/png")
    got = ask("GET", "/objects/a%20b%2Fc.png", Accept="image/png")
    as_text = ask("GET", "/objects/a%20b%2Fc.png")
    missing = ask("GET", "/objects/none")
    forbidden = ask("DELETE", "/objects/a%20b%2Fc.png")

    assert put.status == 201
    stored = s3.get_object(Bucket=bucket, Key="a b/c.png")
    assert (stored["Body"].read(), stored["ContentType"]) == (content, "image/png")
    assert (got.status, got.body, got.headers["content-type"]) == (200, content, "image/png")
    assert got.headers["etag"] == put.headers["etag"] == stored["ETag"]
    assert as_text.body != content
    # Who may not list the bucket is not told that nothing is there.
    assert missing.status == 403
    assert forbidden.status == 403
    assert b"s3:DeleteObject" in forbidden.body

    # What the template says of the bucket can be asked for.
    (encrypted,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"][
        "Rules"
    ]
    assert encrypted["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert (rule["ID"], rule["Expiration"]) == ("Forget", {"Days": 1})
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"][
        "BlockPublicPolicy"
    ]

    # CloudFormation does not delete what is not empty.
    assert cloud.deleted(stack.name) == "DELETE_FAILED"
    assert "not empty" in " ".join(cloud.reasons(stack.name))
    s3.delete_object(Bucket=bucket, Key="a b/c.png")
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"ObjectLockEnabled": True}, "unsupported property ObjectLockEnabled"),
        (
            {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "Transitions": []}]}},
            "unsupported property Transitions",
        ),
        (
            {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "rot13"}}
                    ]
                }
            },
            "XML",
        ),
    ],
)
def test_what_would_be_dropped_of_a_bucket_is_refused(
    cloud: Cloud, properties: Json, reason: str
) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": properties}

    stack = cloud.finished(cloud.create({"Bucket": bucket}))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert reason in " ".join(cloud.reasons(stack.name))


# ---- what is no service ----

MOCK: Json = api(
    {
        "Health": path("healthz"),
        "Get": method(
            "GET",
            ref("Health"),
            {
                "Type": "MOCK",
                "RequestTemplates": {"application/json": '{"statusCode": 200}'},
                "IntegrationResponses": [
                    {
                        "StatusCode": "200",
                        "ResponseTemplates": {"application/json": '{"status": "ok"}'},
                        "ResponseParameters": {
                            "method.response.header.X-Request-Id": "context.requestId"
                        },
                    }
                ],
            },
        ),
    }
)


def test_a_mock_answers_by_itself(cloud: Cloud) -> None:
    stack = cloud.created(MOCK, {"Id": ref("Api")})

    reply = caller(cloud, stack)("GET", "/healthz")

    assert (reply.status, reply.json) == (200, {"status": "ok"})
    assert reply.headers["x-request-id"] == reply.headers["x-amzn-requestid"]
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"


# ---- functions and backends whose answers are mapped ----

CODE = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("[NotFound] nothing here")
    return {"seen": event}
"""
INVOKE = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations"
FUNCTION: Json = api(
    {
        "Runs": role("logs:*", "*", principal="lambda.amazonaws.com"),
        "F": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": att("Runs", "Arn"),
                "Code": {"ZipFile": CODE},
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": ref("F"),
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": sub(
                    "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/POST/mapped"
                ),
            },
        },
        "Mapped": path("mapped"),
        "ByRole": path("by-role"),
        "Few": role("lambda:InvokeFunction", att("F", "Arn")),
        "PostByRole": method(
            "POST",
            ref("ByRole"),
            {
                "Type": "AWS",
                "IntegrationHttpMethod": "POST",
                "Uri": sub(INVOKE),
                "Credentials": att("Few", "Arn"),
                "IntegrationResponses": [{"StatusCode": "200"}],
            },
        ),
        "ByStranger": path("by-stranger"),
        "PostByStranger": method(
            "POST",
            ref("ByStranger"),
            {
                "Type": "AWS",
                "IntegrationHttpMethod": "POST",
                "Uri": sub(INVOKE),
                "Credentials": att("Runs", "Arn"),
                "IntegrationResponses": [{"StatusCode": "200"}],
            },
        ),
        "Later": path("later"),
        "Post": method(
            "POST",
            ref("Mapped"),
            {
                "Type": "AWS",
                "IntegrationHttpMethod": "POST",
                "Uri": sub(INVOKE),
                "RequestTemplates": {
                    "application/json": '{"fail": $input.json("$.fail"), '
                    '"via": "$context.httpMethod"}'
                },
                "IntegrationResponses": [
                    {"StatusCode": "200"},
                    {
                        "StatusCode": "404",
                        "SelectionPattern": r"\[NotFound\].*",
                        "ResponseTemplates": {
                            "application/json": '{"why": $input.json("$.errorMessage")}'
                        },
                    },
                ],
            },
        ),
        "PostLater": method(
            "POST",
            ref("Later"),
            {
                "Type": "HTTP",
                "IntegrationHttpMethod": "GET",
                "Uri": "http://127.0.0.1:9/{id}",
                "RequestParameters": {"integration.request.path.id": "'7'"},
                "IntegrationResponses": [{"StatusCode": "200"}],
            },
        ),
    }
)


def test_a_functions_answer_and_its_errors_are_mapped(cloud: Cloud) -> None:
    stack = cloud.created(FUNCTION, {"Id": ref("Api")})
    ask = caller(cloud, stack)

    good = ask("POST", "/mapped", {"fail": False})
    bad = ask("POST", "/mapped", {"fail": True})
    nobody = ask("POST", "/later", {})

    assert (good.status, good.json) == (200, {"seen": {"fail": False, "via": "POST"}})
    assert (bad.status, bad.json) == (404, {"why": "[NotFound] nothing here"})
    # A role instead of the function's own policy, which names another path.
    assert ask("POST", "/by-role", {"n": 1}).json == {"seen": {"n": 1}}
    assert ask("POST", "/by-stranger", {"n": 1}).status == 500
    # A backend that nobody answers at.
    assert nobody.status == 504
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Credentials": None}, "Role ARN must be specified for AWS integrations"),
        ({"Credentials": "arn:aws:iam::*:user/*"}, "use a role"),
        (
            {"RequestParameters": {"integration.request.header.X": "method.request.header.X"}},
            "Invalid mapping expression parameter specified: method.request.header.X",
        ),
        (
            {"IntegrationResponses": [{"StatusCode": "200"}]},
            "No method response exists for method",
        ),
    ],
)
def test_what_aws_refuses_is_refused(cloud: Cloud, change: Json, reason: str) -> None:
    made = integration(QUEUE_PATH, "Send", SEND, MESSAGE_ID)
    post = method("POST", ref("Messages"), made)
    post["Properties"]["Integration"] = {
        key: value for key, value in {**made, **change}.items() if value is not None
    }
    resources = {**SQS, "Post": post}

    stack = cloud.finished(cloud.create(resources))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert reason in " ".join(cloud.reasons(stack.name))


def test_many_requests_at_once_are_answered(cloud: Cloud, queue: Stack) -> None:
    ask, found = caller(cloud, queue), []

    def send(number: int) -> None:
        found.append(ask("POST", "/messages", f"n{number}").status)

    threads = [threading.Thread(target=send, args=[n]) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [202] * 20
    bodies: set[str] = set()

    def all_there() -> bool:
        bodies.update(m["Body"] for m in received(cloud, queue.outputs["Queue"]))
        return len(bodies) == 20

    until("all messages", all_there)
