"""Which way requests take through a template: its resources as boxes, its references as arrows.

Only what traffic passes is kept. References point where a template needs them, which is often
against the traffic: a service names its target group, and requests come out of that.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal, TypeAlias

from deploy.model import Output, Variant
from tests.templates.reading import Node, Template, template_of, walk

# Passed through; looked up, as a name is; or one standing on the other.
How: TypeAlias = Literal["through", "asked", "on"]

CLIENTS, QUEUE = "clients", "queue"
LINK = "AWS::ApiGatewayV2::VpcLink"

# Resources that are boxes, and what is said of them.
BOXES = {
    "AWS::ApiGateway::RestApi": "REST API",
    "AWS::ApiGateway::Stage": "stage of the API",
    LINK: "VPC link",
    "AWS::AutoScaling::AutoScalingGroup": "Auto Scaling group",
    "AWS::AutoScaling::WarmPool": "stopped instances",
    "AWS::EC2::EIP": "Elastic IP",
    "AWS::EC2::Instance": "EC2 instance",
    "AWS::ECS::Service": "tasks of ECS",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "load balancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "target group",
    "AWS::Lambda::Function": "Lambda function",
    "AWS::Route53::RecordSet": "DNS record",
    "AWS::S3::Bucket": "S3 bucket",
    "AWS::SNS::Topic": "SNS topic",
    "AWS::SQS::Queue": "SQS queue",
    "AWS::StepFunctions::StateMachine": "state machine",
    "AWS::WAFv2::WebACL": "web ACL",
}
# Where the service itself runs: behind everything else.
COMPUTE = {
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::EC2::Instance",
    "AWS::ECS::Service",
    "AWS::Lambda::Function",
}
SELF = ""
# Type, the property that names where requests come from, the one that names where they go, and
# how. SELF is the resource itself: what has no SELF only joins two others and is no box.
WAYS: tuple[tuple[str, str, str, How], ...] = (
    ("AWS::ApiGateway::Authorizer", "RestApiId", "AuthorizerUri", "asked"),
    ("AWS::ApiGateway::Method", "RestApiId", "Integration", "through"),
    ("AWS::ApiGateway::Stage", SELF, "RestApiId", "through"),
    ("AWS::AutoScaling::AutoScalingGroup", "TargetGroupARNs", SELF, "through"),
    ("AWS::AutoScaling::WarmPool", SELF, "AutoScalingGroupName", "on"),
    ("AWS::EC2::EIPAssociation", "AllocationId", "InstanceId", "through"),
    ("AWS::ECS::Service", "LoadBalancers", SELF, "through"),
    ("AWS::ECS::Service", SELF, "CapacityProviderStrategy", "on"),
    ("AWS::ElasticLoadBalancingV2::Listener", "LoadBalancerArn", "DefaultActions", "through"),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "ListenerArn", "Actions", "through"),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", SELF, "Targets", "through"),
    ("AWS::Route53::RecordSet", SELF, "AliasTarget", "asked"),
    ("AWS::Route53::RecordSet", SELF, "ResourceRecords", "asked"),
    ("AWS::SNS::Subscription", "TopicArn", "Endpoint", "through"),
    ("AWS::StepFunctions::StateMachine", SELF, "DefinitionString", "through"),
    ("AWS::WAFv2::WebACLAssociation", "ResourceArn", "WebACLArn", "asked"),
)
# Parameters that stand for the queue of the foundation.
QUEUE_PARAMETERS = {"QueueName", "QueueUrl"}
# From a box to the role that says what it may do with the queue.
WAY_TO_ROLE = {
    "AWS::EC2::LaunchTemplate",
    "AWS::ECS::TaskDefinition",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::Role",
}


@dataclass(frozen=True)
class Box:
    """A resource, or the clients, or the queue; optional, if it is not there by default."""

    name: str
    kind: str
    is_optional: bool = False
    is_service: bool = False


@dataclass(frozen=True)
class Arrow:
    """From one box to another."""

    tail: str
    head: str
    how: How = "through"
    is_optional: bool = False


@dataclass
class Traffic:
    """Boxes by name in the order of the template, and the arrows between them."""

    boxes: dict[str, Box] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)

    def draw(self, tail: str, head: str, how: How = "through", *, is_optional: bool) -> None:
        """Add an arrow, once; it is as optional as its ends."""
        ends = self.boxes[tail], self.boxes[head]
        optional = is_optional or any(end.is_optional for end in ends)
        arrow = Arrow(tail, head, how, optional)
        if arrow not in self.arrows:
            self.arrows.append(arrow)


def whole(variant: Variant) -> Template:
    """The templates of a variant's stacks as one: a parameter is what is put out for it."""
    first, *others = (
        template_of(stack)
        if stack.template.parts[0] == variant.slug
        else _without_options(template_of(stack))
        for stack in variant.stacks
    )
    content = dict(first.content)
    names = {stack.name for stack in variant.stacks}
    for stack, template in zip(variant.stacks[1:], others, strict=True):
        fed = {
            name: content["Outputs"][value.key]["Value"]
            for name, value in stack.parameters.items()
            if isinstance(value, Output) and value.stack in names
        }
        for section, added in template.content.items():
            if isinstance(added, dict):
                content[section] = content.get(section, {}) | _filled(added, fed)
    return replace(first, content=content)


def _without_options(template: Template) -> Template:
    """What is there by default: options of another chapter's template are shown in that chapter."""
    there = {name: it for name, it in template.resources.items() if _is_there(it, template)}
    return replace(template, content={**template.content, "Resources": there})


def _filled(value: Any, fed: Mapping[str, object]) -> Any:  # noqa: ANN401 - a part of a template
    match value:
        case {"Ref": str(name)} if name in fed:
            return fed[name]
        case dict():
            return {key: _filled(part, fed) for key, part in value.items()}
        case list():
            return [_filled(part, fed) for part in value]
        case _:
            return value


def traffic(template: Template) -> Traffic:
    """Read the template."""
    found = Traffic({CLIENTS: Box(CLIENTS, "whoever calls")})
    for name, resource in template.resources.items():
        if (kind := resource["Type"]) in BOXES:
            is_optional = not _is_there(resource, template)
            found.boxes[name] = Box(name, BOXES[kind], is_optional, kind in COMPUTE)
    found.boxes[QUEUE] = Box(QUEUE, "of the foundation")
    _draw_ways(found, template)
    _draw_queue(found, template)
    _draw_clients(found)
    return found


def _draw_ways(found: Traffic, template: Template) -> None:
    """Arrows that some property names."""
    for name, resource in template.resources.items():
        for _, source, target, how in (way for way in WAYS if way[0] == resource["Type"]):
            tails, heads = (_boxes_at(name, key, template, found.boxes) for key in (source, target))
            for tail, head in _by_way_of_links(tails, heads, found.boxes):
                found.draw(tail, head, how, is_optional=not _is_there(resource, template))


def _by_way_of_links(
    tails: list[str], heads: list[str], boxes: Mapping[str, Box]
) -> Iterator[tuple[str, str]]:
    """An integration names its VPC link beside what the link leads to: requests pass both."""
    links = [name for name in heads if boxes[name].kind == BOXES[LINK]]
    others = [name for name in heads if name not in links]
    yield from product(tails, links or others)
    yield from product(links, others)


def _is_there(resource: Node, template: Template) -> bool:
    """Whether the resource is made when every parameter has its default."""
    conditions: Node = template.content.get("Conditions", {})

    def value(node: object) -> object:  # noqa: PLR0911  one for each function
        match node:
            case {"Ref": str(name)}:
                return str(template.parameters.get(name, {}).get("Default", name))
            case {"Condition": str(name)}:
                return value(conditions[name])
            case {"Fn::Equals": [one, other]}:
                return str(value(one)) == str(value(other))
            case {"Fn::Not": [inner]}:
                return not value(inner)
            case {"Fn::And": list(all_of)}:
                return all(value(each) for each in all_of)
            case {"Fn::Or": list(any_of)}:
                return any(value(each) for each in any_of)
            case _:
                return node

    return bool(value(conditions[resource["Condition"]])) if "Condition" in resource else True


def _boxes_at(name: str, key: str, template: Template, boxes: dict[str, Box]) -> list[str]:
    """The boxes that a property refers to, also by way of a capacity provider or a listener."""
    if key == SELF:
        return [name]
    names = list(_references(template.resources[name].get("Properties", {}).get(key)))
    for named in list(names):
        resource = template.resources.get(named, {})
        if resource.get("Type") == "AWS::ECS::CapacityProvider":
            names += _references(resource["Properties"])
        if resource.get("Type") == "AWS::ElasticLoadBalancingV2::Listener":
            names += _references(resource["Properties"]["LoadBalancerArn"])
    names = [QUEUE if named in QUEUE_PARAMETERS else named for named in names]
    return [named for named in dict.fromkeys(names) if named in boxes]


def _references(value: object) -> Iterator[str]:
    for part in walk(value):
        match part:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
                yield name
            case {"Fn::Sub": str(text) | [str(text), *_]}:
                yield from re.findall(r"\$\{(\w+)(?:\.\w+)*\}", text)


def _draw_queue(found: Traffic, template: Template) -> None:
    """Whoever may send does; whoever may only receive is fed; the rest serves nobody itself."""
    for box in [box for box in found.boxes.values() if box.is_service]:
        may = set(_allowed(box.name, template))
        found.boxes[box.name] = replace(box, is_service=any(it.startswith("sqs:") for it in may))
        if "sqs:SendMessage" in may:
            found.draw(box.name, QUEUE, is_optional=False)
        elif "sqs:ReceiveMessage" in may:
            found.draw(QUEUE, box.name, is_optional=False)


def _allowed(name: str, template: Template) -> Iterator[str]:
    """The actions of every role on the way from a resource."""
    seen, ahead = set[str](), [name]
    while ahead:
        resource: Node = template.resources[(here := ahead.pop())]
        if here in seen:
            continue
        seen.add(here)
        if resource["Type"] == "AWS::IAM::Role":
            yield from (part for part in walk(resource) if isinstance(part, str))
        ahead += [
            there
            for there in _references(resource.get("Properties", {}))
            if template.resources.get(there, {}).get("Type") in WAY_TO_ROLE
        ]


def _draw_clients(found: Traffic) -> None:
    """Clients call what nobody else sends requests to, unless it runs the service itself."""
    reached = {arrow.head for arrow in found.arrows if not arrow.is_optional}
    for box in list(found.boxes.values()):
        ways = {arrow.how for arrow in found.arrows if arrow.tail == box.name} - {"on"}
        if ways and box.name not in reached | {CLIENTS, QUEUE} and not box.is_service:
            how: How = "asked" if ways == {"asked"} else "through"
            found.draw(CLIENTS, box.name, how, is_optional=False)
