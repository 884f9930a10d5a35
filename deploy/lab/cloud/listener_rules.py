"""Conditions of listener rules whole: MiniStack loses the keys and values of query strings.

Also the reserved capacity of load balancers, which only has to be remembered.
"""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from deploy.lab.cloud.border import (
    Created,
    Internals,
    Json,
    Parameters,
    Response,
    amend_resource_type,
)

ALB = Internals(
    "services.alb",
    "_ACTION_MAP",
    "_condition_xml",
    "_error",
    "_lbs",
    "_p",
    "_parse_conditions",
    "_xml",
)
CFN = Internals("services.cloudformation.provisioners", "_flatten_listener_rule_conditions")

QUERY = "query-string"


def install() -> None:
    """Hook into how conditions are read, kept and shown."""
    ALB.replace("parse_conditions", _parsing(ALB.parse_conditions))
    ALB.replace("condition_xml", _showing(ALB.condition_xml))
    CFN.replace("flatten_listener_rule_conditions", _keeping(CFN.flatten_listener_rule_conditions))
    ALB.ACTION_MAP["DescribeCapacityReservation"] = describe_capacity
    ALB.ACTION_MAP["ModifyCapacityReservation"] = modify_capacity
    amend_resource_type("AWS::ElasticLoadBalancingV2::LoadBalancer", after=_with_capacity)


def _keeping(stock: Callable[[Any], list[Json]]) -> Callable[[Any], list[Json]]:
    """From a template's properties."""

    def flatten(given: list[Json] | None) -> list[Json]:
        made = stock(given)
        for condition, origin in zip(made, given or [], strict=True):
            if condition["Field"] == QUERY:
                values = (origin.get("QueryStringConfig") or {}).get("Values") or []
                condition.update(Values=[], QueryStringConfig={"Values": values})
        return made

    return flatten


def _parsing(stock: Callable[..., list[Json]]) -> Callable[..., list[Json]]:
    """From a request's parameters."""

    def parse(parameters: Parameters, prefix: str = "Conditions") -> list[Json]:
        made = stock(parameters, prefix)
        for number, condition in enumerate(made, 1):
            if condition["Field"] == QUERY:
                base = f"{prefix}.member.{number}.QueryStringConfig.Values"
                condition.update(Values=[], QueryStringConfig={"Values": _pairs(parameters, base)})
        return made

    return parse


def _pairs(parameters: Parameters, base: str) -> list[Json]:
    pairs: list[Json] = []
    while value := ALB.p(parameters, f"{base}.member.{len(pairs) + 1}.Value"):
        key = ALB.p(parameters, f"{base}.member.{len(pairs) + 1}.Key")
        pairs.append({**({"Key": key} if key else {}), "Value": value})
    return pairs


def _showing(stock: Callable[[Json], str]) -> Callable[[Json], str]:
    """As DescribeRules answers."""

    def show(condition: Json) -> str:
        if condition["Field"] != QUERY:
            return stock(condition)
        members = "".join(
            "<member>"
            + "".join(f"<{word}>{escape(text)}</{word}>" for word, text in pair.items())
            + "</member>"
            for pair in condition["QueryStringConfig"]["Values"]
        )
        config = f"<QueryStringConfig><Values>{members}</Values></QueryStringConfig>"
        return f"<member><Field>{QUERY}</Field>{config}</member>"

    return show


# ---- reserved capacity (LCU reservation) ----


def _with_capacity(arn: str, properties: Json, attributes: dict[str, str]) -> Created:
    reserved = (properties.get("MinimumLoadBalancerCapacity") or {}).get("CapacityUnits")
    ALB.lbs[arn]["_capacity_units"] = int(reserved or 0)
    return arn, attributes


def describe_capacity(parameters: Parameters) -> Response:
    """DescribeCapacityReservation: provisioned as soon as it is asked for."""
    return _capacity("DescribeCapacityReservation", parameters)


def modify_capacity(parameters: Parameters) -> Response:
    """ModifyCapacityReservation."""
    if balancer := ALB.lbs.get(ALB.p(parameters, "LoadBalancerArn")):
        units = ALB.p(parameters, "MinimumLoadBalancerCapacity.CapacityUnits")
        reset = str(ALB.p(parameters, "ResetCapacityReservation")).lower() == "true"
        balancer["_capacity_units"] = 0 if reset else int(units or 0)
    return _capacity("ModifyCapacityReservation", parameters)


def _capacity(action: str, parameters: Parameters) -> Response:
    arn = ALB.p(parameters, "LoadBalancerArn")
    if (balancer := ALB.lbs.get(arn)) is None:
        refusal: Response = ALB.error("LoadBalancerNotFound", f"Load balancer '{arn}' not found")
        return refusal
    units = balancer.get("_capacity_units") or 0
    reserved = (
        f"<MinimumLoadBalancerCapacity><CapacityUnits>{units}</CapacityUnits>"
        "</MinimumLoadBalancerCapacity><CapacityReservationState><member><State><Code>provisioned"
        f"</Code></State><EffectiveCapacityUnits>{units}</EffectiveCapacityUnits></member>"
        "</CapacityReservationState>"
    )
    answer: Response = ALB.xml(200, action, reserved if units else "")
    return answer
