"""Application Load Balancers as Envoy listeners. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.lab.alb import SERVER, page
from deploy.lab.edge import http, rules, stickiness
from deploy.lab.edge.forwarding import Settings, Ways
from deploy.lab.edge.waf import filter as waf
from deploy.lab.edge.wanted import (
    Json,
    Listener,
    LoadBalancer,
    Rule,
    TargetGroup,
    Wanted,
)

# Attributes that the edge does not act on, with the values that need no acting.
INERT = {
    "access_logs.s3.enabled": {"false"},
    "connection_logs.s3.enabled": {"false"},
    "client_keep_alive.seconds": {"3600"},
    "routing.http.desync_mitigation_mode": {"defensive", "monitor"},
    "routing.http.preserve_host_header.enabled": {"true", "false"},
    "routing.http.xff_client_port.enabled": {"false"},
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": {"false"},
}
DROP_INVALID = "routing.http.drop_invalid_header_fields.enabled"
XFF_MODE = "routing.http.xff_header_processing.mode"

# AWS: "Request tracing for your Application Load Balancer" (2026): a Root where there is none,
# else a Self in front, in place of an older Self. No filter of Envoy's writes hexadecimal.
TRACE_LUA = """
math.randomseed(os.time() + tonumber(string.match(tostring({}), "0x(%x+)"), 16) % 2147483648)
local function fresh()
  return string.format("1-%08x-%06x%06x%06x%06x", os.time(), math.random(0, 0xffffff),
    math.random(0, 0xffffff), math.random(0, 0xffffff), math.random(0, 0xffffff))
end
function envoy_on_request(handle)
  local headers = handle:headers()
  local given = headers:get("x-amzn-trace-id")
  local value = "Root=" .. fresh()
  if given ~= nil and string.find(given, "Root=", 1, true) then
    value = "Self=" .. fresh() .. ";" .. string.gsub(given, "Self=[^;]*;?", "")
  elseif given ~= nil then
    value = value .. ";" .. given
  end
  headers:replace("x-amzn-trace-id", value)
end
"""


def unsupported(balancer: LoadBalancer) -> Iterator[str]:
    """Say which attributes and protocols the lab does not do."""
    for key, harmless in INERT.items():
        if (value := balancer.attributes.get(key)) is not None and value not in harmless:
            yield f"load balancer {balancer.name}: {key} = {value}"
    if (mode := _xff_mode(balancer)) == "remove":
        yield f"load balancer {balancer.name}: {XFF_MODE} = {mode}; it appends"
    for listener in balancer.listeners:
        if listener.protocol != "HTTP":
            yield f"listener {balancer.name}:{listener.port}: protocol {listener.protocol}"


def idle_timeout_s(balancer: LoadBalancer) -> float:
    """How long a connection may say nothing, to the client's side and to the target's."""
    return float(balancer.attributes.get("idle_timeout.timeout_seconds", "60"))


def of_target_groups(wanted: Wanted) -> dict[str, LoadBalancer]:
    """Find the load balancer that uses each target group: AWS allows one."""
    return {
        arn: balancer
        for balancer in wanted.load_balancers
        for listener in balancer.listeners
        for actions in (listener.default_actions, *(rule.actions for rule in listener.rules))
        for action in actions
        if action["Type"] == "forward"
        for arn in rules.weights(action)
    }


def listener_resources(
    balancer: LoadBalancer,
    groups: Mapping[str, TargetGroup],
    settings: Settings,
    *,
    protected: bool = False,
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Translate each HTTP listener; together with what in its rules is not supported.

    `protected` says that a web ACL decides about its requests first.
    """
    asks = [waf.asks(balancer)] if protected else []
    for listener in balancer.listeners:
        if listener.protocol == "HTTP":
            yield _listener_resource(balancer, listener, groups, settings, asks)


def _listener_resource(
    balancer: LoadBalancer,
    listener: Listener,
    groups: Mapping[str, TargetGroup],
    settings: Settings,
    asks: Sequence[Json],
) -> tuple[dict[str, Any], list[str]]:
    name = f"{balancer.name}-{listener.port}"
    drops_invalid = balancer.attributes.get(DROP_INVALID) == "true"
    routes, refused = _routes(listener, groups, settings, idle_timeout_s(balancer))
    manager = {
        "route_config": http.route_config(
            name, routes, port=listener.port, xff=_xff_mode(balancer)
        ),
        "common_http_protocol_options": {
            "idle_timeout": http.seconds(idle_timeout_s(balancer)),
            # An ALB drops more than these, but Envoy answers 400 to most of the rest.
            "headers_with_underscores_action": "DROP_HEADER" if drops_invalid else "ALLOW",
        },
        "http_protocol_options": {"accept_http_10": True},
        "max_request_headers_kb": 64,
        "local_reply_config": {
            "mappers": [*(_waf_replies() if asks else ()), *_own_replies()],
        },
    }
    trace = http.http_filter("lua", "v3.Lua", default_source_code={"inline_string": TRACE_LUA})
    filters = [*asks, trace, *stickiness.filters(routes)]
    resource = http.http_listener(name, balancer.address, listener.port, manager, filters=filters)
    return resource, [f"listener {name}: {what}" for what in refused]


def _xff_mode(balancer: LoadBalancer) -> str:
    return balancer.attributes.get(XFF_MODE, "append")


def _routes(
    listener: Listener, groups: Mapping[str, TargetGroup], settings: Settings, idle_s: float
) -> tuple[list[dict[str, Any]], list[str]]:
    """Rules in order of priority, the default actions last."""
    ways = Ways(groups, settings, idle_s)
    routes: list[dict[str, Any]] = []
    refused: list[str] = []
    for rule in (*listener.rules, Rule(0, (), listener.default_actions)):
        which = f"rule {rule.priority}" if rule.priority else "default actions"
        try:
            matched = rules.match(rule.conditions)
        except rules.UnsupportedError as error:
            # Nobody can say which requests it was for.
            refused.append(f"{which}: {error}; the rule is left out")
            continue
        try:
            done = rules.act(rule.actions, ways.forward)
            routes += ways.back(rule.actions, matched)
        except rules.UnsupportedError as error:
            refused.append(f"{which}: {error}; its requests are answered 501")
            done = rules.answer(501, f"nineways lab: {error} is not supported\n")
        routes.append({"match": matched, **done})
    return routes, refused


def _own_replies() -> Iterator[dict[str, Any]]:
    """Give Envoy's own replies the statuses and the page of an ALB's."""
    yield _reply(http.flagged(*http.BROKEN), 502)
    yield _reply(http.flagged(*http.NOBODY), 503)
    yield _reply(http.flagged(*http.TOO_LATE), 504)
    # Envoy tells the two apart: did the client or the target stop sending?
    yield _reply(http.both(http.flagged(*http.IDLE), http.of_status(504)), 504)
    yield _reply(http.both(http.flagged(*http.IDLE), http.of_status(408)), 408)
    yield _reply(http.both(http.flagged(*http.MALFORMED), http.of_status(400)), 400)
    # No WebSockets: what an ALB answers to an upgrade where the target is a function.
    yield _reply(http.both(http.of_status(403), http.with_header("upgrade")), 400)


def _waf_replies() -> Iterator[dict[str, Any]]:
    """What a client gets when a web ACL would have to decide and nobody does."""
    yield _reply(waf.nobody_decided(), 500)
    yield from waf.replies()


def _reply(chosen: Json, status: int) -> dict[str, Any]:
    return {
        "filter": chosen,
        "status_code": status,
        "body_format_override": {
            "text_format_source": {"inline_string": page(status)},
            "content_type": "text/html",
        },
        "headers_to_add": [http.header("server", SERVER)],
    }
