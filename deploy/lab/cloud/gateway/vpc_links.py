"""VPC links (V2): the way from a REST API to a load balancer inside a VPC.

https://docs.aws.amazon.com/apigateway/latest/developerguide/private-integration.html
"""

import secrets
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from deploy.lab.cloud.border import (
    Created,
    Internals,
    Json,
    RefusedError,
    ResourceType,
    add_resource_type,
    records,
    refuse_unknown,
)
from deploy.lab.cloud.gateway.exchange import wrong_configuration
from deploy.lab.cloud.gateway.http_proxy import Outgoing

ALB = Internals("services.alb", "_lbs", "_listeners")
TYPE = "AWS::ApiGatewayV2::VpcLink"
KNOWN = frozenset({"Name", "SubnetIds", "SecurityGroupIds", "Tags"})


class VpcLinks:
    """The links that stand. MiniStack knows none."""

    def __init__(self) -> None:
        self._links: dict[str, Json] = {}

    def install(self) -> None:
        """Make the type known to CloudFormation."""
        add_resource_type(TYPE, ResourceType(self._create, self._delete, self._update))

    def through(self, integration: Json, stage_name: str, request: Outgoing) -> Outgoing:
        """The request as the load balancer gets it: its own host name, and the stage in the path.

        "In a private integration, API Gateway includes the stage portion of the API endpoint in
        the request to your backend resources."

        Raises:
            GatewayError: 500, when there is no such link or load balancer.
        """
        parts = urlsplit(request.url)
        target = self._target(integration, parts.port)
        if target is None:
            raise wrong_configuration(
                f"there is no VPC link {integration.get('connectionId')}, or no listener behind "
                f"{integration.get('integrationTarget')}"
            )
        url = urlunsplit(
            ("http", target, f"/{stage_name}{parts.path or '/'}", parts.query, parts.fragment)
        )
        return replace(request, url=url, headers=(("Host", parts.netloc), *request.headers))

    def _target(self, integration: Json, port: int | None) -> str | None:
        """Address and port of the listener, or of the load balancer's one."""
        if integration.get("connectionId") not in self._links:
            return None
        arn, balancers = str(integration.get("integrationTarget")), records(ALB.lbs)
        listeners = records(ALB.listeners)
        if (listener := listeners.get(arn)) is not None:
            address = balancers[listener["LoadBalancerArn"]]["DNSName"]
            return f"{address}:{listener['Port']}"
        ports = sorted(int(x["Port"]) for x in listeners.values() if x["LoadBalancerArn"] == arn)
        if arn not in balancers or not ports:
            return None
        return f"{balancers[arn]['DNSName']}:{port if port in ports else ports[0]}"

    def _create(self, logical_id: str, properties: Json, stack: str) -> Created:
        del logical_id, stack
        _check(properties)
        link_id = secrets.token_hex(3)
        self._links[link_id] = properties
        return link_id, {"VpcLinkId": link_id}

    def _update(self, physical_id: str, old: Json, new: Json, stack: str) -> Created:
        """Name and tags change in place; a link elsewhere in the network is another link."""
        _check(new)
        if any(old.get(key) != new.get(key) for key in ("SubnetIds", "SecurityGroupIds")):
            return self._create("", new, stack)
        self._links[physical_id] = new
        return physical_id, {"VpcLinkId": physical_id}

    def _delete(self, physical_id: str, properties: Json) -> None:
        del properties
        self._links.pop(physical_id, None)


def _check(properties: Json) -> None:
    refuse_unknown(properties, KNOWN, TYPE)
    for name in ("Name", "SubnetIds"):
        if not properties.get(name):
            raise RefusedError(f"{TYPE}: Property {name} cannot be empty")
