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
    Internals,
    Json,
    Response,
    records,
)
from deploy.lab.cloud.lab import Lab

R53 = Internals(
    "services.route53",
    "NS",
    "_error_response",
    "_health_checks",
    "_records",
    "_zones",
    "handle_request",
)

Handler: TypeAlias = Callable[..., Awaitable[Response]]
STATUS_PATH = re.compile(r"/healthcheck/([^/]+)/status$")

# The kinds of check that the edge makes.
CHECKED = frozenset({"HTTP", "TCP"})
# Defaults and limits of CreateHealthCheck's HealthCheckConfig (API reference, 2026-11).
DEFAULT_PORT = 80
DEFAULT_INTERVAL_S = 30
DEFAULT_FAILURE_THRESHOLD = 3
# What an alias to a load balancer answers with (developer guide, "alias records", 2026-11).
ALIAS_TTL_S = 60


def install(lab: Lab) -> None:
    """Add GetHealthCheckStatus, which MiniStack lacks."""
    R53.replace("handle_request", _with_status(R53.handle_request, lab))


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
