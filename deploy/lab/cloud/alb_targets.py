"""Target groups of type `lambda`: other defaults, one function each, and only with permission.

Such a group's target is reached at the emulator's own address, so that is what agents are told.
"""

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from deploy.lab.cloud.alb_functions import allows, function_at
from deploy.lab.cloud.border import (
    Action,
    Created,
    Internals,
    Json,
    Parameters,
    RefusedError,
    Response,
    amend_resource_type,
    element,
    records,
)
from deploy.lab.cloud.draining import Target
from deploy.lab.cloud.lab import Lab

ALB = Internals(
    "services.alb",
    "_ACTION_MAP",
    "_error",
    "_p",
    "_targets",
    "_tg_attrs",
    "_tg_xml",
    "_tgs",
)

TYPE = "AWS::ElasticLoadBalancingV2::TargetGroup"
# CreateTargetGroup of the API reference, read 2026-11: the defaults when the target is a function.
DEFAULTS = {
    "HealthCheckEnabled": False,
    "HealthCheckIntervalSeconds": 35,
    "HealthCheckTimeoutSeconds": 30,
}
# A function is no machine: it has no port, and is in no network.
MEANINGLESS = ("Port", "Protocol", "ProtocolVersion", "VpcId")
# "Supported only if … the target is an instance or an IP address", or not for functions:
# TargetGroupAttribute of the API reference, read 2026-11.
NOT_FOR_FUNCTIONS = (
    "deregistration_delay.",
    "load_balancing.algorithm.",
    "slow_start.",
    "stickiness.",
)


def install(lab: Lab) -> None:
    """Hook into target groups of type `lambda`, and into what is shown of them."""
    place = urlsplit(lab.addresses.emulator_url)
    port = int(place.port or 80)
    stock_create, stock_xml = ALB.ACTION_MAP["CreateTargetGroup"], ALB.tg_xml
    ALB.ACTION_MAP["CreateTargetGroup"] = _creating(stock_create, port)
    ALB.ACTION_MAP["ModifyTargetGroupAttributes"] = _modifying(
        ALB.ACTION_MAP["ModifyTargetGroupAttributes"]
    )
    ALB.replace("tg_xml", _showing(stock_xml))

    def settle(arn: str, properties: Json, attributes: dict[str, str]) -> Created:
        if is_of_functions(arn):
            new = not _is_settled(arn, port)
            _settle(arn, properties, port)
            wanted = [Target(target["Id"], port) for target in properties.get("Targets") or []]
            if refusal := why_not(arn, wanted):
                if new:
                    # Nobody would delete it: the stack does not know its ARN yet.
                    ALB.tgs.pop(arn)
                raise RefusedError(refusal[1])
            ALB.targets[arn] = [{"Id": target.id, "Port": target.port} for target in wanted]
        return arn, attributes

    amend_resource_type(TYPE, before=_without_meaning, after=settle)


def is_of_functions(arn: str) -> bool:
    """Whether a target group is of type `lambda`."""
    return records(ALB.tgs).get(arn, {}).get("TargetType") == "lambda"


def why_not(arn: str, targets: Collection[Target]) -> tuple[str, str] | None:
    """Code and message of what forbids these targets; nothing when they may be registered.

    That of a missing permission is AWS's; the other two are in our words.
    """
    if len(targets) > 1:
        return "TooManyTargets", f"{arn} is of type lambda and takes one function"
    for target in targets:
        function, _, _ = function_at(target.id, arn)
        if not target.id.startswith("arn:") or function is None:
            return "InvalidTarget", f"{target.id} is no ARN of a function of this account"
        if not allows(target.id, arn):
            return "AccessDenied", (
                "elasticloadbalancing principal does not have permission to invoke "
                f"{target.id} from target group {arn}"
            )
    return None


def _without_meaning(properties: Json) -> Json:
    if properties.get("TargetType") == "lambda":
        for name in MEANINGLESS:
            if name in properties:
                raise RefusedError(f"{name} cannot be specified for target type lambda")
        for attribute in properties.get("TargetGroupAttributes") or []:
            if refusal := _why_not_attribute(attribute["Key"]):
                raise RefusedError(refusal)
    return properties


def _why_not_attribute(key: str) -> str:
    if key.startswith(NOT_FOR_FUNCTIONS):
        return f"Target group attribute key '{key}' is not supported for target type lambda"
    return ""


def _is_settled(arn: str, port: int) -> bool:
    return bool(ALB.tgs[arn].get("Port") == port)


def _settle(arn: str, properties: Json, port: int) -> None:
    """Give the group the defaults of its type, where nothing else was said."""
    group = ALB.tgs[arn]
    group.update({name: value for name, value in DEFAULTS.items() if name not in properties})
    group["Port"] = port
    ALB.tg_attrs[arn] = [
        pair for pair in ALB.tg_attrs[arn] if not pair["Key"].startswith(NOT_FOR_FUNCTIONS)
    ]


def _creating(stock: Action, port: int) -> Action:
    def create(parameters: Parameters) -> Response:
        if ALB.p(parameters, "TargetType") != "lambda":
            return stock(parameters)
        said = {name: ALB.p(parameters, name) for name in (*MEANINGLESS, *DEFAULTS)}
        for name in MEANINGLESS:
            if said[name]:
                message = f"{name} cannot be specified for target type lambda"
                refusal: Response = ALB.error("ValidationError", message)
                return refusal
        status, headers, body = stock(parameters)
        if arn := element(body.decode(), "TargetGroupArn"):
            _settle(arn, {name: value for name, value in said.items() if value}, port)
            shown = f"<TargetGroups>{ALB.tg_xml(ALB.tgs[arn])}</TargetGroups>"
            text = body.decode()
            begin, end = text.index("<TargetGroups>"), text.index("</TargetGroups>")
            body = (text[:begin] + shown + text[end + len("</TargetGroups>") :]).encode()
        return status, headers, body

    return create


def _modifying(stock: Action) -> Action:
    def modify(parameters: Parameters) -> Response:
        number = 1
        of_functions = is_of_functions(ALB.p(parameters, "TargetGroupArn"))
        while of_functions and (key := ALB.p(parameters, f"Attributes.member.{number}.Key")):
            if message := _why_not_attribute(key):
                refusal: Response = ALB.error("ValidationError", message)
                return refusal
            number += 1
        return stock(parameters)

    return modify


def _showing(stock: Callable[[Json], str]) -> Callable[[Json], str]:
    """As DescribeTargetGroups answers: without port, protocol and network."""

    def show(group: Json) -> str:
        text = stock(group)
        if group.get("TargetType") == "lambda":
            hidden = ("Port", "Protocol", "VpcId", "HealthCheckPort", "HealthCheckProtocol")
            for name in hidden:
                text = text.replace(f"<{name}>{element(text, name)}</{name}>", "")
        return text

    return show
