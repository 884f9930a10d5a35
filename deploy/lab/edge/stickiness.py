"""Sticky sessions: cookies that lead a client back to its target, or to its target group. Pure.

Rules are those of AWS's "Sticky sessions for your Application Load Balancer" (November 2026):
AWSALB binds to a target for a duration, AWSALBAPP for as long as the target's own cookie is sent
too, AWSALBTG to a target group of a weighted forward. Each answer begins the duration anew; the
cookie itself is kept by the client for seven days, whatever the duration; a target that is gone
or unhealthy gives way to another one.

Envoy's own filter does the way back, for it knows which targets are healthy. What it does not do
is a duration that begins anew, or a cookie that depends on another: that is the script's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.lab.edge.http import FILTERS, typed
from deploy.lab.edge.wanted import Json, TargetGroup

DEFAULT_DURATION_S = 86_400
KINDS = {"lb_cookie", "app_cookie"}

SCRIPT, SESSION = "stickiness", "sticky-session"
# Between script, session filter and routes; no target and no client sees them.
TARGET_HEADER, GROUP_HEADER = "x-lab-sticky-target", "x-lab-sticky-group"

LUA = """
local WEEK = 604800
local function cookie(headers, name)
  local text = "; " .. (headers:get("cookie") or "")
  return string.match(text, "; *" .. string.gsub(name, "%W", "%%%0") .. "=([^;]*)")
end
local function valid(value)
  local what, until_s = string.match(value or "", "^(.*)%.(%d+)$")
  if what and tonumber(until_s) > os.time() then return what end
end
local function bake(headers, name, what, seconds)
  local value = what .. "." .. string.format("%d", os.time() + seconds)
  local text = value .. "; Max-Age=" .. WEEK .. "; Path=/"
  headers:add("set-cookie", name .. "=" .. text)
  if name ~= "AWSALBAPP-0" then
    headers:add("set-cookie", name .. "CORS=" .. text .. "; SameSite=None; Secure")
  end
end
local function sets(headers, name)
  for i = 0, headers:getNumValues("set-cookie") - 1 do
    local given = headers:getAtIndex("set-cookie", i)
    if string.sub(given, 1, #name + 1) == name .. "=" then return true end
  end
  return false
end
function envoy_on_request(handle)
  local headers = handle:headers()
  headers:remove("x-lab-sticky-target")
  headers:remove("x-lab-sticky-group")
  local group = valid(cookie(headers, "AWSALBTG"))
  if group then
    headers:add("x-lab-sticky-group", group)
    handle:clearRouteCache()
  end
  local how = handle:filterContext()
  local kept = nil
  if how:get("app_cookie") then
    if cookie(headers, how:get("app_cookie")) then kept = valid(cookie(headers, "AWSALBAPP-0")) end
  elseif how:get("target_s") then
    kept = valid(cookie(headers, "AWSALB"))
  end
  if kept then
    headers:add("x-lab-sticky-target", kept)
    handle:streamInfo():dynamicMetadata():set("stickiness", "kept", kept)
  end
end
function envoy_on_response(handle)
  local headers = handle:headers()
  local how = handle:filterContext()
  local known = handle:streamInfo():dynamicMetadata():get("stickiness") or {}
  local chosen = headers:get("x-lab-sticky-target")
  headers:remove("x-lab-sticky-target")
  local target = chosen or known.kept
  if target and how:get("app_cookie") then
    if sets(headers, how:get("app_cookie")) or known.kept then
      bake(headers, "AWSALBAPP-0", target, how:get("target_s"))
    end
  elseif target and how:get("target_s") then
    bake(headers, "AWSALB", target, how:get("target_s"))
  end
  if how:get("group") then bake(headers, "AWSALBTG", how:get("group"), how:get("group_s")) end
end
"""


def kind(group: TargetGroup) -> str:
    """How clients of a target group are kept: lb_cookie, app_cookie, or empty for not at all."""
    if group.attributes.get("stickiness.enabled") != "true":
        return ""
    return group.attributes.get("stickiness.type", "lb_cookie")


def unsupported(group: TargetGroup) -> Iterator[str]:
    """Say which way of being sticky the lab does not know."""
    if (chosen := kind(group)) and chosen not in KINDS:
        yield f"target group {group.name}: stickiness.type = {chosen}"


def filters(routes: Sequence[Json]) -> list[dict[str, Any]]:
    """Make the filters that a listener with these routes needs; none when nothing is sticky."""
    if SCRIPT not in str(routes):
        return []
    return [
        {
            "name": SCRIPT,
            "typed_config": typed(
                f"{FILTERS}lua.v3.Lua", default_source_code={"inline_string": LUA}
            ),
        },
        # Without a state it does nothing; each route says whether it has one.
        {
            "name": SESSION,
            "typed_config": typed(f"{FILTERS}stateful_session.v3.StatefulSession"),
        },
    ]


def of_forward(action: Json) -> float | None:
    """How many seconds a forward keeps a client at one of its target groups, if it does."""
    config = (action.get("ForwardConfig") or {}).get("TargetGroupStickinessConfig") or {}
    if str(config.get("Enabled", "")).lower() != "true":
        return None
    return float(config.get("DurationSeconds") or DEFAULT_DURATION_S)


def per_route(group: TargetGroup, cluster: str, *, group_s: float | None) -> dict[str, Any]:
    """What a way to this target group adds; empty when nothing about it is sticky."""
    how: dict[str, Any] = {}
    configs: dict[str, Any] = {}
    if (chosen := kind(group)) in KINDS:
        duration = group.attributes.get(f"stickiness.{chosen}.duration_seconds")
        how["target_s"] = float(duration or DEFAULT_DURATION_S)
        if chosen == "app_cookie":
            how["app_cookie"] = group.attributes.get("stickiness.app_cookie.cookie_name", "")
        configs[SESSION] = _session()
    if group_s is not None:
        how |= {"group": cluster, "group_s": group_s}
    if not how:
        return {}
    script = typed(f"{FILTERS}lua.v3.LuaPerRoute", filter_context=how)
    return {
        "typed_per_filter_config": {SCRIPT: script, **configs},
        "request_headers_to_remove": [TARGET_HEADER, GROUP_HEADER],
    }


def _session() -> dict[str, Any]:
    state = {
        "name": "envoy.http.stateful_session.header",
        "typed_config": typed(
            "envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState",
            name=TARGET_HEADER,
        ),
    }
    return typed(
        f"{FILTERS}stateful_session.v3.StatefulSessionPerRoute",
        stateful_session={"session_state": state},
    )


def returning(cluster: str) -> Mapping[str, Any]:
    """Match a request whose cookie leads to this target group."""
    return {"name": GROUP_HEADER, "string_match": {"exact": cluster}}
