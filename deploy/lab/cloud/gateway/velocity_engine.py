"""Velocity 1.7, the language of mapping templates: airspeed parses, this evaluates.

airspeed gives a template Python's truth, Python's text of values and every attribute of a Python
object. Here the rules are Velocity's: https://velocity.apache.org/engine/1.7/user-guide.html.
"""

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, TypeAlias

import airspeed

from deploy.lab.cloud.gateway.java_values import java_text
from deploy.lab.cloud.gateway.velocity_grammar import Element, VelocityError, parsed
from deploy.lab.cloud.gateway.velocity_operators import PRECEDENCE, call, is_true, member, operate

Value: TypeAlias = Any

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
MOST_ITERATIONS = 1_000
AT_LINE_END = re.compile(r"[ \t]*\r?\n")
# airspeed takes a directive that it cannot read for text.
BROKEN = re.compile(r"\{?(?:if|foreach|set|macro|define)\b")
NOT_EVALUATED = frozenset({"IncludeDirective", "ParseDirective", "EvaluateDirective"})


class _Stop(Exception):  # noqa: N818 - the directive of this name, no error
    """#stop was met."""


def run(template: str, variables: Mapping[str, object]) -> str:
    """The text that a template makes.

    >>> run("#set($n = 2)#foreach($i in [1..3])$i#if($foreach.hasNext),#end#end $n $!none $none",
    ...     {})
    '1,2,3 2  $none'

    Raises:
        VelocityError: see there.
    """
    engine = _Engine(variables)
    try:
        engine.block(parsed(template))
    except _Stop:
        pass
    except RecursionError:
        raise VelocityError("the template calls itself without an end") from None
    return "".join(engine.written)


class _Engine:
    """Walks airspeed's tree; every method is called after the element that it evaluates."""

    def __init__(self, variables: Mapping[str, object]) -> None:
        self.variables = dict(variables)
        self.macros: dict[str, Element] = {}
        self.written: list[str] = []
        self._kinds: dict[str, Callable[[Element], Value]] = {
            "Expression": self.expression,
            "Value": lambda value: self.value(_inside(value)),
            "ParenthesizedExpression": lambda inner: self.value(_inside(inner)),
            "FormalReference": self.reference,
            "StringLiteral": lambda literal: literal.value.replace("''", "'"),
            "InterpolatedStringLiteral": self.interpolated,
            "ArrayLiteral": lambda literal: self.listed(literal.values),
            "DictionaryLiteral": self.mapped,
            "UnaryOperatorValue": lambda negated: not is_true(self.value(negated.value)),
        }
        self._directives: dict[str, Callable[[Element], object]] = {
            "Text": lambda text: self.written.append(text.text),
            "FallthroughHashText": self.hash,
            "FormalReference": lambda reference: self.written.append(self.shown(reference)),
            "IfDirective": self.choose,
            "SetDirective": self.assign,
            "ForeachDirective": self.repeat,
            "MacroDefinition": self.remember,
            "DefineDefinition": lambda made: self.variables.update({made.function_name: made}),
            "MacroCall": self.expand,
            "StopDirective": self.stop,
        }

    # ---- directives ----

    def block(self, block: Element, *, after_directive: bool = False) -> None:
        for number, child in enumerate(block.children):
            kind = type(child).__name__
            if kind in NOT_EVALUATED:
                raise VelocityError(f"{child.my_text()!r}: not offered by API Gateway")
            if kind == "Text" and number == 0 and after_directive:
                # Velocity swallows the rest of the line on which a directive ends.
                self.written.append(
                    AT_LINE_END.sub("", child.text, count=1)
                    if AT_LINE_END.match(child.text)
                    else child.text
                )
            elif handler := self._directives.get(kind):
                handler(child)

    def hash(self, text: Element) -> None:
        if BROKEN.match(text.full_text(), text.end):
            raise VelocityError("the template is not valid: a directive is incomplete")
        self.written.append(text.text)

    def remember(self, macro: Element) -> None:
        self.macros.setdefault(macro.function_name.lower(), macro)

    def stop(self, _: object) -> None:
        raise _Stop

    def choose(self, directive: Element) -> None:
        for branch in (directive, *directive.elseifs):
            if is_true(self.value(_inside(branch.condition))):
                self.block(branch.block)
                return
        if isinstance(directive.else_block, airspeed.ElseBlock):
            self.block(directive.else_block.block, after_directive=True)

    def assign(self, directive: Element) -> None:
        value = self.value(directive.value)
        *path, last = directive.terms
        if value is None:
            return  # Velocity 1.7 leaves a variable as it was: directive.set.null.allowed
        if not path:
            self.variables[last] = value
            return
        target = self.variables.get(path[0])
        for name in path[1:]:
            target = member(target, name)
        if isinstance(target, dict):
            target[last] = value

    def repeat(self, directive: Element) -> None:
        items = self.value(directive.value)
        if isinstance(items, dict):
            items = items.values()  # as Velocity iterates over a map
        if not isinstance(items, list | range | type({}.values())):
            return
        outer = dict(self.variables)
        # More are left out without an error: directive.foreach.maxloops.
        turns = list(islice(items, MOST_ITERATIONS))
        for index, item in enumerate(turns):
            more = index + 1 < len(turns)
            self.variables[directive.loop_var_name] = item
            self.variables["velocityCount"] = index + 1
            self.variables["foreach"] = {
                "count": index + 1,
                "index": index,
                "hasNext": more,
                "first": index == 0,
                "last": not more,
                "parent": outer.get("foreach"),
            }
            self.block(directive.block, after_directive=True)
        for name in (directive.loop_var_name, "velocityCount", "foreach"):
            self.variables.pop(name, None)
            if name in outer:
                self.variables[name] = outer[name]

    def expand(self, call: Element) -> None:
        if (macro := self.macros.get(call.macro_name)) is None:
            self.written.append(call.my_text())
            return
        outer = dict(self.variables)
        self.variables.update(
            zip(macro.arg_names, [self.value(argument) for argument in call.args], strict=False)
        )
        self.block(macro.block)
        for name in macro.arg_names:
            self.variables.pop(name, None)
            if name in outer:
                self.variables[name] = outer[name]

    # ---- values ----

    def shown(self, reference: Element) -> str:
        """A reference in the text: without a value it stays as it was written, unless quiet."""
        value = self.value(reference)
        if value is None:
            return "" if reference.silent else str(reference.my_text())
        return java_text(value)

    def value(self, element: Element) -> Value:
        kind = type(element).__name__
        if (evaluate := self._kinds.get(kind)) is not None:
            return evaluate(element)
        return element.calculate(None, None)  # numbers, true, false

    def mapped(self, literal: Element) -> Value:
        return {
            java_text(self.value(key)): self.value(item) for key, item in literal.local_data.items()
        }

    def interpolated(self, literal: Element) -> str:
        inner = _Engine(self.variables)
        inner.macros = self.macros
        inner.block(parsed(literal.value.replace('""', '"')))
        return "".join(inner.written)

    def listed(self, values: Element) -> Value:
        if type(values).__name__ == "Range":
            first, last = (self.value(end) for end in (values.value1, values.value2))
            return range(first, last + 1) if first <= last else range(first, last - 1, -1)
        return [self.value(value) for value in getattr(values, "values", [])]

    def reference(self, reference: Element) -> Value:
        if reference.expression is None:
            return None
        if reference.alternate is not None:
            raise VelocityError(f"{reference.my_text()!r}: a default value is Velocity 2")
        part, rest = reference.expression.part, reference.expression.subexpression
        value = self.variables.get(part.name)
        if isinstance(value, airspeed.DefineDefinition):
            inner = _Engine(self.variables)
            inner.macros = self.macros
            inner.block(value.block)
            value = "".join(inner.written)
        return self._onwards(self._indexed(value, part.index), rest)

    def _onwards(self, value: Value, rest: Element) -> Value:
        while rest is not None:
            if isinstance(rest.expression, airspeed.ArrayIndex):
                value, rest = self._indexed(value, rest.expression), rest.subexpression
                continue
            part, rest = rest.expression.part, rest.expression.subexpression
            if part.parameters is not None:
                arguments = self.listed(part.parameters.values)
                value = call(value, part.name, arguments)
            else:
                value = self._indexed(member(value, part.name), part.index)
        return value

    def _indexed(self, value: Value, index: Element) -> Value:
        if index is None:
            return value
        key = self.value(index.index)
        if isinstance(value, dict):
            return value.get(key)
        if isinstance(value, list) and isinstance(key, int):
            return value[key] if -len(value) <= key < len(value) else None
        return None

    def expression(self, element: Element) -> Value:
        terms = list(element.expression)
        return self._operations(terms, 0)

    def _operations(self, terms: list[Element], weakest: int) -> Value:
        """Precedence climbing; both sides of `&&` and `||` are looked at."""
        left = self.value(terms.pop(0))
        while terms and (strength := PRECEDENCE[_operator(terms[0])]) > weakest:
            operator = _operator(terms.pop(0))
            right = self._operations(terms, strength)
            left = operate(operator, left, right)
        return left


def _inside(element: Element) -> Value:
    """The expression that airspeed keeps inside a bracket, as the owner of its method."""
    kept = getattr(element, "expression", None)
    return kept if kept is not None else element.calculate.__self__


def _operator(term: Element) -> str:
    return str(term.my_text()).strip()
