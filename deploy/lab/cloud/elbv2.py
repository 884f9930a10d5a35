"""Elastic Load Balancing: addresses, registered and draining targets, and their health.

MiniStack keeps the records; Envoy serves them, and the edge reports which targets answer.
"""

from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import urlsplit

from deploy.lab.cloud import alb_targets
from deploy.lab.cloud.border import (
    Action,
    Created,
    Internals,
    Json,
    Parameters,
    Response,
    amend_resource_type,
    element,
    records,
)
from deploy.lab.cloud.draining import Target
from deploy.lab.cloud.lab import Lab
from deploy.lab.cloud.numbering import Numbering

ALB = Internals(
    "services.alb",
    "_ACTION_MAP",
    "_empty",
    "_error",
    "_lb_attrs",
    "_lbs",
    "_listeners",
    "_p",
    "_parse_targets_param",
    "_rules",
    "_targets",
    "_tg_attrs",
    "_tgs",
    "_xml",
    "set_targets_for_group",
)
EC2 = Internals("services.ec2", "_instances")

REASONS = {"initial": "Elb.RegistrationInProgress", "unhealthy": "Target.FailedHealthChecks"}
DEFAULT_DELAY_S = 300.0  # deregistration_delay.timeout_seconds when nothing else was said


def install(lab: Lab) -> None:
    """Hook into the load balancers' addresses and into everything about targets."""
    numbering = Numbering(lab.addresses.load_balancer)
    groups = TargetGroups(lab)
    actions = ALB.ACTION_MAP
    actions["CreateLoadBalancer"] = _create_with_address(actions["CreateLoadBalancer"], numbering)
    actions["RegisterTargets"] = groups.register
    actions["DeregisterTargets"] = groups.deregister
    actions["DescribeTargetHealth"] = groups.describe_health
    ALB.replace("set_targets_for_group", groups.publish)

    def with_address(arn: str, properties: Json, attributes: dict[str, str]) -> Created:
        del properties
        return arn, {**attributes, "DNSName": _give_address(arn, numbering)}

    amend_resource_type("AWS::ElasticLoadBalancingV2::LoadBalancer", after=with_address)
    alb_targets.install(lab)


class TargetGroups:
    """Registration in target groups. A deregistered target drains before it is gone."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._draining = lab.draining
        self._observed = lab.observed

    def register(self, parameters: Parameters) -> Response:
        """RegisterTargets; one address may be registered with several ports."""
        arn = ALB.p(parameters, "TargetGroupArn")
        if arn not in ALB.tgs:
            return _no_such_group(arn)
        named = _named(arn, parameters)
        if alb_targets.is_of_functions(arn):
            every = dict.fromkeys([*registered(arn), *named])
            if refusal := alb_targets.why_not(arn, every):
                return _refused(*refusal)
        self._add(arn, named)
        return _done("RegisterTargets")

    def deregister(self, parameters: Parameters) -> Response:
        """DeregisterTargets; without a port, every registration of the id."""
        arn = ALB.p(parameters, "TargetGroupArn")
        if arn not in ALB.tgs:
            return _no_such_group(arn)
        named = ALB.parse_targets_param(parameters)
        leaving = [
            target
            for target in registered(arn)
            if any(
                n["Id"] == target.id and int(n.get("Port", target.port)) == target.port
                for n in named
            )
        ]
        self._remove(arn, leaving)
        return _done("DeregisterTargets")

    def publish(
        self, arn: str, targets: Iterable[tuple[str, int]], previous_ids: Collection[str] = ()
    ) -> bool:
        """What an ECS service does: these are my targets now, those were."""
        if arn not in records(ALB.tgs):
            return False
        fresh = [Target(target_id, int(port)) for target_id, port in targets]
        leaving = [t for t in registered(arn) if t.id in set(previous_ids) and t not in fresh]
        self._remove(arn, leaving)
        self._add(arn, fresh)
        return True

    def describe_health(self, parameters: Parameters) -> Response:
        """DescribeTargetHealth from what the edge saw."""
        arn = ALB.p(parameters, "TargetGroupArn")
        if arn not in ALB.tgs:
            return _no_such_group(arn)
        asked = {target["Id"] for target in ALB.parse_targets_param(parameters)}
        states = [(target, self.health(arn, target)) for target in registered(arn)]
        states += [
            (target, ("draining", "Target.DeregistrationInProgress"))
            for target in self._draining.of(arn)
        ]
        items = [_health_item(t, *state) for t, state in states if not asked or t.id in asked]
        answer: Response = ALB.xml(
            200,
            "DescribeTargetHealth",
            f"<TargetHealthDescriptions>{''.join(items)}</TargetHealthDescriptions>",
        )
        return answer

    def health(self, arn: str, target: Target) -> tuple[str, str]:
        """State and reason code of a registered target."""
        if not _in_use(arn):
            return "unused", "Target.NotInUse"
        if not records(ALB.tgs)[arn]["HealthCheckEnabled"]:
            return "unavailable", "Target.HealthCheckDisabled"
        seen = self._observed.target(arn, _address(target, self._lab), target.port)
        state = str(seen.get("state") or "initial")
        reasons = {
            "initial": "Elb.RegistrationInProgress",
            "unhealthy": "Target.FailedHealthChecks",
        }
        return state, str(seen.get("reason") or reasons.get(state, ""))

    def _add(self, arn: str, targets: Iterable[Target]) -> None:
        targets = list(targets)
        self._draining.cancel(arn, targets)
        _store(arn, dict.fromkeys([*registered(arn), *targets]))

    def _remove(self, arn: str, targets: Collection[Target]) -> None:
        if targets:
            self._draining.begin(arn, targets, delay_s=deregistration_delay_s(arn))
            _store(arn, [t for t in registered(arn) if t not in targets])


def registered(arn: str) -> list[Target]:
    """The targets registered in a group, in order."""
    default = records(ALB.tgs).get(arn, {}).get("Port", 80)
    stored: Any = records(ALB.targets).get(arn, [])
    return [Target(t["Id"], int(t.get("Port") or default)) for t in stored]


def deregistration_delay_s(arn: str) -> float:
    """How long a target of the group drains. A function does not."""
    if alb_targets.is_of_functions(arn):
        return 0.0
    delay = _attributes(ALB.tg_attrs, arn).get("deregistration_delay.timeout_seconds")
    return float(delay) if delay else DEFAULT_DELAY_S


def load_balancers() -> list[Json]:
    """The load balancers for the state document."""
    listeners, rules = records(ALB.listeners).values(), records(ALB.rules).values()
    return [
        {
            "arn": arn,
            "name": balancer["LoadBalancerName"],
            "address": balancer["DNSName"],
            "attributes": _attributes(ALB.lb_attrs, arn),
            "listeners": [
                {
                    "arn": listener["ListenerArn"],
                    "port": listener["Port"],
                    "protocol": listener["Protocol"],
                    "default_actions": listener["DefaultActions"],
                    "rules": sorted(
                        (
                            {
                                "priority": rule["Priority"],
                                "conditions": rule["Conditions"],
                                "actions": rule["Actions"],
                            }
                            for rule in rules
                            if rule["ListenerArn"] == listener["ListenerArn"]
                            and not rule.get("IsDefault")
                        ),
                        key=lambda rule: int(rule["priority"]),
                    ),
                }
                for listener in listeners
                if listener["LoadBalancerArn"] == arn
            ],
        }
        for arn, balancer in records(ALB.lbs).items()
    ]


def target_groups(lab: Lab) -> list[Json]:
    """The target groups for the state document."""
    return [
        {
            "arn": arn,
            "name": group["TargetGroupName"],
            "port": group["Port"],
            "protocol": group["Protocol"],
            "target_type": group["TargetType"],
            "health_check": {
                "enabled": group["HealthCheckEnabled"],
                "path": group["HealthCheckPath"],
                "port": group["HealthCheckPort"],
                "interval_s": group["HealthCheckIntervalSeconds"],
                "timeout_s": group["HealthCheckTimeoutSeconds"],
                "healthy_threshold": group["HealthyThresholdCount"],
                "unhealthy_threshold": group["UnhealthyThresholdCount"],
                "matcher": group["Matcher"]["HttpCode"],
            },
            "attributes": _attributes(ALB.tg_attrs, arn),
            "targets": [
                *(_wanted(target, lab, draining=False) for target in registered(arn)),
                *(_wanted(target, lab, draining=True) for target in lab.draining.of(arn)),
            ],
        }
        for arn, group in records(ALB.tgs).items()
    ]


def _wanted(target: Target, lab: Lab, *, draining: bool) -> Json:
    address = _address(target, lab)
    return {"id": target.id, "address": address, "port": target.port, "draining": draining}


def _address(target: Target, lab: Lab) -> str:
    """The address behind an instance id; an ip target is its own; functions are invoked by us."""
    if _is_function(target):
        return str(urlsplit(lab.addresses.emulator_url).hostname)
    instance = records(EC2.instances).get(target.id)
    return instance["PrivateIpAddress"] if instance else target.id


def _in_use(arn: str) -> bool:
    """Whether any listener sends anything to the group."""
    actions = [
        a for listener in records(ALB.listeners).values() for a in listener["DefaultActions"]
    ]
    actions += [a for rule in records(ALB.rules).values() for a in rule["Actions"]]
    forwards = [g for a in actions for g in (a.get("ForwardConfig") or {}).get("TargetGroups", [])]
    return any(record.get("TargetGroupArn") == arn for record in [*actions, *forwards])


def _attributes(store: Any, arn: str) -> dict[str, str]:  # noqa: ANN401 - a MiniStack store
    pairs: Any = records(store).get(arn, [])
    return {pair["Key"]: str(pair["Value"]) for pair in pairs}


def _named(arn: str, parameters: Parameters) -> list[Target]:
    default = ALB.tgs[arn]["Port"]
    return [
        Target(t["Id"], int(t.get("Port") or default)) for t in ALB.parse_targets_param(parameters)
    ]


def _store(arn: str, targets: Iterable[Target]) -> None:
    ALB.targets[arn] = [{"Id": target.id, "Port": target.port} for target in targets]


def _create_with_address(stock: Action, numbering: Numbering) -> Action:
    def create(parameters: Parameters) -> Response:
        status, headers, body = stock(parameters)
        text = body.decode()
        if arn := element(text, "LoadBalancerArn"):
            text = text.replace(element(text, "DNSName"), _give_address(arn, numbering))
        return status, headers, text.encode()

    return create


def _give_address(arn: str, numbering: Numbering) -> str:
    """The load balancer's address, which stands in for its DNS name."""
    balancer = ALB.lbs[arn]
    if not balancer.get("_has_address"):
        taken = [other["DNSName"] for other in records(ALB.lbs).values()]
        balancer.update(DNSName=numbering.next(taken=taken), _has_address=True)
    return str(balancer["DNSName"])


def _is_function(target: Target) -> bool:
    return target.id.startswith("arn:")


def _health_item(target: Target, state: str, reason: str) -> str:
    reason_xml = f"<Reason>{reason}</Reason>" if reason else ""
    port_xml = "" if _is_function(target) else f"<Port>{target.port}</Port>"
    check_xml = port_xml.replace("Port>", "HealthCheckPort>")
    return (
        f"<member><Target><Id>{target.id}</Id>{port_xml}</Target>{check_xml}"
        f"<TargetHealth><State>{state}</State>{reason_xml}</TargetHealth></member>"
    )


def _no_such_group(arn: str) -> Response:
    response: Response = ALB.error("TargetGroupNotFound", f"Target group '{arn}' not found.")
    return response


def _refused(code: str, message: str) -> Response:
    response: Response = ALB.error(code, message)
    return response


def _done(action: str) -> Response:
    response: Response = ALB.empty(action)
    return response
