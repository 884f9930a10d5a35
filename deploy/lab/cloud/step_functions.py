"""Step Functions as AWS has it where MiniStack is more generous: the input, and starting twice."""

import json

from deploy.lab.cloud.border import Action, Internals, Json, Parameters, Response

STATES = Internals(
    "services.stepfunctions", "_executions", "_start_execution", "_start_sync_execution"
)
RESPONSES = Internals("core.responses", "error_response_json", "json_response")

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: bytes of UTF-8.
LARGEST_INPUT = 262_144


def install() -> None:
    """Hook into both ways of starting an execution."""
    STATES.replace("start_execution", _once(_limited(STATES.start_execution)))
    STATES.replace("start_sync_execution", _limited(STATES.start_sync_execution))


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

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """

    def start(parameters: Parameters) -> Response:
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
