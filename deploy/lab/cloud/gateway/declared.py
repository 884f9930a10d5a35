"""Mappings of a method name only what the method declares; AWS refuses the rest when it is made.

https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
"""

from collections.abc import Iterator

from deploy.lab.cloud.border import Json, RefusedError, amend_resource_type

# What the name in these expressions refers to must be declared.
OF_REQUEST = tuple(f"method.request.{place}." for place in ("path", "querystring", "header"))


def install() -> None:
    """Hold templates against it."""
    amend_resource_type("AWS::ApiGateway::Method", before=checked)


def checked(properties: Json) -> Json:
    """The same properties of AWS::ApiGateway::Method.

    Raises:
        RefusedError: a mapping names what is not declared, or a role is missing.
    """
    for problem in problems(properties):
        raise RefusedError(problem)
    return properties


def problems(properties: Json) -> Iterator[str]:
    """What is wrong, in AWS's words.

    >>> list(problems({"Integration": {"Type": "MOCK", "IntegrationResponses": [
    ...     {"StatusCode": 200}]}}))
    ['No method response exists for method: 200']
    """
    integration = properties.get("Integration") or {}
    uri = str(integration.get("Uri") or "")
    if integration.get("Type") == "AWS" and ":lambda:path/" not in uri:
        role = str(integration.get("Credentials") or "")
        if not role:
            yield "Role ARN must be specified for AWS integrations"
        elif ":role/" not in role:
            yield f"Credentials {role}: the lab's integrations use a role of the API's owner"
    declared = set(properties.get("RequestParameters") or {})
    for expression in (integration.get("RequestParameters") or {}).values():
        if str(expression).startswith(OF_REQUEST) and expression not in declared:
            yield _undeclared(expression)
    responses = {
        str(response.get("StatusCode")): set(response.get("ResponseParameters") or {})
        for response in properties.get("MethodResponses") or []
    }
    for response in integration.get("IntegrationResponses") or []:
        status = str(response.get("StatusCode"))
        if status not in responses:
            yield f"No method response exists for method: {status}"
            continue
        for target in response.get("ResponseParameters") or {}:
            if target not in responses[status]:
                yield _undeclared(target)


def _undeclared(expression: str) -> str:
    return (
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
        f"[Invalid mapping expression parameter specified: {expression}]"
    )
