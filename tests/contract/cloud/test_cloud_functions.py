"""Lambda functions: their environment, their concurrency, their speed."""

import io
import json
import os
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud.conftest import Cloud, Json, Stack, att, ref

pytestmark = pytest.mark.lab

ROLE: Json = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
}


def made(cloud: Cloud, source: str, **properties: object) -> Stack:
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": att("Role", "Arn"),
            "Code": {"ZipFile": source},
            "Timeout": 10,
            **properties,
        },
    }
    return cloud.created({"Role": ROLE, "F": function}, {"Name": ref("F")})


def invoke(cloud: Cloud, stack: Stack, event: object = None) -> Any:  # noqa: ANN401 - any JSON
    answer = cloud.client("lambda").invoke(
        FunctionName=stack.outputs["Name"], Payload=json.dumps(event)
    )
    return json.loads(answer["Payload"].read())


def test_every_python_runtime_runs_on_the_labs_own_interpreter(cloud: Cloud) -> None:
    source = "import sys\ndef handler(event, context): return {'version': list(sys.version_info)}"
    for runtime in ("python3.11", "python3.12", "python3.13", "python3.14"):
        stack = made(cloud, source, Runtime=runtime)

        assert invoke(cloud, stack)["version"] == list(sys.version_info)
        cloud.deleted(stack.name)

    assert "a function asks for python3.1" in (cloud.directory / "cloud.log").read_text()


def test_a_function_finds_what_the_runtime_offers_and_nothing_else(cloud: Cloud) -> None:
    source = """
import importlib.util, os
def handler(event, context):
    return {"found": [name for name in event if importlib.util.find_spec(name)],
            "environment": dict(os.environ)}
"""
    stack = made(cloud, source, Environment={"Variables": {"COLOUR": "blue"}})

    answer = invoke(cloud, stack, ["boto3", "fastapi", "ministack", "pytest", "deploy"])

    assert answer["found"] == ["boto3"]
    assert answer["environment"]["AWS_ENDPOINT_URL"] == cloud.url
    assert answer["environment"]["AWS_REGION"] == "us-east-1"
    assert answer["environment"]["COLOUR"] == "blue"
    assert answer["environment"]["AWS_SECRET_ACCESS_KEY"]
    assert "GATEWAY_PORT" not in answer["environment"]
    cloud.deleted(stack.name)


def test_a_function_reaches_the_queue_without_being_told_where_it_is(cloud: Cloud) -> None:
    url = cloud.client("sqs").create_queue(QueueName="from-a-function")["QueueUrl"]
    source = """
import boto3
def handler(event, context):
    return boto3.client("sqs").send_message(QueueUrl=event, MessageBody="hi")["MessageId"]
"""
    stack = made(cloud, source)

    sent = invoke(cloud, stack, url)

    (message,) = cloud.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert message["MessageId"] == sent
    assert url.startswith(cloud.url)
    cloud.deleted(stack.name)


def test_the_second_invocation_is_warm(cloud: Cloud) -> None:
    source = "import os\ndef handler(event, context): return {'pid': os.getpid()}"
    stack = made(cloud, source)

    assert invoke(cloud, stack) == invoke(cloud, stack)
    cloud.deleted(stack.name)


def test_an_environment_writes_one_log_stream_whose_name_it_knows(cloud: Cloud) -> None:
    source = """
import os
def handler(event, context):
    print("hello", flush=True)
    return [context.log_stream_name, os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]]
"""
    stack = made(cloud, source)

    told = [invoke(cloud, stack) for _ in range(3)]

    group = f"/aws/lambda/{stack.outputs['Name']}"
    (stream,) = cloud.client("logs").describe_log_streams(logGroupName=group)["logStreams"]
    assert told == 3 * [2 * [stream["logStreamName"]]]
    events = cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    assert sum(event["message"].startswith("REPORT") for event in events) == 3
    cloud.deleted(stack.name)


def test_a_function_that_cannot_be_imported_says_why_in_its_log(cloud: Cloud) -> None:
    stack = made(cloud, "raise RuntimeError('a version that is broken')")

    for _ in range(2):
        assert "a version that is broken" in str(invoke(cloud, stack))

    group = f"/aws/lambda/{stack.outputs['Name']}"
    events = cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    said = [event["message"] for event in events]
    assert said.count("RuntimeError: a version that is broken") == 2
    assert said.count("Traceback (most recent call last):") == 2
    cloud.deleted(stack.name)


def test_each_invocation_is_counted_in_the_metrics(cloud: Cloud) -> None:
    stack = made(cloud, "def handler(event, context): return 1 / event")
    for event in (1, 0, 2, 4):
        invoke(cloud, stack, event)

    def total(metric: str, statistic: str) -> float:
        now = datetime.now(UTC)
        told = cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": stack.outputs["Name"]}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=[statistic],
        )
        return sum(float(point[statistic]) for point in told["Datapoints"])

    assert total("Invocations", "Sum") == 4
    assert total("Errors", "Sum") == 1
    assert total("Duration", "SampleCount") == 4
    cloud.deleted(stack.name)


def test_a_burst_waits_for_environments_rather_than_starting_one_for_each(cloud: Cloud) -> None:
    source = """
import os, time
time.sleep(0.3)
def handler(event, context): return {"pid": os.getpid()}
"""
    stack = made(cloud, source)
    burst = 4 * (os.cpu_count() or 1)

    with ThreadPoolExecutor(burst) as callers:
        answers = list(callers.map(lambda _: invoke(cloud, stack), range(burst)))

    assert 1 < len({answer["pid"] for answer in answers}) < burst
    cloud.deleted(stack.name)


def test_reserved_concurrency_of_a_template_throttles(cloud: Cloud) -> None:
    source = "def handler(event, context): return {}"
    stack = made(cloud, source, ReservedConcurrentExecutions=0)

    with pytest.raises(ClientError, match="TooManyRequestsException"):
        invoke(cloud, stack)

    cloud.deleted(stack.name)


def test_a_zip_in_the_bucket_is_what_runs(cloud: Cloud) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("service/__init__.py", "")
        package.writestr("service/entry.py", "def handler(event, context): return {'it': 'runs'}")
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="artifacts")
    s3.put_object(Bucket="artifacts", Key="a.zip", Body=archive.getvalue())

    stack = made(
        cloud, "", Handler="service.entry.handler", Code={"S3Bucket": "artifacts", "S3Key": "a.zip"}
    )

    assert invoke(cloud, stack) == {"it": "runs"}
    cloud.deleted(stack.name)
