"""Route 53 in stacks: health checks, records and groups of records."""

from xml.sax.saxutils import escape

from deploy.lab.cloud.border import (
    RESPONSES,
    Created,
    Internals,
    Json,
    RefusedError,
    ResourceType,
    add_resource_type,
    amend_resource_type,
    element,
    refuse_unknown,
)
from deploy.lab.cloud.route53 import CHECKED, DEFAULT_INTERVAL_S

R53 = Internals(
    "services.route53",
    "NS",
    "_create_health_check",
    "_delete_health_check",
    "_health_checks",
    "_rs_key",
    "_tags",
)
CFN = Internals(
    "services.cloudformation.provisioners",
    "_STACK_TAG_PROPERTY",
    "_r53_record_set_build_rs",
    "_r53_record_set_create",
    "_r53_record_set_delete",
    "_r53_record_set_update",
)

# "Update requires: Replacement" in AWS's resource reference of AWS::Route53::HealthCheck.
FIXED = ("Type", "RequestInterval", "MeasureLatency")
# One name and type has at most one of each of these ways to choose among its records.
POLICIES = ("MultiValueAnswer", "Weight", "Failover", "Region", "GeoLocation")
SERVED_POLICIES = frozenset({"MultiValueAnswer", "Weight", "Failover"})


def install() -> None:
    """Add what MiniStack lacks, and refuse what it would take and Route 53 would not."""
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
