"""Request validators: required parameters, and bodies against models. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

import json
from collections.abc import Callable, Iterable, Mapping

from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource
from referencing.jsonschema import DRAFT4

from deploy.lab.cloud.border import Json, is_true
from deploy.lab.cloud.gateway.exchange import GatewayError, Request


def check(request: Request, method: Json, validator: Json, models: Mapping[str, Json]) -> None:
    """Check what the validator is told to: parameters first, then the body.

    Raises:
        GatewayError: 400 BAD_REQUEST_PARAMETERS or BAD_REQUEST_BODY.
    """
    if validator.get("validateRequestParameters") and (
        missing := missing_parameters(request, method)
    ):
        named = ", ".join(missing)
        raise GatewayError(
            "BAD_REQUEST_PARAMETERS", f"Missing required request parameters: [{named}]"
        )
    if validator.get("validateRequestBody"):
        _check_body(request, method.get("requestModels") or {}, models)


def missing_parameters(request: Request, method: Json) -> list[str]:
    """Names of required parameters that the request lacks or leaves empty."""
    found: dict[str, Callable[[str], str | None]] = {
        "header": request.header,
        "querystring": request.parameter,
        "path": request.path_parameters.get,
    }
    missing = []
    for parameter, required in (method.get("requestParameters") or {}).items():
        _, _, kind, name = str(parameter).split(".", 3)
        if is_true(required) and not found[kind](name):
            missing.append(name)
    return missing


def _check_body(request: Request, chosen: Mapping[str, str], models: Mapping[str, Json]) -> None:
    media_type = (request.header("Content-Type") or "application/json").split(";")[0].strip()
    # A media type that names no model is not checked: AWS lets such a body pass. A $default model
    # closes that door.
    model = models.get(str(chosen.get(media_type) or chosen.get("$default")))
    if model is None or not str(model.get("schema") or "").strip():
        return
    try:
        document = json.loads(request.body)
    except ValueError:
        detail = "Invalid JSON" if request.body else "The request body is empty"
        raise GatewayError("BAD_REQUEST_BODY", "Invalid request body", detail=detail) from None
    errors = sorted(_validator(model, models).iter_errors(document), key=lambda e: list(e.path))
    if errors:
        detail = "[" + ", ".join(in_words(error) for error in errors) + "]"
        raise GatewayError("BAD_REQUEST_BODY", "Invalid request body", detail=detail)


def _validator(model: Json, models: Mapping[str, Json]) -> Draft4Validator:
    def retrieve(uri: str) -> Resource[Json]:
        # https://apigateway.amazonaws.com/restapis/API/models/NAME
        name = uri.rpartition("/models/")[2]
        if name not in models:
            raise NoSuchResource(uri)
        return DRAFT4.create_resource(json.loads(models[name]["schema"]))

    # Its constructor is made by attrs, behind a wrapper that mypy does not see through.
    registry: Registry[Json] = Registry(retrieve=retrieve)  # type: ignore[call-arg]
    return Draft4Validator(json.loads(model["schema"]), registry=registry)


def in_words(error: ValidationError) -> str:
    """One error as `$context.error.validationErrorString` has it.

    API Gateway's words are those of the Java library json-schema-validator; the most frequent ones
    are here, others stay in our library's.
    """
    found, limit = error.instance, error.validator_value
    words: dict[object, Callable[[], str]] = {
        "required": lambda: (
            "object has missing required properties "
            f"({_quoted(name for name in limit if name not in found)})"
        ),
        "additionalProperties": lambda: (
            "object instance has properties which are not allowed by the schema: "
            + _quoted(sorted(found.keys() - error.schema.get("properties", {}).keys()))
        ),
        "type": lambda: (
            f"instance type ({_type(found)}) does not match any allowed primitive type "
            f"(allowed: {_quoted([limit] if isinstance(limit, str) else limit)})"
        ),
        "minLength": lambda: (
            f'string "{found}" is too short (length: {len(found)}, required minimum: {limit})'
        ),
        "maxLength": lambda: (
            f'string "{found}" is too long (length: {len(found)}, maximum allowed: {limit})'
        ),
        "enum": lambda: (
            f"instance value ({json.dumps(found)}) not found in enum (possible values: "
            f"{json.dumps(limit, separators=(',', ':'))})"
        ),
        "pattern": lambda: f'ECMA 262 regex "{limit}" does not match input string "{found}"',
        "minimum": lambda: (
            f"numeric instance is lower than the required minimum "
            f"(minimum: {limit}, found: {found})"
        ),
        "maximum": lambda: (
            f"numeric instance is greater than the required maximum "
            f"(maximum: {limit}, found: {found})"
        ),
    }
    return words.get(error.validator, lambda: str(error.message))()


def _quoted(names: Iterable[str]) -> str:
    return json.dumps(list(names), separators=(",", ":"))


def _type(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return "null" if value is None else names.get(type(value), "object")
