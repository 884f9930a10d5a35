"""Whether the role of an integration may do what it is used for.

MiniStack's own evaluator decides, of the role's trust, of its inline and attached policies and of
its permissions boundary. A resource's policy, service control policies and sessions have no say.
"""

import json
from dataclasses import dataclass
from typing import Any

from deploy.lab.cloud.border import Internals, Json

EVALUATOR = Internals(
    "core.iam_evaluator",
    "EvalContext",
    "_action_matches",
    "_conditions_met",
    "_gather_role_policies",
    "_permissions_boundary",
    "_service_principal_matches",
    "evaluate",
)
IAM = Internals("services.iam", "_roles")

SERVICE = "apigateway.amazonaws.com"
# As API Gateway names its sessions.
SESSION = "BackplaneAssumeRoleSession"


class NotAssumableError(Exception):
    """API Gateway cannot assume the role; the text is what its log would say."""


@dataclass(frozen=True)
class Use:
    """What a role is used for: an action on a resource, by an API."""

    action: str
    resource: str
    account: str
    region: str
    api_arn: str = ""


def denied(role_arn: str, use: Use) -> str:
    """Why the role may not, in AWS's words; nothing when it may.

    Raises:
        NotAssumableError: there is no such role, or it does not trust API Gateway.
    """
    account, _, resource = role_arn.removeprefix("arn:aws:iam::").partition(":")
    name = resource.rpartition("/")[2]
    role = IAM.roles.get_scoped(account, None, name) if resource.startswith("role/") else None
    session = f"arn:aws:sts::{account}:assumed-role/{name}/{SESSION}"
    if role is None or not _trusts(role, _context(use, session, "sts:AssumeRole", role_arn)):
        raise NotAssumableError(
            f"API Gateway does not have permission to assume the provided role {role_arn}"
        )
    policies = EVALUATOR.gather_role_policies(name, account)
    limits = EVALUATOR.permissions_boundary(IAM.roles, name, account)
    context = _context(use, session, use.action, use.resource)
    if EVALUATOR.evaluate(context, policies, *limits).decision == "Allow":
        return ""
    return f"User: {session} is not authorized to perform: {use.action} on resource: {use.resource}"


def _context(use: Use, session: str, action: str, resource: str) -> object:
    return EVALUATOR.EvalContext(
        principal_arn=session,
        principal_type="AssumedRole",
        principal_account=use.account,
        action=action,
        resource_arn=resource,
        region=use.region,
        service_context={"aws:sourceaccount": use.account, "aws:sourcearn": use.api_arn},
    )


def _trusts(role: Json, context: object) -> bool:
    document = role.get("AssumeRolePolicyDocument") or {}
    document = json.loads(document) if isinstance(document, str) else document
    allowed = False
    for statement in _listed(document.get("Statement")):
        actions = _listed(statement.get("Action"))
        if (
            EVALUATOR.action_matches("sts:AssumeRole", actions, _listed(statement.get("NotAction")))
            and EVALUATOR.service_principal_matches(statement.get("Principal"), SERVICE)
            and EVALUATOR.conditions_met(statement.get("Condition") or {}, context)
        ):
            if statement.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed


def _listed(value: object) -> list[Any]:
    """Policies may write one thing without a list around it."""
    return value if isinstance(value, list) else [value] if value else []
