"""Mapping templates of API Gateway: `$input`, `$util`, `$context` and `$stageVariables`.

Pure: a template and what it may see in, text and overrides out. The variables are described at
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.lab.cloud.gateway import json_path, template_functions
from deploy.lab.cloud.gateway.java_values import from_json, json_text
from deploy.lab.cloud.gateway.json_path import JsonPathError
from deploy.lab.cloud.gateway.velocity_engine import run
from deploy.lab.cloud.gateway.velocity_grammar import VelocityError
from deploy.lab.cloud.gateway.velocity_operators import Thing

__all__ = ["BodyError", "Overrides", "Rendered", "Variables", "VelocityError", "render"]

# `$input.params` looks in this order.
PLACES = ("path", "querystring", "header")
# Parts of $context that have parts themselves, whether known or not.
GROUPS = frozenset({"authorizer", "claims", "error", "identity"})


class BodyError(ValueError):
    """A template asked for a part of a body that is not JSON; API Gateway answers 400."""


@dataclass(frozen=True)
class Overrides:
    """What a template set under `$context.requestOverride` or `$context.responseOverride`."""

    header: Mapping[str, Any] = field(default_factory=dict)
    path: Mapping[str, Any] = field(default_factory=dict)
    querystring: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None


@dataclass(frozen=True)
class Rendered:
    """What came of a template."""

    text: str
    request: Overrides = field(default_factory=Overrides)
    response: Overrides = field(default_factory=Overrides)


@dataclass(frozen=True)
class Variables:
    """What a template may see; `parameters` by place: path, querystring, header.

    `before` is what came of the request's template, for that of the response: it may read the
    overrides set there.
    """

    body: str = ""
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    stage_variables: Mapping[str, str] = field(default_factory=dict)
    before: Rendered | None = None


def render(template: str, variables: Variables) -> Rendered:
    """Evaluate a mapping template.

    >>> render('{"name": $input.json("$.n")}', Variables(body='{"n": "Ada"}')).text
    '{"name": "Ada"}'

    Raises:
        VelocityError: the template cannot be evaluated.
        BodyError: it asks for a part of a body that is not JSON.
    """
    context = _Context(variables.context, variables.before)
    try:
        text = run(
            template,
            {
                "input": _Input(variables),
                "util": _Util(),
                "context": context,
                "stageVariables": dict(variables.stage_variables),
            },
        )
    except JsonPathError as error:
        raise VelocityError(str(error)) from error
    return Rendered(text, _overrides(context.request), _overrides(context.response))


class _Input(Thing):
    """`$input`: the payload and the parameters."""

    def __init__(self, variables: Variables) -> None:
        self._body = variables.body
        self._parameters = {place: dict(variables.parameters.get(place, {})) for place in PLACES}

    def member(self, name: str) -> object:
        # An empty body is an empty object, for templates.
        return (self._body or "{}") if name == "body" else None

    def call(self, name: str, arguments: list[Any]) -> object:
        match name, arguments:
            case "path", [str(path)]:
                return self._find(path)
            case "json", [str(path)]:
                return json_text(self._find(path))
            case "params", []:
                return self._parameters
            case "params", [str(key)]:
                return self._parameter(key)
            case _:
                return None

    def _find(self, path: str) -> object:
        """What the path leads to; empty text when nothing is there."""
        try:
            document = from_json(self._body or "{}")
        except ValueError as error:
            raise BodyError(f"Could not parse request body into json: {error}") from error
        found = json_path.find(path, document)
        if json_path.is_definite(path):
            return found[0] if found else ""
        return from_json(json_text(found))

    def _parameter(self, key: str) -> str:
        for place in PLACES:
            known = self._parameters[place]
            if key in known:
                return known[key]
            if place == "header":
                folded = {name.lower(): value for name, value in known.items()}
                return folded.get(key.lower(), "")
        return ""


class _Util(Thing):
    """`$util`."""

    def call(self, name: str, arguments: list[Any]) -> object:
        function = template_functions.FUNCTIONS.get(name)
        if function is None or len(arguments) != 1 or arguments[0] is None:
            return None
        try:
            return function(arguments[0])
        except ValueError as error:
            raise VelocityError(f"$util.{name}: {error}") from error


class _Context(Thing):
    """`$context`: a name that is not known is empty text, at any depth."""

    def __init__(self, known: Mapping[str, Any], before: Rendered | None) -> None:
        self._known = known
        seen = before or Rendered("")
        self.request = _places(seen.request)
        self.response = _Once({"header": _Once(seen.response.header)})
        if seen.response.status is not None:
            dict.__setitem__(self.response, "status", seen.response.status)

    def member(self, name: str) -> object:
        match name:
            case "requestOverride":
                return self.request
            case "responseOverride":
                return self.response
        return _Known(self._known).get(name)


class _Known(dict[str, Any]):
    """A part of `$context`, such as `identity`."""

    def get(self, name: str, default: object = None) -> Any:  # noqa: ANN401 - as dict
        del default
        value = super().get(name)
        if value is None:
            return _Known() if name in GROUPS else ""
        return _Known(value) if isinstance(value, Mapping) else value


class _Once(dict[str, Any]):
    """Overrides are final: AWS answers 5XX to a template that sets one twice.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
    """

    def __init__(self, before: Mapping[str, Any]) -> None:
        super().__init__(before)
        self._set: set[str] = set()

    def __setitem__(self, name: str, value: object) -> None:
        if name in self._set:
            raise VelocityError(f"the override of {name!r} is set twice in one template")
        self._set.add(name)
        super().__setitem__(name, value)


def _places(before: Overrides) -> dict[str, Any]:
    return {
        "header": _Once(before.header),
        "path": _Once(before.path),
        "querystring": _Once(before.querystring),
    }


def _overrides(found: Mapping[str, Any]) -> Overrides:
    status = found.get("status")
    return Overrides(
        header=found.get("header", {}),
        path=found.get("path", {}),
        querystring=found.get("querystring", {}),
        # Anything else is ignored.
        status=status if isinstance(status, int) and 100 <= status <= 599 else None,  # noqa: PLR2004
    )
