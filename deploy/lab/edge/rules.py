"""Listener rules: ELBv2's conditions and actions as Envoy routes, pure translation.

What cannot be translated raises `UnsupportedError`: a rule is never ignored silently.
Behaviour is that of AWS's "Listener rules for your Application Load Balancer" (November 2026).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from deploy.lab.edge.wanted import Json

SERVER = {"header": {"key": "server", "value": "awselb/2.0"}}
OVERWRITE = {"append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


class UnsupportedError(Exception):
    """The lab's load balancer does not do this; an ALB does."""


def match(conditions: Sequence[Json]) -> dict[str, Any]:
    """Translate the conditions of one rule; no condition matches every request.

    All are header matchers, because Envoy takes the path and the method for headers too:
    values of a condition are alternatives, conditions must all hold.
    """
    matchers = [_matcher(condition) for condition in conditions]
    return {"prefix": "/"} | ({"headers": matchers} if matchers else {})


def _matcher(condition: Json) -> dict[str, Any]:
    field = condition["Field"]
    if _config(condition, field).get("RegexValues") or condition.get("RegexValues"):
        raise UnsupportedError(f"a {field} condition with RegexValues")
    values = _config(condition, field).get("Values") or condition.get("Values", [])
    match field:
        case "path-pattern":
            # Only the path is compared, the query never.
            return _one_of(":path", (f"{wildcard(v, any_='[^?]')}(\\?.*)?" for v in values))
        case "host-header":
            return _one_of(":authority", (f"(?i:{wildcard(v)})(:[0-9]+)?" for v in values))
        case "http-request-method":
            return _one_of(":method", (re.escape(v) for v in values))
        case "http-header":
            name = _config(condition, field)["HttpHeaderName"].lower()
            return _one_of(name, (f"(?i:{wildcard(v)})" for v in values))
        case "query-string":
            pairs = "|".join(_pair(value) for value in values)
            return _one_of(":path", [f"[^?]*\\?(.*&)?(?i:{pairs})(&.*)?"])
        case _:
            raise UnsupportedError(f"a {field} condition")


def _config(condition: Json, field: str) -> Json:
    """The part of a condition that only its field has: path-pattern → PathPatternConfig."""
    name = "".join(word.capitalize() for word in field.split("-")) + "Config"
    config: Json = condition.get(name) or {}
    return config


def _one_of(header: str, patterns: Iterable[str]) -> dict[str, Any]:
    return {"name": header, "string_match": {"safe_regex": {"regex": "|".join(patterns)}}}


def _pair(value: Json) -> str:
    key = wildcard(value["Key"], any_="[^&=]") if value.get("Key") else "[^&=]*"
    return f"{key}={wildcard(value['Value'], any_='[^&]')}"


def wildcard(pattern: str, *, any_: str = ".") -> str:
    r"""Translate ELBv2's `*` and `?` to a regular expression; a backslash takes the next as is.

    >>> wildcard("/img/*.p?g")
    '/img/.*\\.p.g'
    """
    parts = re.findall(r"\\.|.", pattern, flags=re.DOTALL)
    special = {"*": f"{any_}*", "?": any_}
    return "".join(special.get(part, re.escape(part[-1])) for part in parts)


def act(actions: Sequence[Json], forward: Callable[[Json], Json]) -> dict[str, Any]:
    """Translate the actions of one rule to what Envoy does with the request.

    `forward` makes the route to the target groups of a forward action.
    """
    *before, last = sorted(actions, key=lambda action: action.get("Order", 0))
    if before:
        raise UnsupportedError(f"an action of type {before[0]['Type']}")
    match last["Type"]:
        case "forward":
            return dict(forward(last))
        case "redirect":
            return {"redirect": _redirect(last["RedirectConfig"]), **_headers(SERVER)}
        case "fixed-response":
            fixed = last["FixedResponseConfig"]
            return answer(
                int(fixed["StatusCode"]),
                fixed.get("MessageBody", ""),
                content_type=fixed.get("ContentType", "text/plain"),
            )
        case kind:
            raise UnsupportedError(f"an action of type {kind}")


def answer(status: int, body: str, *, content_type: str = "text/plain") -> dict[str, Any]:
    """Answer without asking a target."""
    kind = {"header": {"key": "content-type", "value": content_type}}
    reply = {"status": status} | ({"body": {"inline_string": body}} if body else {})
    return {"direct_response": reply, **_headers(SERVER, kind)}


def _headers(*headers: Json) -> dict[str, Any]:
    return {"response_headers_to_add": [{**header, **OVERWRITE} for header in headers]}


def weights(action: Json) -> dict[str, int]:
    """Target groups of a forward action, by ARN, with their weights."""
    config = action.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
    return {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups}


def _redirect(config: Json) -> dict[str, Any]:
    codes = {"HTTP_301": "MOVED_PERMANENTLY", "HTTP_302": "FOUND"}
    redirect: dict[str, Any] = {"response_code": codes[config["StatusCode"]]}
    if (protocol := config.get("Protocol", "#{protocol}")) != "#{protocol}":
        redirect["scheme_redirect"] = protocol.lower()
    if (port := config.get("Port", "#{port}")) != "#{port}":
        redirect["port_redirect"] = int(port)
    if (host := config.get("Host", "#{host}")) != "#{host}":
        redirect["host_redirect"] = _literal(host)
    return redirect | _new_path(config.get("Path", "/#{path}"), config.get("Query", "#{query}"))


def _new_path(path: str, query: str) -> dict[str, Any]:
    if query not in {"", "#{query}"}:
        raise UnsupportedError(f"a redirect with the query {query}")
    strip = {"strip_query": True} if not query else {}
    if path == "/#{path}":
        return strip
    if path.endswith("#{path}"):
        before = _literal(path.removesuffix("#{path}")).replace("\\", "\\\\")
        rewrite = {"pattern": {"regex": "^/"}, "substitution": before}
        return strip | {"regex_rewrite": rewrite}
    return strip | {"path_redirect": _literal(path)}


def _literal(text: str) -> str:
    if "#{" in text:
        raise UnsupportedError(f"a redirect to {text}")
    return text
