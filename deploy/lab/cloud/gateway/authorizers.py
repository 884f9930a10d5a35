"""Lambda authorizers: who may call a method, asked of a function and remembered for a while.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

import re
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import gateway_responses, lambda_proxy, policies
from deploy.lab.cloud.gateway.exchange import GatewayError, Request
from deploy.lab.cloud.gateway.functions import Outcome
from deploy.lab.cloud.gateway.remembered import Remembered
from deploy.lab.cloud.gateway.throttling import Clock

# https://docs.aws.amazon.com/apigateway/latest/api/API_Authorizer.html
DEFAULT_TTL_S = 300
DEFAULT_SOURCE = "method.request.header.Authorization"

Ask: TypeAlias = Callable[[Json], Awaitable[Outcome]]


@dataclass(frozen=True)
class Question:
    """A request that needs an authorizer's word."""

    authorizer: Json
    request: Request
    context: Mapping[str, object]
    stage_variables: Mapping[str, object]
    method_arn: str
    # Whose result it is: a cached one counts for the same API, stage and authorizer only.
    scope: Hashable


@dataclass(frozen=True)
class Permit:
    """What the authorizer said: its policy, and what integrations get to know of it."""

    policy: Mapping[str, Any]
    context: Mapping[str, object]
    usage_key: str | None


class Authorizers:
    """Asks functions, and remembers each answer for the authorizer's TTL."""

    def __init__(self, clock: Clock) -> None:
        self._remembered = Remembered[Permit](clock)

    async def permit(self, question: Question, ask: Ask) -> Permit:
        """The word on one request.

        Raises:
            GatewayError: 401 without an identity, 403 when denied, 500 when it is broken.
        """
        identity = identity_of(question)
        ttl_s = int(question.authorizer.get("authorizerResultTtlInSeconds", DEFAULT_TTL_S))
        key = (question.scope, identity)
        permit = self._remembered.get(key)
        if permit is None:
            permit = read(await ask(event(question, identity)))
            if ttl_s > 0 and identity:
                self._remembered.put(key, permit, ttl_s=ttl_s)
        # A remembered answer is a policy, not a verdict: it is held against each request's method.
        verdict = policies.decision(permit.policy, question.method_arn)
        if verdict != "allow":
            text = "User is not authorized to access this resource"
            explicit = " with an explicit deny" if verdict == "deny" else ""
            raise GatewayError("ACCESS_DENIED", text + explicit)
        return permit


def identity_of(question: Question) -> tuple[str, ...]:
    """The values of the identity sources, in order.

    Raises:
        GatewayError: 401 when one is missing, empty or, for a token, not of the expected form. The
            function is not asked then.
    """
    authorizer = question.authorizer
    is_token = str(authorizer.get("type")).upper() == "TOKEN"
    named = str(authorizer.get("identitySource") or (DEFAULT_SOURCE if is_token else ""))
    sources = [source.strip() for source in named.split(",") if source.strip()]
    found = tuple(
        gateway_responses.look_up(
            source, question.request, question.context, question.stage_variables
        )
        for source in sources
    )
    expected = str(authorizer.get("identityValidationExpression") or "")
    if not all(found) or (is_token and expected and not re.fullmatch(expected, found[0])):
        raise GatewayError("UNAUTHORIZED", "Unauthorized")
    return found


def event(question: Question, identity: tuple[str, ...]) -> Json:
    """What the function is given: a token, or the request without its body."""
    if str(question.authorizer.get("type")).upper() == "TOKEN":
        return {
            "type": "TOKEN",
            "methodArn": question.method_arn,
            "authorizationToken": identity[0],
        }
    request = question.request
    whole = lambda_proxy.event(request, question.context, question.stage_variables, ())
    kept = {key: value for key, value in whole.items() if key not in {"body", "isBase64Encoded"}}
    return {"type": "REQUEST", "methodArn": question.method_arn, **kept}


def read(outcome: Outcome) -> Permit:
    """What the function said.

    Raises:
        GatewayError: 401 when it raised "Unauthorized", 500 for everything else that is no policy.
    """
    if outcome.failure == "failed":
        if outcome.message.strip() == "Unauthorized":
            raise GatewayError("UNAUTHORIZED", "Unauthorized")
        raise GatewayError("AUTHORIZER_FAILURE", None)
    said = outcome.payload
    policy = said.get("policyDocument") if isinstance(said, dict) else None
    if outcome.failure or not isinstance(said, dict) or not isinstance(policy, dict):
        raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR", "Internal server error")
    context = said.get("context") or {}
    if not isinstance(context, dict) or any(isinstance(v, dict | list) for v in context.values()):
        # "You cannot set a JSON object or array as a valid value of any key in the context map."
        raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR", "Internal server error")
    known = {
        key: gateway_responses.text(value) for key, value in context.items() if value is not None
    }
    if said.get("principalId"):
        known["principalId"] = str(said["principalId"])
    return Permit(policy, known, said.get("usageIdentifierKey"))
