"""Functions as targets of load balancers: who may call them, in which order, and in which form."""

from collections.abc import Iterator

from tests.templates.reading import Node, Template, each_template

LOAD_BALANCER = "elasticloadbalancing.amazonaws.com"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
ARN = (
    "arn:${AWS::Partition}:elasticloadbalancing:${AWS::Region}:${AWS::AccountId}:"
    "targetgroup/${AWS::StackName}/*"
)


def groups_of_functions(template: Template) -> Iterator[tuple[str, Node]]:
    for logical_id, group in template.of_type(TARGET_GROUP).items():
        if group["TargetType"] == "lambda":
            yield logical_id, group


@each_template
def test_only_the_target_group_of_this_stack_may_call_a_function(template: Template) -> None:
    names = [group["Name"] for _, group in groups_of_functions(template)]
    for permission in template.of_type("AWS::Lambda::Permission").values():
        if permission["Principal"] == LOAD_BALANCER:
            assert permission["Action"] == "lambda:InvokeFunction"
            assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
            assert permission["SourceArn"] == {"Fn::Sub": ARN}
            assert {"Ref": "AWS::StackName"} in names


@each_template
def test_nobody_else_may_call_a_function(template: Template) -> None:
    for permission in template.of_type("AWS::Lambda::Permission").values():
        assert permission["Principal"] in {LOAD_BALANCER, "apigateway.amazonaws.com"}


@each_template
def test_a_function_becomes_a_target_after_the_permission(template: Template) -> None:
    permissions = template.of_type("AWS::Lambda::Permission")
    for logical_id, group in groups_of_functions(template):
        permission = permissions[template.resources[logical_id]["DependsOn"]]
        [target] = group["Targets"]
        assert permission["FunctionName"] == target["Id"], logical_id


@each_template
def test_a_function_gets_every_value_of_a_header_and_is_not_checked(template: Template) -> None:
    for logical_id, group in groups_of_functions(template):
        attributes = {pair["Key"]: pair["Value"] for pair in group["TargetGroupAttributes"]}
        assert attributes["lambda.multi_value_headers.enabled"] == "true", logical_id
        assert group["HealthCheckEnabled"] is False, logical_id


@each_template
def test_every_container_behind_a_path_knows_its_prefix(template: Template) -> None:
    # A load balancer passes paths on as they are.
    for rule in template.of_type("AWS::ElasticLoadBalancingV2::ListenerRule").values():
        patterns = [
            value
            for condition in rule["Conditions"]
            for value in condition.get("PathPatternConfig", {}).get("Values", [])
        ]
        for prefix in {pattern.removesuffix("/*") for pattern in patterns}:
            assert f"Value: {prefix}\n" in template.text
