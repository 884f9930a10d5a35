"""Who may call: what an API Gateway asks before a request goes on. Pure.

An authorizer sees headers and path at most, never the body.
"""

import hmac
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from app.tracing import from_aws, trace

Event: TypeAlias = Mapping[str, Any]

SCHEME = "bearer "

log = logging.getLogger(__name__)


class UnauthorizedError(Exception):
    """API Gateway answers 401 when a function fails with this very text, 500 for any other."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def handler_for(token: str) -> Callable[[Event, object], dict[str, Any]]:
    """Make the function's handler: whoever has the token may call every route of the stage.

    The handler raises UnauthorizedError for a request without credentials (401), and denies one
    with others (403).
    """
    if not token:
        # An empty token would let in whoever sends none.
        raise ValueError("the secret is empty")

    def handler(event: Event, _context: object) -> dict[str, Any]:
        # An authorizer of type TOKEN is given the header alone.
        given = event.get("authorizationToken") or _header(event, "authorization")
        if not given:
            raise UnauthorizedError
        is_known = given[: len(SCHEME)].lower() == SCHEME and hmac.compare_digest(
            given[len(SCHEME) :].encode(), token.encode()
        )
        if not is_known:
            # Nothing else of the request: a token that is nearly right must not get into a log.
            token_of_log = trace.set(from_aws(_header(event, "x-amzn-trace-id")))
            log.info("denied: another token")
            trace.reset(token_of_log)
        return _policy(event["methodArn"], "Allow" if is_known else "Deny")

    return handler


def _header(event: Event, name: str) -> str:
    # Names arrive as the client wrote them.
    headers: Mapping[str, str] = event.get("headers") or {}
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _policy(method_arn: str, effect: str) -> dict[str, Any]:
    # The answer is kept under the token and used for other routes too: a policy for this one route
    # alone would deny all others until it is forgotten.
    api, stage, *_ = method_arn.split("/")
    return {
        "principalId": "holder-of-the-token",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": effect,
                    "Resource": f"{api}/{stage}/*",
                }
            ],
        },
    }
