"""Every log has a group that is declared, is forgotten in time, and goes with the stack."""

from tests.templates.reading import Node, Template, each_template


@each_template
def test_every_log_group_has_a_retention_and_a_name_under_ours(template: Template) -> None:
    for logical_id, group in template.of_type("AWS::Logs::LogGroup").items():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, logical_id
        assert group["LogGroupName"]["Fn::Sub"].startswith("/nineways/${AWS::StackName}")


@each_template
def test_a_function_writes_to_a_group_of_its_template_and_may(template: Template) -> None:
    groups = template.of_type("AWS::Logs::LogGroup")
    for logical_id, function in template.of_type("AWS::Lambda::Function").items():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        role, _ = function["Role"]["Fn::GetAtt"]
        assert group in groups, logical_id
        assert _may_write(template, role, group), logical_id


@each_template
def test_a_task_writes_to_a_group_of_its_template_and_may(template: Template) -> None:
    groups = template.of_type("AWS::Logs::LogGroup")
    for logical_id, task in template.of_type("AWS::ECS::TaskDefinition").items():
        role, _ = task["ExecutionRoleArn"]["Fn::GetAtt"]
        for container in task["ContainerDefinitions"]:
            group = container["LogConfiguration"]["Options"]["awslogs-group"]["Ref"]
            assert group in groups, logical_id
            assert _may_write(template, role, group), logical_id


def _may_write(template: Template, role: str, group: str) -> bool:
    return any(
        {"logs:CreateLogStream", "logs:PutLogEvents"} <= set(statement["Action"])
        and statement["Resource"] == {"Fn::GetAtt": [group, "Arn"]}
        for statement in _statements(template.resources[role]["Properties"])
        if statement["Sid"] == "WriteTheLog"
    )


def _statements(role: Node) -> list[Node]:
    return [
        statement
        for policy in role["Policies"]
        if "PolicyDocument" in policy
        for statement in policy["PolicyDocument"]["Statement"]
    ]
