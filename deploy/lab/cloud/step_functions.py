"""Step Functions as AWS has it where MiniStack is more generous: the input, and starting twice.

And AWS::StepFunctions::StateMachine, whose logging the stock type writes down in the wrong case.
"""

import json
from uuid import uuid4

from deploy.lab.cloud.border import (
    Action,
    Created,
    Internals,
    Json,
    Parameters,
    Response,
    amend_resource_type,
    refuse_unknown,
)

STATES = Internals(
    "services.stepfunctions",
    "_executions",
    "_start_execution",
    "_start_sync_execution",
    "_state_machines",
)
# Logging and tracing can be asked for, and nothing is logged or traced here.
KNOWN = frozenset(
    [
        "Definition",
        "DefinitionS3Location",
        "DefinitionString",
        "DefinitionSubstitutions",
        "EncryptionConfiguration",
        "LoggingConfiguration",
        "RoleArn",
        "StateMachineName",
        "StateMachineType",
        "Tags",
        "TracingConfiguration",
    ]
)
RESPONSES = Internals("core.responses", "error_response_json", "json_response")

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: bytes of UTF-8.
LARGEST_INPUT = 262_144


def install() -> None:
    """Hook into both ways of starting an execution, and into the resource type."""
    amend_resource_type("AWS::StepFunctions::StateMachine", before=_checked, after=_with_logging)
    STATES.replace("start_execution", _once(_limited(STATES.start_execution)))
    STATES.replace("start_sync_execution", _limited(STATES.start_sync_execution))


def _checked(properties: Json) -> Json:
    refuse_unknown(properties, KNOWN, "AWS::StepFunctions::StateMachine")
    return properties


def _with_logging(physical_id: str, properties: Json, attributes: dict[str, str]) -> Created:
    """As the API names it."""
    logging = properties.get("LoggingConfiguration") or {"Level": "OFF"}
    STATES.state_machines[physical_id]["loggingConfiguration"] = in_the_api(logging)
    return physical_id, attributes


def in_the_api(value: object) -> object:
    """A template's names as the API has them.

    >>> in_the_api({"Level": "ERROR", "IncludeExecutionData": "false", "Destinations": []})
    {'level': 'ERROR', 'includeExecutionData': False, 'destinations': []}
    """
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: in_the_api(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [in_the_api(inner) for inner in value]
    return value == "true" if value in {"true", "false"} else value


def problem(text: str) -> tuple[str, str] | None:
    """Error code and message for an input that AWS refuses.

    >>> problem('{"a": 1}') is None, problem("{")[0], problem('"%s"' % ("x" * 262144))[0]
    (True, 'InvalidExecutionInput', 'ValidationException')
    """
    if len(text.encode(errors="replace")) > LARGEST_INPUT:
        message = (
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {LARGEST_INPUT}"
        )
        return "ValidationException", message
    try:
        json.loads(text)
    except ValueError as error:
        return "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'"
    return None


def _limited(stock: Action) -> Action:
    def start(parameters: Parameters) -> Response:
        if found := problem(str(parameters.get("input", "{}"))):
            refused: Response = RESPONSES.error_response_json(*found, 400)
            return refused
        return stock(parameters)

    return start


def _once(stock: Action) -> Action:
    """The same name and input again is the same execution, as long as it runs.

    EXPRESS workflows know no names: each start is an execution of its own.
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """

    def start(parameters: Parameters) -> Response:
        machine = STATES.state_machines.get(str(parameters.get("stateMachineArn")))
        if machine and machine["type"] == "EXPRESS" and parameters.get("name"):
            return stock({**parameters, "name": f"{parameters['name']}:{uuid4()}"})
        before = _running(parameters)
        if before is None:
            return stock(parameters)
        answer: Response = RESPONSES.json_response(
            {"executionArn": before["executionArn"], "startDate": before["startDate"]}
        )
        return answer

    return start


def _running(parameters: Parameters) -> Json | None:
    machine, name = str(parameters.get("stateMachineArn", "")), parameters.get("name")
    found: Json | None = STATES.executions.get(
        f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
    )
    same = found and name and found["input"] == parameters.get("input", "{}")
    return found if same and found and found["status"] == "RUNNING" else None
