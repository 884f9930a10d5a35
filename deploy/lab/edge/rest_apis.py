"""REST APIs: an Envoy listener in front of the emulator, which does the API Gateway part. Pure.

Limits of time and size are the gateway's, in the emulator: it refuses in the API's own words.
"""

from typing import Any

from deploy.lab.edge import http
from deploy.lab.edge.wanted import Json, RestApi

EMULATOR = "emulator"
# The gateway waits 29 s for an authorizer and 29 s for an integration; who takes longer is broken.
GATEWAY_TIMEOUT_S = 65


def cluster(address: str, port: int) -> dict[str, Any]:
    """Where the emulator listens."""
    endpoint = {"endpoint": {"address": http.socket_address(address, port)}}
    return http.typed(
        "envoy.config.cluster.v3.Cluster",
        name=EMULATOR,
        type="STATIC",
        connect_timeout="5s",
        load_assignment={
            "cluster_name": EMULATOR,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
        circuit_breakers=http.circuit_breakers_off(),
        # MiniStack's server closes idle connections after 75 s: be the first to.
        typed_extension_protocol_options=http.upstream_http(idle_timeout_s=60),
    )


def listener(api: RestApi, *, port: int, timeout_s: float = GATEWAY_TIMEOUT_S) -> dict[str, Any]:
    """Serve one API at its own address; the path, which starts with the stage, stays as it is."""
    name = f"rest-api-{api.id}"
    route = {
        "cluster": EMULATOR,
        "timeout": http.seconds(timeout_s),
        # The emulator finds the API by the Host header, and the stage in the path.
        "host_rewrite_literal": f"{api.id}.execute-api.localhost:4566",
        # What the client called it, for functions that make links of it.
        "append_x_forwarded_host": True,
    }
    routes = [{"match": {"prefix": "/"}, "route": route}]
    manager = {
        "route_config": http.route_config(name, routes, port=port, xff="append"),
        "local_reply_config": {
            "mappers": [
                _reply(http.flagged(*http.TOO_LATE), 504, "Endpoint request timed out"),
                _reply(http.flagged(*http.BROKEN, *http.NOBODY), 500, "Internal server error"),
            ]
        },
    }
    return http.http_listener(name, api.address, port, manager)


def _reply(chosen: Json, status: int, message: str) -> dict[str, Any]:
    return {
        "filter": chosen,
        "status_code": status,
        "body_format_override": {"json_format": {"message": message}},
    }
