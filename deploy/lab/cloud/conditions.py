"""Conditions of a template that take a parameter apart: `Fn::Split`, which MiniStack leaves as is.

Only inside a condition: elsewhere it splits as it should.
"""

from collections.abc import Mapping
from typing import Any

from deploy.lab.cloud.border import Internals, Json

NAME = "_evaluate_conditions"
ENGINE = Internals("services.cloudformation.engine", NAME)
# Each has taken the function over by its name.
CALLERS = (
    ENGINE,
    Internals("services.cloudformation.changesets", NAME),
    Internals("services.cloudformation.handlers", NAME),
    Internals("services.cloudformation.stacks", NAME),
)


def install() -> None:
    """Split before the stock function looks."""
    stock = ENGINE.evaluate_conditions

    def evaluate(template: Json, parameters: Mapping[str, Json]) -> dict[str, bool]:
        conditions = with_splits(template.get("Conditions") or {}, parameters)
        found: dict[str, bool] = stock({**template, "Conditions": conditions}, parameters)
        return found

    for caller in CALLERS:
        caller.replace("evaluate_conditions", evaluate)


def with_splits(value: Any, parameters: Mapping[str, Json]) -> Any:  # noqa: ANN401 - a part of a template
    """The same with every split of a text or parameter done.

    >>> with_splits({"Fn::Split": [":", {"Ref": "Url"}]}, {"Url": {"Value": "http://x"}})
    ['http', '//x']
    """
    match value:
        case {"Fn::Split": [str(by), source]}:
            return _text(source, parameters).split(by)
        case dict():
            return {key: with_splits(part, parameters) for key, part in value.items()}
        case list():
            return [with_splits(part, parameters) for part in value]
        case _:
            return value


def _text(source: object, parameters: Mapping[str, Json]) -> str:
    match source:
        case {"Ref": str(name)}:
            return str(parameters[name]["Value"]) if name in parameters else name
        case _:
            return str(source)
