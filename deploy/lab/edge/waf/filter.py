"""The filter by which Envoy asks about each request of a load balancer with a web ACL. Pure.

A load balancer without one has no filter, and pays nothing.
"""

from collections.abc import Iterator
from typing import Any

from deploy.lab.edge import http
from deploy.lab.edge.waf.requests import BODY_LIMIT_BYTES
from deploy.lab.edge.waf.service import CLIENT, DISGUISES, key
from deploy.lab.edge.wanted import LoadBalancer

CLUSTER = "web-acls"
# AWS does not say how long an ALB waits for AWS WAF.
TIMEOUT_S = 5
FAIL_OPEN = "waf.fail_open.enabled"
# What Envoy answers by itself when nobody decides; no rule of AWS WAF's can answer it.
UNDECIDED = 510
# Envoy's flag for what its external authorization refused.
REFUSED = "UAEX"


def cluster(address: str, port: int) -> dict[str, Any]:
    """Where the edge decides."""
    endpoint = {"endpoint": {"address": http.socket_address(address, port)}}
    return http.typed(
        "envoy.config.cluster.v3.Cluster",
        name=CLUSTER,
        type="STATIC",
        connect_timeout=http.seconds(TIMEOUT_S),
        load_assignment={"cluster_name": CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
        circuit_breakers=http.circuit_breakers_off(),
        typed_extension_protocol_options=http.upstream_http(idle_timeout_s=30),
    )


def asks(balancer: LoadBalancer) -> dict[str, Any]:
    """Ask before anything else is done with a request; up to the limit, its body is held back."""
    return http.http_filter(
        "ext_authz",
        "v3.ExtAuthz",
        transport_api_version="V3",
        failure_mode_allow=balancer.attributes.get(FAIL_OPEN) == "true",
        status_on_error={"code": UNDECIDED},
        with_request_body={"max_request_bytes": BODY_LIMIT_BYTES, "allow_partial_message": True},
        allowed_headers={"patterns": [{"safe_regex": {"regex": ".*"}}]},
        http_service={
            "server_uri": {
                "uri": f"http://{CLUSTER}",
                "cluster": CLUSTER,
                "timeout": http.seconds(TIMEOUT_S),
            },
            "path_prefix": f"/{key(balancer.arn)}",
            "authorization_request": {
                "headers_to_add": [
                    {"key": CLIENT, "value": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"}
                ]
            },
            "authorization_response": {
                "allowed_upstream_headers": {"patterns": [{"prefix": "x-amzn-waf-"}]},
                "allowed_client_headers": {
                    "patterns": [{"safe_regex": {"regex": _not_beginning_with("x-envoy-")}}]
                },
            },
        },
    )


def _not_beginning_with(prefix: str) -> str:
    """A regular expression without look-ahead, which Envoy's do not have.

    >>> _not_beginning_with("ab")
    '([^a].*)?|a([^b].*)?'
    """
    return "|".join(f"{prefix[:at]}([^{prefix[at]}].*)?" for at in range(len(prefix)))


def replies() -> Iterator[dict[str, Any]]:
    """Take the disguise off statuses that Envoy would not have passed on."""
    for status, disguise in DISGUISES.items():
        refused = http.both(http.flagged(REFUSED), http.of_status(disguise))
        yield {"filter": refused, "status_code": status}
    # Nothing that follows is for what a rule said.
    yield {"filter": http.flagged(REFUSED)}


def nobody_decided() -> dict[str, Any]:
    """Envoy's own reply when the edge gave none."""
    return http.both(http.flagged(REFUSED), http.of_status(UNDECIDED))
