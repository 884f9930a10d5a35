"""Velocity's operators: truth, comparison and arithmetic as Java's."""

import operator as python
from collections.abc import Callable
from typing import Any, TypeAlias

from deploy.lab.cloud.gateway import java_values
from deploy.lab.cloud.gateway.java_values import Entry, java_text

Value: TypeAlias = Any

PRECEDENCE = {
    **dict.fromkeys(("||", "or"), 1),
    **dict.fromkeys(("&&", "and"), 2),
    **dict.fromkeys(("==", "eq", "!=", "ne"), 3),
    **dict.fromkeys(("<", "lt", "<=", "le", ">", "gt", ">=", "ge"), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/", "%"), 6),
}


def is_true(value: object) -> bool:
    """Velocity 1.7's truth: null and false are not, everything else is, also empty text."""
    return value is not None and value is not False


def operate(operator: str, left: Value, right: Value) -> Value:
    """A binary operator; arithmetic on what is no number gives nothing.

    >>> operate("+", "a", 1), operate("/", 7, 2), operate("<", "a", 1)
    ('a1', 3, None)
    """
    if (compare := OF_ALL.get(operator)) is not None:
        return compare(left, right)
    if operator == "+" and (isinstance(left, str) or isinstance(right, str)):
        return java_text(left) + java_text(right)
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    if operator in {"/", "%"} and right == 0:
        return None
    return OF_NUMBERS[operator](left, right)


def _divided(left: float, right: float) -> float:
    """Integers are cut towards zero, as Java does."""
    if isinstance(left, int) and isinstance(right, int):
        return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return left / right


Operation: TypeAlias = Callable[[Value, Value], Value]

OF_ALL: dict[str, Operation] = {
    **dict.fromkeys(("||", "or"), lambda left, right: is_true(left) or is_true(right)),
    **dict.fromkeys(("&&", "and"), lambda left, right: is_true(left) and is_true(right)),
    **dict.fromkeys(("==", "eq"), java_values.equal),
    **dict.fromkeys(("!=", "ne"), lambda left, right: not java_values.equal(left, right)),
}
OF_NUMBERS: dict[str, Operation] = {
    **dict.fromkeys(("<", "lt"), python.lt),
    **dict.fromkeys(("<=", "le"), python.le),
    **dict.fromkeys((">", "gt"), python.gt),
    **dict.fromkeys((">=", "ge"), python.ge),
    "+": python.add,
    "-": python.sub,
    "*": python.mul,
    "/": _divided,
    "%": lambda left, right: left - right * int(_divided(left, right)),
}


class Thing:
    """A variable with members of its own, such as `$input`; a missing one is nothing."""

    def member(self, name: str) -> object:
        """The value of a property."""
        del self, name
        return None

    def call(self, name: str, arguments: list[Value]) -> object:
        """What a method answers."""
        del self, name, arguments
        return None


def member(value: Value, name: str) -> Value:
    """A property: a map's key, or one of a variable's own."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, Entry):
        return {"key": value.key, "value": value.value}.get(name)
    return value.member(name) if isinstance(value, Thing) else None


def call(value: Value, name: str, arguments: list[Value]) -> Value:
    """A method: a variable's own, or one of Java's."""
    if isinstance(value, Thing):
        return value.call(name, arguments)
    return None if value is None else java_values.call(value, name, arguments)
