"""Who may do what: checked by parliament, which knows every action of AWS, and by our own rules."""

import json
import re
import warnings
from collections.abc import Callable, Iterator

import pytest

from tests.templates.reading import Node, Template, each_template

# Actions for which IAM knows no resource narrower than "*" (Service Authorization Reference,
# read in November 2026).
WITHOUT_RESOURCE = {
    "ecr:GetAuthorizationToken",
    "ecs:DiscoverPollEndpoint",
    "elasticloadbalancing:DescribeTargetHealth",
    # What Step Functions needs to log ("Logging using CloudWatch Logs" in its guide).
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# What a reference stands for, so that a policy becomes one that IAM could read.
ACCOUNT = "eu-central-1:123456789012"
SAMPLES = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackId": f"arn:aws:cloudformation:{ACCOUNT}:stack/nineways/0123",
    "QueueArn": f"arn:aws:sqs:{ACCOUNT}:queue",
    "RepositoryArn": f"arn:aws:ecr:{ACCOUNT}:repository/images",
    "AWS::ECS::Cluster": f"arn:aws:ecs:{ACCOUNT}:cluster/x",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{ACCOUNT}:log-group:/nineways/x:*",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{ACCOUNT}:secret:x",
    "AWS::S3::Bucket": "arn:aws:s3:::bucket",
    "AWS::SNS::Topic": f"arn:aws:sns:{ACCOUNT}:topic",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{ACCOUNT}:stateMachine:x",
    "AWS::SQS::Queue": f"arn:aws:sqs:{ACCOUNT}:queue",
}

Analyse = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def findings() -> Analyse:
    """Parliament's findings, without the files that it forgets to close when it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        from parliament import analyze_policy_string  # noqa: PLC0415 - only here can it be quietened

    def analyse(policy: str) -> list[str]:
        return [f"{f.issue} {f.detail}" for f in analyze_policy_string(policy).findings]

    return analyse


@each_template
def test_parliament_finds_nothing(template: Template, findings: Analyse) -> None:
    for name, policy in _role_policies(template):
        assert findings(json.dumps(_resolved(policy, template))) == [], name


def test_parliament_would_find_an_action_that_does_not_fit_its_resource(findings: Analyse) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:s3:::bucket"}
        ],
    }

    assert findings(json.dumps(policy)) != []


@each_template
def test_no_role_has_an_action_with_a_star(template: Template) -> None:
    for name, statement in _role_statements(template):
        assert not [action for action in _list(statement["Action"]) if "*" in action], name
        assert "NotAction" not in statement, name


@each_template
def test_every_statement_names_its_resource_where_iam_knows_one(template: Template) -> None:
    for name, statement in _role_statements(template):
        if "*" in _list(statement["Resource"]):
            assert set(_list(statement["Action"])) <= WITHOUT_RESOURCE, name


@each_template
def test_no_role_may_pass_a_role(template: Template) -> None:
    for name, statement in _role_statements(template):
        assert "iam:PassRole" not in _list(statement["Action"]), name


@each_template
def test_a_function_cannot_bring_its_log_group_back(template: Template) -> None:
    for name, statement in _role_statements(template):
        assert "logs:CreateLogGroup" not in _list(statement["Action"]), name


@each_template
def test_a_role_is_taken_by_one_service(template: Template) -> None:
    for name, role in template.of_type("AWS::IAM::Role").items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRole", name
        assert re.fullmatch(r"[a-z0-9-]+\.amazonaws\.com", statement["Principal"]["Service"]), name


@each_template
def test_a_managed_policy_is_only_given_when_asked_for(template: Template) -> None:
    for name, role in template.of_type("AWS::IAM::Role").items():
        managed = role.get("ManagedPolicyArns", {"Fn::If": []})
        assert "Fn::If" in managed, name


@each_template
def test_taking_from_the_queue_comes_with_the_worker_only(template: Template) -> None:
    for name, role in template.of_type("AWS::IAM::Role").items():
        if template.resources[name].get("Condition") == "WithWorker":
            continue
        without_worker = [p for p in role["Policies"] if _condition(p) != "WithWorker"]
        assert "sqs:ReceiveMessage" not in json.dumps(without_worker), name


def _condition(policy: Node) -> str:
    return str(policy.get("Fn::If", [""])[0])


def _role_policies(template: Template) -> Iterator[tuple[str, Node]]:
    for name, role in template.of_type("AWS::IAM::Role").items():
        for policy in role["Policies"]:
            if "Fn::If" in policy:
                _, policy, _ = policy["Fn::If"]  # noqa: PLW2901 - with the condition true
            yield f"{name}.{policy['PolicyName']}", policy["PolicyDocument"]


def _role_statements(template: Template) -> Iterator[tuple[str, Node]]:
    for name, policy in _role_policies(template):
        for statement in policy["Statement"]:
            yield f"{name}.{statement['Sid']}", statement


def _list(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list) else [str(value)]


def _resolved(value: object, template: Template) -> object:
    """Put samples in the place of intrinsic functions."""
    match value:
        case {"Ref": str(name)}:
            return SAMPLES.get(name) or SAMPLES[template.resources[name]["Type"]]
        case {"Fn::GetAtt": [name, "Arn" | "Id"]}:
            return SAMPLES[template.resources[name]["Type"]]
        case {"Fn::Sub": str(text)}:
            arns = {
                f"{name}.Arn": SAMPLES.get(it["Type"]) for name, it in template.resources.items()
            }
            known = {**SAMPLES, **{name: arn for name, arn in arns.items() if arn}}
            return re.sub(r"\$\{([\w:.]+)\}", lambda match: known.get(match[1], "x"), text)
        case dict():
            return {key: _resolved(part, template) for key, part in value.items()}
        case list():
            return [_resolved(part, template) for part in value]
        case _:
            return value
