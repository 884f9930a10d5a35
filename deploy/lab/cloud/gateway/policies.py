"""The policy that an authorizer returns: does it allow this method? Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

Decision = Literal["allow", "deny", "nothing"]
ACTION = "execute-api:Invoke"


def decision(policy: Mapping[str, Any], method_arn: str) -> Decision:
    """What the statements say together; one that denies wins over all that allow.

    >>> everything = {"Effect": "Allow", "Action": "execute-api:*", "Resource": "*"}
    >>> decision({"Statement": everything}, "arn:aws:execute-api:r:1:a/live/GET/x")
    'allow'
    """
    effects = {
        str(statement.get("Effect", "")).lower()
        for statement in _list(policy.get("Statement"))
        if any(_like(pattern.lower(), ACTION.lower()) for pattern in _list(statement.get("Action")))
        and any(_like(pattern, method_arn) for pattern in _list(statement.get("Resource")))
    }
    if "deny" in effects:
        return "deny"
    return "allow" if "allow" in effects else "nothing"


def _like(pattern: str, text: str) -> bool:
    """IAM's wildcards: `*` for any text, `?` for one character."""
    parts = (
        ".*" if part == "*" else "." if part == "?" else re.escape(part)
        for part in re.split(r"([*?])", pattern)
    )
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - JSON: one or a list of them
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
