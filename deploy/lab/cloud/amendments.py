"""Small corrections of stock resource types: what they drop, refuse or answer wrongly."""

from deploy.lab.cloud.border import (
    Created,
    Internals,
    Json,
    ResourceType,
    add_resource_type,
    amend_resource_type,
    records,
)

PROVISIONERS = Internals(
    "services.cloudformation.provisioners",
    "_elbv2_listener_actions",
    "_iam_ip_create",
    "_iam_ip_delete",
    "_iam_ip_update",
)
IAM = Internals("services.iam", "_instance_profiles")
ALB = Internals("services.alb", "_targets")
SSM = Internals("services.ssm", "_PUBLIC_AMI_PARAMETERS")
LAMBDA = Internals("services.lambda_svc", "_functions")


# Public parameters that MiniStack lacks: any image will do, for machines run none.
PUBLIC_IMAGES = tuple(
    f"/aws/service/{name}"
    for name in (
        "ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        "ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id",
        "ecs/optimized-ami/amazon-linux-2023/recommended/image_id",
    )
)


def install() -> None:
    """Amend the types that the templates use."""
    for number, name in enumerate(PUBLIC_IMAGES, 1):
        SSM.PUBLIC_AMI_PARAMETERS.setdefault(name, f"ami-0ab1ab1ab1ab1ab{number:02}")
    amend_resource_type("AWS::EC2::VPC", after=_with_cidr_block)
    amend_resource_type("AWS::ElasticLoadBalancingV2::TargetGroup", after=_with_targets)
    amend_resource_type("AWS::ElasticLoadBalancingV2::TargetGroup", after=_with_full_name)
    amend_resource_type("AWS::Lambda::Function", after=_with_concurrency)
    amend_resource_type("AWS::ECS::TaskDefinition", before=numbers)
    add_resource_type(
        "AWS::IAM::InstanceProfile",
        ResourceType(_create_profile, _delete_profile, _update_profile),
    )
    stock_actions = PROVISIONERS.elbv2_listener_actions

    def actions(
        properties: Json, load_balancer: str | None, prop: str = "DefaultActions"
    ) -> object:
        """The stock function keeps the first target group only and forgets the weights."""
        made = stock_actions(properties, load_balancer, prop)
        for record, given in zip(made, properties.get(prop) or [], strict=True):
            if forward := given.get("ForwardConfig"):
                record["ForwardConfig"] = forward
        return made

    PROVISIONERS.replace("elbv2_listener_actions", actions)


# Properties that are numbers on AWS and arrive as text when a parameter gave them.
NUMBERS = frozenset(
    {
        "ContainerPort",
        "DesiredCount",
        "HealthCheckGracePeriodSeconds",
        "HostPort",
        "MaximumPercent",
        "MinimumHealthyPercent",
        "StopTimeout",
    }
)


def numbers(properties: Json) -> Json:
    """The same properties, with numbers where AWS's schema has numbers.

    >>> numbers({"LoadBalancers": [{"ContainerPort": "8000"}], "DesiredCount": "2", "Cpu": "256"})
    {'LoadBalancers': [{'ContainerPort': 8000}], 'DesiredCount': 2, 'Cpu': '256'}
    """
    return {
        key: int(value) if key in NUMBERS and isinstance(value, str) else _inside(value)
        for key, value in properties.items()
    }


def _inside(value: object) -> object:
    if isinstance(value, dict):
        return numbers(value)
    return [_inside(item) for item in value] if isinstance(value, list) else value


def _with_cidr_block(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    """Fn::GetAtt Vpc.CidrBlock; the stock type does not offer it."""
    return physical_id, {**attributes, "CidrBlock": properties.get("CidrBlock", "")}


def _with_targets(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    """The stock type drops the targets that the template names."""
    # Those of functions are checked first (alb_targets).
    if (targets := properties.get("Targets")) and properties.get("TargetType") != "lambda":
        port = int(properties.get("Port", 80))
        ALB.targets[physical_id] = [
            {"Id": target["Id"], "Port": int(target.get("Port", port))} for target in targets
        ]
    return physical_id, attributes


def _with_full_name(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    """The stock type leaves out `targetgroup/`, and scaling's resource labels name no group."""
    del properties
    return physical_id, {**attributes, "TargetGroupFullName": physical_id.rpartition(":")[2]}


def _with_concurrency(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    """The stock type drops the reserved concurrency."""
    reserved = properties.get("ReservedConcurrentExecutions")
    LAMBDA.functions[physical_id]["concurrency"] = None if reserved is None else int(reserved)
    return physical_id, attributes


# ---- AWS::IAM::InstanceProfile: its Ref is the name, the stock type's is the ARN ----


def _create_profile(logical_id: str, properties: Json, stack: str) -> Created:
    arn, attributes = PROVISIONERS.iam_ip_create(logical_id, properties, stack)
    return arn.rsplit("/", 1)[-1], attributes


def _update_profile(physical_id: str, old: Json, new: Json, stack: str) -> Created:
    arn, attributes = PROVISIONERS.iam_ip_update(_profile_arn(physical_id), old, new, stack)
    return arn.rsplit("/", 1)[-1], attributes


def _delete_profile(physical_id: str, properties: Json) -> None:
    PROVISIONERS.iam_ip_delete(_profile_arn(physical_id), properties)


def _profile_arn(name: str) -> str:
    return str(records(IAM.instance_profiles).get(name, {}).get("Arn", ""))
