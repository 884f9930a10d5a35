"""The one OpenAPI document: the service's own, and around it what gateways and balancers add."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import yaml

import loadtest
from app.api import create_app
from app.identity import Identity

if TYPE_CHECKING:
    from app.queue import MessageQueue

Json: TypeAlias = dict[str, Any]

HERE = Path(loadtest.__file__).parent
PATH = HERE / "openapi.json"
AROUND = HERE / "openapi_around.yaml"

# A document promises the API, whatever code serves it.
VERSION = "1"
OBJECT = "object"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")

_SCHEMES = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_REQUEST_ID = {
    "description": "Finds the request in the logs; the caller's own if there was one. "
    "Answers that are a balancer's own page do not have it.",
    "schema": {"type": "string"},
}


def openapi() -> str:
    """The document as text."""
    around = yaml.safe_load(AROUND.read_text(encoding="utf-8"))
    return json.dumps(together(own(), around), indent=2, ensure_ascii=False) + "\n"


def own() -> Json:
    """The service's own document."""
    # Nobody asks the queue anything while routes are described.
    nothing = cast("MessageQueue", None)
    return create_app(nothing, Identity("any", VERSION, "instance", "any")).openapi()


def together(service: Json, around: Mapping[str, Any]) -> Json:
    """Put both together: own routes, routes beside them, and what any route may be answered."""
    document = copy.deepcopy(service)
    paths: Json = document["paths"]
    service_paths = copy.deepcopy(paths)
    for path, item in around["paths"].items():
        paths[path] = {
            name: _operation(told, service_paths, name) if name in METHODS else told
            for name, told in item.items()
        }
    for prefix, description in around["under"].items():
        for path, item in service_paths.items():
            paths[prefix + path] = {
                method: operation | {"description": description}
                for method, operation in copy.deepcopy(item).items()
            }
    for path, item in paths.items():
        for method in METHODS & item.keys():
            _finish(item[method], path, method, around["everywhere"])
    components = document["components"]
    components["responses"] = {
        _name(status): _with_id(_response(told)) for status, told in around["everywhere"].items()
    }
    components["securitySchemes"] = _SCHEMES
    components["headers"] = {"RequestId": _REQUEST_ID}
    return document


def _operation(told: Json, service_paths: Json, method: str) -> Json:
    told = copy.deepcopy(told)
    made: Json = copy.deepcopy(service_paths[told.pop("like")][method]) if "like" in told else {}
    responses = {status: _response(r) for status, r in told.pop("responses", {}).items()}
    made["responses"] = made.get("responses", {}) | responses
    if body := told.pop("requestBody", None):
        made["requestBody"] = {"required": True, "content": _request(body)}
    if schemes := told.pop("security", None):
        made["security"] = [{name: []} for name in schemes]
    return made | told


def _finish(operation: Json, path: str, method: str, everywhere: Mapping[str, Json]) -> None:
    """Add what any route may be answered with; name the operation unlike any other."""
    responses = operation["responses"]
    for status, response in responses.items():
        if status in everywhere:
            # What the service says of this status itself says more.
            more = _response(everywhere[status])["content"] | response.get("content", {})
            response["content"] = more
        responses[status] = _with_id(response)
    # Where every other answer is described already, it is.
    for status in () if "default" in responses else everywhere.keys() - responses.keys():
        responses[status] = {"$ref": f"#/components/responses/{_name(status)}"}
    operation["responses"] = dict(sorted(responses.items()))
    words = path.translate(str.maketrans("/{}.", "____")).strip("_")
    operation["operationId"] = f"{method}_{words}"


def _name(status: str) -> str:
    return f"Any{status}"  # as loadtest.openapi expects it


def _with_id(response: Json) -> Json:
    if "application/json" not in response.get("content", {}):
        return response
    named = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    return response | {"headers": response.get("headers", {}) | named}


def _request(told: Json) -> Json:
    if told.get("binary"):
        return {"*/*": {"schema": {}}}
    schema = told["schema"]
    return {"application/json": {"schema": {"type": schema} if schema == OBJECT else _ref(schema)}}


def _response(told: Json) -> Json:
    """Write out the short names of what an answer may hold."""
    content: Json = {}
    for name in told["content"]:
        match name:
            case "html":
                content["text/html"] = {"schema": {"type": "string"}}
            case "error":
                content["application/json"] = {"schema": _ref("ErrorAnswer")}
            case "object":
                content["application/json"] = {"schema": {"type": OBJECT}}
            case "any":
                content["*/*"] = {"schema": {}}
            case schema:
                content["application/json"] = {"schema": _ref(schema)}
    return {"description": told["description"]} | ({"content": content} if content else {})


def _ref(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}
