"""Route 53: hosted zones, their records and health checks.

MiniStack keeps the records; the edge answers DNS queries from them, makes the health checks and
reports what it saw.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeAlias
from xml.sax.saxutils import escape

from deploy.lab.cloud.border import (
    RESPONSES,
    Created,
    Internals,
    Json,
    RefusedError,
    ResourceType,
    Response,
    add_resource_type,
    amend_resource_type,
    element,
    records,
    refuse_unknown,
)
from deploy.lab.cloud.lab import Lab

R53 = Internals(
    "services.route53",
    "NS",
    "_create_health_check",
    "_delete_health_check",
    "_error_response",
    "_health_checks",
    "_lock",
    "_records",
    "_rs_key",
    "_tags",
    "_zones",
    "handle_request",
)
CFN = Internals(
    "services.cloudformation.provisioners",
    "_STACK_TAG_PROPERTY",
    "_r53_record_set_build_rs",
    "_r53_record_set_create",
    "_r53_record_set_delete",
    "_r53_record_set_update",
)

Handler: TypeAlias = Callable[..., Awaitable[Response]]
STATUS_PATH = re.compile(r"/healthcheck/([^/]+)/status$")

# The kinds of check that the edge makes.
CHECKED = frozenset({"HTTP", "TCP"})
# Defaults and limits of CreateHealthCheck's HealthCheckConfig (API reference, 2026-11).
DEFAULT_PORT = 80
DEFAULT_INTERVAL_S = 30
DEFAULT_FAILURE_THRESHOLD = 3
# "Update requires: Replacement" in AWS's resource reference of AWS::Route53::HealthCheck.
FIXED = ("Type", "RequestInterval", "MeasureLatency")
# What an alias to a load balancer answers with (developer guide, "alias records", 2026-11).
ALIAS_TTL_S = 60
# One name and type has at most one of each of these ways to choose among its records.
POLICIES = ("MultiValueAnswer", "Weight", "Failover", "Region", "GeoLocation")
SERVED_POLICIES = frozenset({"MultiValueAnswer", "Weight", "Failover"})


def install(lab: Lab) -> None:
    """Add what MiniStack lacks: the health check's type and status, and groups of records."""
    R53.replace("handle_request", _with_status(R53.handle_request, lab))
    add_resource_type(
        "AWS::Route53::HealthCheck", ResourceType(_create_check, _delete_check, _update_check)
    )
    add_resource_type(
        "AWS::Route53::RecordSetGroup", ResourceType(_create_group, _delete_group, _update_group)
    )
    amend_resource_type("AWS::Route53::RecordSet", before=_checked)
    amend_resource_type("AWS::Route53::HostedZone", after=_with_zone_tags)
    CFN.STACK_TAG_PROPERTY["AWS::Route53::HealthCheck"] = ("HealthCheckTags", "list")
    CFN.STACK_TAG_PROPERTY["AWS::Route53::HostedZone"] = ("HostedZoneTags", "list")


# ---- the state document ----


def health_checks() -> list[Json]:
    """The health checks for the state document: those that the edge can make."""
    return [
        {
            "id": check_id,
            "type": config["Type"],
            "address": config.get("IPAddress") or config.get("FullyQualifiedDomainName", ""),
            # With an address, the domain name is the Host header of the request.
            "host": config.get("FullyQualifiedDomainName"),
            "port": int(config.get("Port", DEFAULT_PORT)),
            "path": config.get("ResourcePath") or "/",
            "interval_s": int(config.get("RequestInterval", DEFAULT_INTERVAL_S)),
            "failure_threshold": int(config.get("FailureThreshold", DEFAULT_FAILURE_THRESHOLD)),
        }
        for check_id, check in records(R53.health_checks).items()
        if (config := check["config"]).get("Type") in CHECKED and not config.get("Disabled")
    ]


def hosted_zones() -> list[Json]:
    """The hosted zones and their records for the state document."""
    sets: Json = records(R53.records)
    return [
        {
            "id": zone_id,
            "name": zone["name"],
            "records": [_wanted(record) for record in sets.get(zone_id, [])],
        }
        for zone_id, zone in records(R53.zones).items()
    ]


def _wanted(record: Json) -> Json:
    alias = record.get("AliasTarget")
    return {
        # A backslash and three digits stand for the asterisk in what the API stores.
        "name": record["Name"].replace("\\052", "*").lower(),
        "type": record["Type"],
        "ttl_s": ALIAS_TTL_S if alias else int(record.get("TTL") or 0),
        "set_id": record.get("SetIdentifier"),
        "values": list(record.get("ResourceRecords") or []),
        "multivalue": bool(record.get("MultiValueAnswer")),
        "weight": record.get("Weight"),
        "failover": record.get("Failover"),
        "health_check_id": record.get("HealthCheckId"),
        "alias": alias
        and {
            "dns_name": alias["DNSName"].rstrip(".").lower(),
            "evaluate_target_health": alias["EvaluateTargetHealth"],
        },
    }


# ---- GetHealthCheckStatus ----


def _with_status(stock: Handler, lab: Lab) -> Handler:
    async def handle(method: str, path: str, *rest: object) -> Response:
        asked = STATUS_PATH.search(path)
        if method == "GET" and asked:
            return _status(asked.group(1), lab)
        return await stock(method, path, *rest)

    return handle


def _status(check_id: str, lab: Lab) -> Response:
    """What the edge saw; on AWS there is one observation for each of many checkers."""
    check = R53.health_checks.get(check_id)
    if check is None:
        message = f"No health check exists with the specified ID {check_id}."
        refusal: Response = R53.error_response("NoSuchHealthCheck", message, 404)
        return refusal
    seen = lab.observed.health_check(check_id)
    words = {
        None: "",
        True: "Success: " + str(seen.get("reason") or "HTTP Status Code 200, OK"),
        False: "Failure: " + str(seen.get("reason") or "The endpoint did not answer as expected"),
    }
    observation = (
        "<HealthCheckObservation><Region>us-east-1</Region>"
        f"<IPAddress>{lab.addresses.emulator_url.split('/')[2].split(':')[0]}</IPAddress>"
        f"<StatusReport><Status>{escape(words[seen.get('healthy')])}</Status>"
        f"<CheckedTime>{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}</CheckedTime></StatusReport>"
        "</HealthCheckObservation>"
    )
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<GetHealthCheckStatusResponse xmlns="{R53.NS}">'
        f"<HealthCheckObservations>{observation if seen else ''}</HealthCheckObservations>"
        "</GetHealthCheckStatusResponse>"
    )
    return 200, {"Content-Type": "text/xml"}, body.encode()


# ---- AWS::Route53::HealthCheck ----


def _create_check(logical_id: str, properties: Json, stack: str) -> Created:
    del logical_id, stack
    config = _check_config(properties)
    inner = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in config.items())
    status, _, body = R53.create_health_check(
        f'<CreateHealthCheckRequest xmlns="{R53.NS}">'
        f"<CallerReference>{RESPONSES.new_uuid()}</CallerReference>"
        f"<HealthCheckConfig>{inner}</HealthCheckConfig></CreateHealthCheckRequest>".encode()
    )
    if status >= 400:  # noqa: PLR2004 - the first HTTP status that is an error
        raise RefusedError(element(body.decode(), "Message"))
    check_id = element(body.decode(), "Id")
    _tag("healthcheck", check_id, properties.get("HealthCheckTags"))
    return check_id, {"HealthCheckId": check_id}


def _update_check(physical_id: str, old: Json, new: Json, stack: str) -> Created:
    before, after = old.get("HealthCheckConfig") or {}, new.get("HealthCheckConfig") or {}
    if any(before.get(key) != after.get(key) for key in FIXED):
        return _create_check("", new, stack)
    check = R53.health_checks[physical_id]
    check["config"] = _typed(_check_config(new))
    check["version"] = int(check.get("version", 1)) + 1
    _tag("healthcheck", physical_id, new.get("HealthCheckTags"))
    return physical_id, {"HealthCheckId": physical_id}


def _delete_check(physical_id: str, properties: Json) -> None:
    del properties
    R53.delete_health_check(physical_id)


def _check_config(properties: Json) -> Json:
    refuse_unknown(
        properties,
        frozenset({"HealthCheckConfig", "HealthCheckTags"}),
        "AWS::Route53::HealthCheck",
    )
    config: Json = properties.get("HealthCheckConfig") or {}
    if config.get("Type") not in CHECKED:
        raise RefusedError(f"the lab makes health checks of type HTTP and TCP, not {config}")
    if not config.get("IPAddress") and not config.get("FullyQualifiedDomainName"):
        raise RefusedError("Invalid parameter : IPAddress or FullyQualifiedDomainName is required")
    if int(config.get("RequestInterval", DEFAULT_INTERVAL_S)) not in {10, 30}:
        raise RefusedError("Invalid parameter : RequestInterval must be 10 or 30 seconds")
    return {key: _text(value) for key, value in config.items() if not isinstance(value, list)}


def _typed(config: Json) -> Json:
    """The words of a configuration as MiniStack stores them."""
    numbers = {"Port", "RequestInterval", "FailureThreshold"}
    truth = {"true": True, "false": False}
    return {k: int(v) if k in numbers else truth.get(v, v) for k, v in config.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---- AWS::Route53::RecordSet and RecordSetGroup ----


def _checked(properties: Json) -> Json:
    """Refuse a record that Route 53 would refuse, or that the lab would not answer as AWS does."""
    name = f"[Tried to create resource record set [name='{properties.get('Name')}']"
    used = [key for key in POLICIES if _is_set(properties, key)]
    if unserved := [key for key in used if key not in SERVED_POLICIES]:
        raise RefusedError(f"the lab's name server does not know {unserved[0]} records")
    if len(used) > 1:
        raise RefusedError(f"{name} but it mixes the routing policies {' and '.join(used)}")
    if used and not properties.get("SetIdentifier"):
        raise RefusedError(f"{name} but it has no SetIdentifier, which {used[0]} needs")
    alias = properties.get("AliasTarget")
    if alias and _is_set(properties, "MultiValueAnswer"):
        raise RefusedError(f"{name} but multivalue answer records cannot be alias records")
    if alias and (properties.get("TTL") or properties.get("ResourceRecords")):
        raise RefusedError(f"{name} but an alias record has no TTL and no ResourceRecords")
    if not alias and not (properties.get("TTL") and properties.get("ResourceRecords")):
        raise RefusedError(f"{name} but it lacks TTL or ResourceRecords")
    check = properties.get("HealthCheckId")
    if check and check not in R53.health_checks:
        raise RefusedError(f"No health check exists with the specified ID {check}.")
    return properties


def _is_set(properties: Json, key: str) -> bool:
    """Whether a routing policy is asked for; weight 0 is a weight."""
    value = properties.get(key)
    return value not in (None, "", False) and str(value).lower() != "false"


def _members(properties: Json) -> list[Json]:
    """The records of a group, each with the zone that the group names."""
    zone: Json = {k: v for k, v in properties.items() if k in {"HostedZoneId", "HostedZoneName"}}
    return [{**zone, **record} for record in properties.get("RecordSets") or []]


def _create_group(logical_id: str, properties: Json, stack: str) -> Created:
    name = f"{stack}-{logical_id}-{RESPONSES.new_uuid()[:12]}"
    made: list[Json] = []
    try:
        for record in _members(properties):
            CFN.r53_record_set_create(logical_id, _checked(record), stack)
            made.append(record)
    except ValueError:
        # The change is one batch on AWS: all of it, or nothing.
        for record in made:
            CFN.r53_record_set_delete("", record)
        raise
    return name, {}


def _update_group(physical_id: str, old: Json, new: Json, stack: str) -> Created:
    before = {_key(record): record for record in _members(old)}
    after = {_key(record): _checked(record) for record in _members(new)}
    for key, record in before.items():
        if key not in after:
            CFN.r53_record_set_delete("", record)
    for key, record in after.items():
        if key in before:
            CFN.r53_record_set_update("", before[key], record, stack)
        else:
            CFN.r53_record_set_create("", record, stack)
    return physical_id, {}


def _delete_group(physical_id: str, properties: Json) -> None:
    del physical_id
    for record in _members(properties):
        CFN.r53_record_set_delete("", record)


def _key(record: Json) -> tuple[str, ...]:
    key: tuple[str, ...] = R53.rs_key(CFN.r53_record_set_build_rs(record))
    return key


# ---- tags ----


def _with_zone_tags(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    """The stock type drops a zone's tags."""
    _tag("hostedzone", physical_id, properties.get("HostedZoneTags"))
    return physical_id, attributes


def _tag(kind: str, resource_id: str, tags: list[Json] | None) -> None:
    R53.tags[kind, resource_id] = {tag["Key"]: str(tag["Value"]) for tag in tags or []}
