"""Who may invoke a function: its resource policy, as AWS::Lambda::Permission writes it. Pure.

MiniStack keeps the policy and asks it for layers only.
"""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from deploy.lab.cloud.border import Json

INVOKE = "lambda:InvokeFunction"


def may_invoke(policy: Json, *, service: str, source_arn: str, function_arn: str) -> bool:
    """Whether the policy lets a service invoke the function on behalf of one of its resources.

    `function_arn` is as it is invoked, with its version or alias when it names one. A condition
    that is not known here holds for nobody.

    >>> statement = {"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"},
    ...     "Action": "lambda:InvokeFunction", "Resource": "arn:f",
    ...     "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:x:r:1:thing/a*"}}}
    >>> asked = {"service": "x.amazonaws.com", "function_arn": "arn:f"}
    >>> may_invoke({"Statement": [statement]}, source_arn="arn:aws:x:r:1:thing/ab", **asked)
    True
    >>> may_invoke({"Statement": [statement]}, source_arn="arn:aws:x:r:1:thing/b", **asked)
    False
    """
    account = source_arn.split(":")[4] if source_arn.count(":") > 4 else ""  # noqa: PLR2004 - arn:p:s:r:ACCOUNT:…
    context = {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    return any(
        statement.get("Effect") == "Allow"
        and _is_for(statement.get("Principal"), service)
        and any(fnmatchcase(INVOKE, action) for action in _listed(statement.get("Action")))
        and function_arn in _listed(statement.get("Resource"))
        and _holds(statement.get("Condition") or {}, context)
        for statement in policy.get("Statement", [])
    )


def unqualified(function_arn: str) -> str:
    """The function's own ARN, which has the policy: without a version or an alias.

    >>> unqualified("arn:aws:lambda:r:1:function:f:live")
    'arn:aws:lambda:r:1:function:f'
    """
    return ":".join(function_arn.split(":")[:7])


def _is_for(principal: object, service: str) -> bool:
    if isinstance(principal, dict):
        return service in _listed(principal.get("Service")) or principal.get("AWS") == "*"
    return principal == "*"


def _holds(conditions: Json, context: dict[str, str]) -> bool:
    compare: dict[str, Callable[[str, str], bool]] = {
        "ArnLike": fnmatchcase,
        "StringLike": fnmatchcase,
        "ArnEquals": fnmatchcase,
        "StringEquals": lambda real, wanted: real == wanted,
    }
    return all(
        operator in compare
        and any(compare[operator](context.get(key.lower(), ""), value) for value in _listed(values))
        for operator, wanted in conditions.items()
        for key, values in wanted.items()
    )


def _listed(value: object) -> Iterable[str]:
    """What may be one or several, as several."""
    return [str(item) for item in value] if isinstance(value, list) else [str(value or "")]
