"""What a rule does with a request that it matches: allow, block or count, as AWS names it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from deploy.lab.edge.waf.requests import (
    Decision,
    Evaluation,
    Reply,
    UnsupportedError,
    only,
    the_one,
)
from deploy.lab.edge.wanted import Json

# AWS: "Supported status codes for custom responses" (November 2026).
STATUSES = frozenset(
    {200, 201, 202, 204, 206, 300, 301, 302, 303, 304, 307, 308}
    | {400, 401, 403, 404, 405, 408, 409, 411, 412, 413, 414, 415, 416, 421, 429}
    | {500, 501, 502, 503, 504, 505}
)
CONTENT_TYPES = {
    "TEXT_PLAIN": "text/plain",
    "TEXT_HTML": "text/html",
    "APPLICATION_JSON": "application/json",
}
# What AWS WAF puts before the name of a header that a rule inserts into the request.
INSERTED = "x-amzn-waf-"


PAGE = Reply()


@dataclass(frozen=True)
class Action:
    """One of the actions that end an evaluation, or Count, which does not."""

    kind: Literal["Allow", "Block", "Count"]
    reply: Reply = PAGE
    insert: tuple[tuple[str, str], ...] = ()

    def take(self, rule: str | None, evaluation: Evaluation) -> Decision | None:
        """Decide, or note it and leave the decision to the rules that follow."""
        if self.kind == "Count":
            evaluation.counted.append(str(rule))
        if self.kind != "Block":
            evaluation.insert.extend(self.insert)
        if self.kind == "Count":
            return None
        allows = self.kind == "Allow"
        return Decision(
            rule=rule,
            reply=None if allows else self.reply,
            insert=tuple(evaluation.insert) if allows else (),
            labels=tuple(sorted(evaluation.labels)),
            counted=tuple(evaluation.counted),
        )


def action(given: Json, bodies: Mapping[str, Json]) -> Action:
    """Translate the action of a rule.

    Raises:
        UnsupportedError: It is Captcha, Challenge, or has what the lab does not do.
    """
    kind = the_one(given, "an Action")
    config: Json = given[kind] or {}
    match kind:
        case "Allow" | "Count":
            only(config, {"CustomRequestHandling"}, f"the action {kind}")
            handling = config.get("CustomRequestHandling") or {"InsertHeaders": []}
            return Action(kind, insert=_headers(handling["InsertHeaders"], before=INSERTED))
        case "Block":
            only(config, {"CustomResponse"}, "the action Block")
            custom = config.get("CustomResponse")
            return Action(kind, reply=_reply(custom, bodies) if custom else PAGE)
        case _:
            raise UnsupportedError(f"the action {kind}")


def default_action(given: Json, bodies: Mapping[str, Json]) -> Action:
    """Translate the default action of a web ACL: it allows or blocks."""
    made = action(given, bodies)
    if made.kind == "Count":
        raise UnsupportedError("the DefaultAction Count")
    return made


def _reply(custom: Json, bodies: Mapping[str, Json]) -> Reply:
    only(custom, {"ResponseCode", "CustomResponseBodyKey", "ResponseHeaders"}, "a CustomResponse")
    status = int(custom["ResponseCode"])
    if status not in STATUSES:
        raise UnsupportedError(f"the ResponseCode {status}; AWS WAF does not have it either")
    headers = _headers(custom.get("ResponseHeaders") or ())
    if (key := custom.get("CustomResponseBodyKey")) is None:
        return Reply(status, None, "", headers)
    if key not in bodies:
        raise UnsupportedError(f"the CustomResponseBodyKey {key}, which CustomResponseBodies lacks")
    return Reply(
        status, CONTENT_TYPES[bodies[key]["ContentType"]], str(bodies[key]["Content"]), headers
    )


def _headers(given: object, *, before: str = "") -> tuple[tuple[str, str], ...]:
    assert isinstance(given, list | tuple)  # noqa: S101 - AWS's schema
    return tuple((before + str(one["Name"]).lower(), str(one["Value"])) for one in given)
