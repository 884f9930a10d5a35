"""What Envoy's HTTP listeners have in common, whatever they stand for. Pure."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from deploy.lab.alb import TARGET_GROUP_HEADER
from deploy.lab.edge.wanted import Json

TYPE = "type.googleapis.com/"
FILTERS = "envoy.extensions.filters.http."

# Response flags of Envoy's own replies (its access log's %RESPONSE_FLAGS%).
BROKEN = ("UF", "UC", "UR", "UPE")  # refused, closed, reset, not HTTP
NOBODY = ("UH", "NC", "UO")  # no host, no cluster, overflow
TOO_LATE = ("UT",)
IDLE = ("SI",)
MALFORMED = ("DPE",)


def socket_address(address: str, port: int) -> dict[str, Any]:
    """Name a socket; the lab listens on loopback and connects to loopback, never elsewhere."""
    if not ipaddress.ip_address(address).is_loopback:
        raise ValueError(f"{address} is not a loopback address; the lab uses no other")
    return {"socket_address": {"address": address, "port_value": port}}


def typed(type_name: str, **fields: object) -> dict[str, Any]:
    """An Envoy message inside an Any."""
    return {"@type": TYPE + type_name, **fields}


def http_filter(name: str, message: str, **fields: object) -> dict[str, Any]:
    """One of Envoy's HTTP filters: `http_filter("buffer", "v3.Buffer", …)`."""
    return {"name": name, "typed_config": typed(f"{FILTERS}{name}.{message}", **fields)}


def http_listener(
    name: str, address: str, port: int, manager: Json, *, filters: Sequence[Json] = ()
) -> dict[str, Any]:
    """Listen, and hand requests to an HTTP connection manager with our base settings."""
    router = http_filter("router", "v3.Router", suppress_envoy_headers=True)
    settings: dict[str, Any] = {
        "stat_prefix": name,
        "codec_type": "AUTO",
        "use_remote_address": True,
        # For a loopback client Envoy would append an address of the machine's network card.
        "skip_xff_append": True,
        "generate_request_id": False,
        "preserve_external_request_id": True,
        "server_header_transformation": "PASS_THROUGH",
        "http_filters": [*filters, router],
        **manager,
    }
    kind = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    chain = {"filters": [{"name": "http", "typed_config": typed(kind, **settings)}]}
    return typed(
        "envoy.config.listener.v3.Listener",
        name=name,
        address=socket_address(address, port),
        filter_chains=[chain],
    )


def route_config(name: str, routes: Sequence[Json], *, port: int, xff: str) -> dict[str, Any]:
    """Route every host name alike, with the forwarding headers an AWS front sends.

    `xff` is "append" or "preserve": what to do with the client's X-Forwarded-For.
    """
    client = header("x-forwarded-for", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%")
    append = [{**client, "append_action": "APPEND_IF_EXISTS_OR_ADD"}] if xff == "append" else []
    return {
        "name": name,
        # Listeners and clusters are in different files: either may be read first.
        "validate_clusters": False,
        # Nobody outside may name a target group: clusters do, after this (`upstream_http`).
        "request_headers_to_remove": ["x-envoy-external-address", TARGET_GROUP_HEADER],
        "request_headers_to_add": [*append, header("x-forwarded-port", str(port))],
        "virtual_hosts": [{"name": name, "domains": ["*"], "routes": list(routes)}],
    }


def header(name: str, value: str) -> dict[str, Any]:
    """Set a header, whatever it was."""
    return {
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def flagged(*flags: str) -> dict[str, Any]:
    """Envoy's own replies for one of these reasons; a fixed response carries no flag."""
    return {"response_flag_filter": {"flags": list(flags)}}


def of_status(status: int) -> dict[str, Any]:
    """Envoy's own replies with this status."""
    # The runtime key could override the value; it is required and never set.
    value = {"default_value": status, "runtime_key": "nineways.never_set"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def with_header(name: str) -> dict[str, Any]:
    """Envoy's own replies to requests with this header."""
    return {"header_filter": {"header": {"name": name, "present_match": True}}}


def both(*filters: Json) -> dict[str, Any]:
    """Replies that all filters accept."""
    return {"and_filter": {"filters": list(filters)}}


def circuit_breakers_off() -> dict[str, Any]:
    """AWS documents no such limits; Envoy's defaults of 1,024 would answer 503 under load."""
    most = 1_000_000
    limits = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    return {"thresholds": [dict.fromkeys(limits, most)]}


def upstream_http(*, idle_timeout_s: float, add: Json | None = None) -> dict[str, Any]:
    """HTTP/1.1 to the target over connections that are kept for this long.

    `add` are headers that every request to it gets, whichever route brought it here.
    """
    name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    options = typed(
        name,
        common_http_protocol_options={"idle_timeout": seconds(idle_timeout_s)},
        explicit_http_config={"http_protocol_options": {}},
        **({"http_filters": _adding(add)} if add else {}),
    )
    return {name: options}


def _adding(headers: Json) -> list[dict[str, Any]]:
    mutations = [{"append": header(name, value)} for name, value in headers.items()]
    return [
        http_filter(
            "header_mutation", "v3.HeaderMutation", mutations={"request_mutations": mutations}
        ),
        http_filter("upstream_codec", "v3.UpstreamCodec"),
    ]


def seconds(value: float) -> str:
    """Write a duration the way protobuf's JSON wants it."""
    return f"{value:g}s"
