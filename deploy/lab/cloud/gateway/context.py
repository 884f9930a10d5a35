"""What API Gateway says of a request: `$context` in templates, `requestContext` in events. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from deploy.lab.cloud.gateway.exchange import Request
from deploy.lab.cloud.gateway.snapshots import Snapshot


@dataclass(frozen=True)
class Ids:
    """What names one request: in the answer, in the function's event, in logs and traces."""

    request_id: str
    extended_request_id: str
    # The whole X-Amzn-Trace-Id: `Root=1-…` with what came behind it.
    trace: str
    # When it came, in seconds since 1970.
    at: float


def new_ids(request: Request, *, at: float, sampled: bool) -> Ids:
    """Fresh ids; the trace goes on where the client has begun one.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    given = request.header("X-Amzn-Trace-Id") or ""
    fields = dict(part.strip().partition("=")[::2] for part in given.split(";") if "=" in part)
    fields.pop("Self", None)
    fields.setdefault("Root", f"1-{int(at):08x}-{secrets.token_hex(12)}")
    if sampled:
        # The gateway's own segment becomes the parent of what comes after it.
        fields["Parent"] = secrets.token_hex(8)
        fields.setdefault("Sampled", "1")
    trace = ";".join(f"{key}={fields[key]}" for key in sorted(fields, key=_order))
    return Ids(str(uuid4()), secrets.token_urlsafe(11)[:15] + "=", trace, at)


def _order(field: str) -> int:
    known = ("Root", "Parent", "Sampled")
    return known.index(field) if field in known else len(known)


def of_request(
    request: Request,
    snapshot: Snapshot,
    stage: Mapping[str, object],
    ids: Ids,
    resource_id: str,
) -> dict[str, object]:
    """Everything known before an authorizer or an integration is asked."""
    stage_name = str(stage["stageName"])
    domain = request.header("Host") or f"{snapshot.api_id}.execute-api.{snapshot.region}"
    return {
        "accountId": snapshot.account,
        "apiId": snapshot.api_id,
        "deploymentId": stage.get("deploymentId"),
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "extendedRequestId": ids.extended_request_id,
        "httpMethod": request.method,
        "identity": {
            "accessKey": None,
            "accountId": None,
            "caller": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": request.source_ip,
            "user": None,
            "userAgent": request.header("User-Agent"),
            "userArn": None,
        },
        "path": f"/{stage_name}{request.path}",
        "protocol": "HTTP/1.1",
        "requestId": ids.request_id,
        "requestTime": datetime.fromtimestamp(ids.at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(ids.at * 1000),
        "resourceId": resource_id,
        "resourcePath": request.resource_path,
        "stage": stage_name,
        "xrayTraceId": ids.trace.partition(";")[0].removeprefix("Root="),
    }
