"""What the emulator wants of the edge: its state document as frozen values.

Only the parts that the edge acts on are read; unknown keys are none of its business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

# A parsed JSON object whose shape is somebody else's API: ELBv2's conditions and actions on
# the way in, Envoy's resources on the way out.
Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class HealthCheck:
    """How a target group asks its targets, if it does. `port` None is the traffic port."""

    path: str
    port: int | None
    interval_s: float
    timeout_s: float
    healthy_threshold: int
    unhealthy_threshold: int
    matcher: str
    enabled: bool = True


@dataclass(frozen=True)
class Target:
    """One registered target; draining means deregistered and waiting out its delay."""

    id: str
    address: str
    port: int
    draining: bool

    @property
    def key(self) -> str:
        """How Envoy and the emulator name it."""
        return f"{self.address}:{self.port}"


@dataclass(frozen=True)
class TargetGroup:
    """Targets that share a health check and a way of being chosen."""

    arn: str
    name: str
    protocol: str
    target_type: str
    health_check: HealthCheck
    attributes: Mapping[str, str]
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Rule:
    """A listener rule; conditions and actions in ELBv2's own words."""

    priority: int
    conditions: tuple[Json, ...]
    actions: tuple[Json, ...]


@dataclass(frozen=True)
class Listener:
    """A port of a load balancer."""

    arn: str
    port: int
    protocol: str
    default_actions: tuple[Json, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class LoadBalancer:
    """An Application Load Balancer with its one address in the lab."""

    arn: str
    name: str
    address: str
    attributes: Mapping[str, str]
    listeners: tuple[Listener, ...]


@dataclass(frozen=True)
class RestApi:
    """A REST API and the address that stands for its execute-api host name."""

    id: str
    address: str


@dataclass(frozen=True)
class ElasticIp:
    """A public address; `target` is the private address it leads to, None when unassociated."""

    public_ip: str
    target: str | None
    ports: tuple[int, ...]


@dataclass(frozen=True)
class WebAcl:
    """A web ACL in AWS WAF's own words, and the resources it protects, by ARN."""

    document: Json
    resources: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """One version of the state document."""

    version: int
    load_balancers: tuple[LoadBalancer, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()
    rest_apis: tuple[RestApi, ...] = ()
    elastic_ips: tuple[ElasticIp, ...] = ()
    web_acls: tuple[WebAcl, ...] = ()

    @property
    def protected(self) -> frozenset[str]:
        """The ARNs of everything that a web ACL protects."""
        return frozenset(arn for acl in self.web_acls for arn in acl.resources)


def wanted(document: Json) -> Wanted:
    """Read the state document.

    Raises:
        KeyError, TypeError, ValueError: It is not what the emulator promised.
    """
    return Wanted(
        version=int(document["version"]),
        load_balancers=tuple(_load_balancer(lb) for lb in document["load_balancers"]),
        target_groups=tuple(_target_group(group) for group in document["target_groups"]),
        rest_apis=tuple(RestApi(api["id"], api["address"]) for api in document["rest_apis"]),
        elastic_ips=tuple(
            ElasticIp(ip["public_ip"], ip["target"], tuple(ip["ports"]))
            for ip in document["addresses"]
        ),
        web_acls=tuple(
            WebAcl(acl, tuple(acl["resources"])) for acl in document.get("web_acls") or ()
        ),
    )


def _load_balancer(document: Json) -> LoadBalancer:
    return LoadBalancer(
        arn=document["arn"],
        name=document["name"],
        address=document["address"],
        attributes=document["attributes"],
        listeners=tuple(_listener(listener) for listener in document["listeners"]),
    )


def _listener(document: Json) -> Listener:
    rules = [
        Rule(int(rule["priority"]), tuple(rule["conditions"]), tuple(rule["actions"]))
        for rule in document["rules"]
        # ELBv2 lists the default actions a second time, as a rule of this priority.
        if rule["priority"] != "default"
    ]
    return Listener(
        arn=document["arn"],
        port=int(document["port"]),
        protocol=document["protocol"],
        default_actions=tuple(document["default_actions"]),
        rules=tuple(sorted(rules, key=lambda rule: rule.priority)),
    )


def _target_group(document: Json) -> TargetGroup:
    return TargetGroup(
        arn=document["arn"],
        name=document["name"],
        protocol=document["protocol"],
        target_type=document["target_type"],
        health_check=_health_check(document["health_check"]),
        attributes=document["attributes"],
        targets=_targets(document["targets"]),
    )


def _health_check(document: Json) -> HealthCheck:
    port = document["port"]
    return HealthCheck(
        path=document["path"],
        port=None if port == "traffic-port" else int(port),
        interval_s=float(document["interval_s"]),
        timeout_s=float(document["timeout_s"]),
        healthy_threshold=int(document["healthy_threshold"]),
        unhealthy_threshold=int(document["unhealthy_threshold"]),
        matcher=str(document["matcher"]),
        enabled=bool(document.get("enabled", True)),
    )


def _targets(documents: Sequence[Json]) -> tuple[Target, ...]:
    return tuple(
        Target(
            id=target["id"],
            address=target["address"],
            port=int(target["port"]),
            draining=bool(target["draining"]),
        )
        for target in documents
    )
