"""AWS WAF: web ACLs of templates and of the API, and the load balancers they protect.

MiniStack keeps the records; the edge decides. What the edge could not carry out is refused
here, when it is asked for.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

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
    records,
    refuse_unknown,
)
from deploy.lab.edge.waf.acls import compiled
from deploy.lab.edge.waf.rates import Rate
from deploy.lab.edge.waf.requests import UnsupportedError

WAF = Internals(
    "services.waf",
    "_associate_web_acl",
    "_associations",
    "_create_web_acl",
    "_delete_web_acl",
    "_get_web_acl_for_resource",
    "_update_web_acl",
    "_waf_err",
    "_web_acls",
    "create_web_acl_record",
    "update_web_acl_record",
)
ALB = Internals("services.alb", "_lbs")

KNOWN = frozenset(
    [
        "CustomResponseBodies",
        "DefaultAction",
        "Description",
        "Name",
        "Rules",
        "Scope",
        "Tags",
        "VisibilityConfig",
    ]
)
# What an API call has besides.
API_ONLY = frozenset({"Id", "LockToken"})
PROTECTED = ":loadbalancer/app/"
Handler = Callable[[Json], Response]


def install() -> None:
    """Check what stacks and API calls ask for, and keep what MiniStack drops."""
    stock_create, stock_update = WAF.create_web_acl_record, WAF.update_web_acl_record

    def create(name: str, scope: str, given: Json) -> tuple[str, str, Json]:
        _check({**given, "Name": name, "Scope": scope})
        uid, arn, record = stock_create(name, scope, given)
        record["CustomResponseBodies"] = given.get("CustomResponseBodies") or {}
        return uid, arn, record

    def update(record: Json, given: Json) -> Json:
        _check({**given, "Name": record["Name"], "Scope": record["Scope"]})
        updated: Json = stock_update(record, given)
        updated["CustomResponseBodies"] = given.get("CustomResponseBodies") or {}
        return updated

    WAF.replace("create_web_acl_record", create)
    WAF.replace("update_web_acl_record", update)
    WAF.replace("create_web_acl", _refusing(WAF.create_web_acl))
    WAF.replace("update_web_acl", _refusing(_update))
    WAF.replace("associate_web_acl", _associate_checked(WAF.associate_web_acl))
    WAF.replace("delete_web_acl", _delete_unused(WAF.delete_web_acl))
    amend_resource_type("AWS::WAFv2::WebACL", before=_from_template)
    add_resource_type(
        "AWS::WAFv2::WebACLAssociation", ResourceType(_create_association, _delete_association)
    )


def describe() -> list[Json]:
    """The web ACLs for the state document."""
    balancers = records(ALB.lbs)
    protected: dict[str, list[str]] = {}
    for resource, acl in records(WAF.associations).items():
        if resource in balancers:
            protected.setdefault(str(acl), []).append(resource)
    return [
        {**_document(acl), "resources": sorted(protected.get(acl["ARN"], []))}
        for acl in records(WAF.web_acls).values()
    ]


def _document(acl: Json) -> Json:
    return {
        "arn": acl["ARN"],
        "name": acl["Name"],
        "default_action": acl["DefaultAction"],
        "rules": acl["Rules"],
        "custom_response_bodies": acl.get("CustomResponseBodies") or {},
    }


# ---- what the edge can carry out ----


def _check(given: Json) -> None:
    """Refuse a web ACL that the edge would refuse.

    Raises:
        RefusedError: It is not regional, or has something that the lab does not do.
    """
    refuse_unknown(given, KNOWN | API_ONLY, "AWS::WAFv2::WebACL")
    if str(given["Scope"]).upper() != "REGIONAL":
        raise RefusedError(
            "the lab has web ACLs with the Scope REGIONAL only: it has no CloudFront"
        )
    record = {"Rules": [], "DefaultAction": {}, "ARN": "::::0:", **given}
    try:
        compiled(_document(record), _never_counts)
    except UnsupportedError as error:
        raise RefusedError(f"the lab's AWS WAF does not do {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedError(f"Error reason: the web ACL is not valid: {error!r}") from error


def _never_counts(given: Mapping[str, Any]) -> Rate:
    return Rate(limit=int(given["Limit"]), window_s=60, check_every_s=10, clock=lambda: 0)


def _from_template(properties: Json) -> Json:
    """A template has search strings as they are or in base64; the API has them in base64."""
    refuse_unknown(properties, KNOWN, "AWS::WAFv2::WebACL")
    return {key: _with_bytes(value) for key, value in properties.items()}


def _with_bytes(value: object) -> object:
    if isinstance(value, list):
        return [_with_bytes(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _with_bytes(item) for key, item in value.items()}
    if "SearchStringBase64" in made:
        made["SearchString"] = made.pop("SearchStringBase64")
    elif isinstance(searched := made.get("SearchString"), str):
        made["SearchString"] = base64.b64encode(searched.encode()).decode()
    return made


# ---- the API ----


def _refusing(handler: Handler) -> Handler:
    def handle(given: Json) -> Response:
        try:
            return handler(given)
        except RefusedError as error:
            return _error("WAFInvalidParameterException", str(error))

    return handle


def _update(given: Json) -> Response:
    """UpdateWebACL; the stock one forgets custom response bodies and the description."""
    acl = WAF.web_acls.get(given.get("Id", ""))
    if not acl:
        return _error("WAFNonexistentItemException", f"WebACL {given.get('Id')} not found")
    if given.get("LockToken") != acl["LockToken"]:
        return _error(
            "WAFOptimisticLockException",
            "The resource you are trying to update has been modified by another request.",
        )
    updated: Json = WAF.update_web_acl_record(acl, given)
    return _json({"NextLockToken": updated["LockToken"]})


def _associate_checked(stock: Handler) -> Handler:
    def handle(given: Json) -> Response:
        try:
            _check_resource(given.get("ResourceArn", ""))
        except RefusedError as error:
            return _error("WAFUnavailableEntityException", str(error))
        return stock(given)

    return handle


def _delete_unused(stock: Handler) -> Handler:
    def handle(given: Json) -> Response:
        acl = WAF.web_acls.get(given.get("Id", ""))
        used = acl and any(one == acl["ARN"] for one in records(WAF.associations).values())
        if used:
            return _error(
                "WAFAssociatedItemException",
                "AWS WAF couldn't perform the operation because your resource is being used by "
                "another resource or it's associated with another resource.",
            )
        return stock(given)

    return handle


def _check_resource(arn: str) -> None:
    if PROTECTED not in arn:
        raise RefusedError(f"the lab's web ACLs protect Application Load Balancers, not {arn}")
    if arn not in records(ALB.lbs):
        raise RefusedError(f"AWS WAF couldn't retrieve the resource that you requested: {arn}")


def _error(code: str, message: str) -> Response:
    answer: Response = WAF.waf_err(code, message)
    return answer


def _json(body: Json) -> Response:
    answer: Response = RESPONSES.json_response(body)
    return answer


# ---- AWS::WAFv2::WebACLAssociation ----


def _create_association(logical_id: str, properties: Json, stack: str) -> Created:
    del logical_id, stack
    refuse_unknown(
        properties, frozenset({"ResourceArn", "WebACLArn"}), "AWS::WAFv2::WebACLAssociation"
    )
    resource, acl = properties["ResourceArn"], properties["WebACLArn"]
    _check_resource(resource)
    if not any(record["ARN"] == acl for record in records(WAF.web_acls).values()):
        raise RefusedError(f"AWS WAF couldn't perform the operation: there is no web ACL {acl}")
    WAF.associations[resource] = acl
    return f"{resource}|{acl}", {}


def _delete_association(physical_id: str, properties: Json) -> None:
    """Each property that changes replaces it, so the resource may have another web ACL by now."""
    del physical_id
    resource = properties.get("ResourceArn", "")
    if records(WAF.associations).get(resource) == properties.get("WebACLArn"):
        WAF.associations.pop(resource, None)
