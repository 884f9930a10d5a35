"""Rule statements: AWS's JSON compiled to predicates on requests.

What cannot be compiled raises `UnsupportedError`: a statement is never ignored silently.
AWS: Statement in the API reference of AWS WAFV2 (November 2026).
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from deploy.lab.edge.waf import fields, sqli, transformations, xss
from deploy.lab.edge.waf.rates import LOWEST_LIMIT, WINDOWS_S, Rate
from deploy.lab.edge.waf.requests import Evaluation, UnsupportedError, only, size, the_one
from deploy.lab.edge.wanted import Json

Predicate = Callable[[Evaluation], bool]
# Given the settings of a rate-based statement, the counter that goes with them.
Rates = Callable[[Json], Rate]

INSPECTS = {"FieldToMatch", "TextTransformations"}
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "EQ": int.__eq__,
    "NE": int.__ne__,
    "LE": int.__le__,
    "LT": int.__lt__,
    "GE": int.__ge__,
    "GT": int.__gt__,
}


@dataclass(frozen=True)
class Compiler:
    """What statements need besides their own words.

    `namespace` is what labels without colons belong to: the web ACL's own.
    """

    rates: Rates
    namespace: str

    def statement(self, statement: Json) -> Predicate:
        """Compile one statement.

        Raises:
            UnsupportedError: The lab does not do it, or not all of it.
        """
        kind = the_one(statement, "a Statement")
        given: Json = statement[kind]
        compilers: dict[str, Callable[[Json], Predicate]] = {
            "AndStatement": self._and,
            "ByteMatchStatement": _byte_match,
            "LabelMatchStatement": self._label_match,
            "NotStatement": self._not,
            "OrStatement": self._or,
            "RateBasedStatement": self._rate_based,
            "RegexMatchStatement": _regex_match,
            "SizeConstraintStatement": _size_constraint,
            "SqliMatchStatement": _sqli_match,
            "XssMatchStatement": _xss_match,
        }
        if kind not in compilers:
            known = ", ".join(sorted(compilers))
            raise UnsupportedError(f"a {kind}: the lab knows {known} and managed rule groups")
        return compilers[kind](given)

    def _and(self, given: Json) -> Predicate:
        all_of = [self.statement(one) for one in given["Statements"]]
        return lambda evaluation: all(holds(evaluation) for holds in all_of)

    def _or(self, given: Json) -> Predicate:
        any_of = [self.statement(one) for one in given["Statements"]]
        return lambda evaluation: any(holds(evaluation) for holds in any_of)

    def _not(self, given: Json) -> Predicate:
        holds = self.statement(given["Statement"])
        return lambda evaluation: not holds(evaluation)

    def _label_match(self, given: Json) -> Predicate:
        only(given, {"Scope", "Key"}, "a LabelMatchStatement")
        scope, key = given["Scope"], given["Key"]
        if scope not in {"LABEL", "NAMESPACE"}:
            raise UnsupportedError(f"a LabelMatchStatement with the Scope {scope}")
        in_full = key.startswith("awswaf:")
        # Without its prefix, the end of a label of this web ACL's own rules is enough.
        start = "" if in_full else self.namespace

        def holds(evaluation: Evaluation) -> bool:
            return any(
                _is_label(label.removeprefix(start), key, scope, in_full=in_full)
                for label in evaluation.labels
                if label.startswith(start)
            )

        return holds

    def _rate_based(self, given: Json) -> Predicate:
        known = {"Limit", "EvaluationWindowSec", "AggregateKeyType", "ScopeDownStatement"}
        only(given, known, "a RateBasedStatement")
        if int(given["Limit"]) < LOWEST_LIMIT:
            raise UnsupportedError(f"a Limit of {given['Limit']}; {LOWEST_LIMIT} is the lowest")
        if (window := int(given.get("EvaluationWindowSec", 300))) not in WINDOWS_S:
            raise UnsupportedError(f"an EvaluationWindowSec of {window}, not one of {WINDOWS_S}")
        scope = given.get("ScopeDownStatement")
        inside: Predicate = self.statement(scope) if scope else lambda _: True
        rate = self.rates(given)
        match given["AggregateKeyType"]:
            case "IP":
                return lambda evaluation: (
                    inside(evaluation) and rate.count(evaluation.request.client)
                )
            case "CONSTANT" if scope:
                return lambda evaluation: inside(evaluation) and rate.count("everybody")
            case kind:
                raise UnsupportedError(f"a RateBasedStatement with the AggregateKeyType {kind}")


def _is_label(label: str, key: str, scope: str, *, in_full: bool) -> bool:
    if scope == "LABEL":
        return label == key or (not in_full and label.endswith(f":{key}"))
    return label.startswith(key) or (not in_full and f":{key}" in label)


def _looking(given: Json, extra: set[str], kind: str, found: Callable[[str], bool]) -> Predicate:
    """Whether any part of what the statement looks at, transformed, is what it looks for."""
    only(given, INSPECTS | extra, f"a {kind}")
    look = fields.parts(given["FieldToMatch"])
    transform = transformations.chain(given["TextTransformations"])

    def holds(evaluation: Evaluation) -> bool:
        parts = look(evaluation.request)
        if isinstance(parts, bool):
            return parts
        return any(found(transform(part)) for part in parts)

    return holds


def _byte_match(given: Json) -> Predicate:
    searched = base64.b64decode(given["SearchString"]).decode("utf-8", "surrogateescape")
    position = given["PositionalConstraint"]
    word = re.compile(rf"(?<!\w){re.escape(searched)}(?!\w)", re.ASCII)
    tests: dict[str, Callable[[str], bool]] = {
        "EXACTLY": lambda part: part == searched,
        "STARTS_WITH": lambda part: part.startswith(searched),
        "ENDS_WITH": lambda part: part.endswith(searched),
        "CONTAINS": lambda part: searched in part,
        "CONTAINS_WORD": lambda part: word.search(part) is not None,
    }
    if position not in tests:
        raise UnsupportedError(f"the PositionalConstraint {position}")
    known = {"SearchString", "PositionalConstraint"}
    return _looking(given, known, "ByteMatchStatement", tests[position])


def _regex_match(given: Json) -> Predicate:
    pattern = given["RegexString"]
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UnsupportedError(f"the RegexString {pattern!r}: {error}") from error
    return _looking(
        given, {"RegexString"}, "RegexMatchStatement", lambda part: bool(compiled.search(part))
    )


def _size_constraint(given: Json) -> Predicate:
    compare = COMPARE.get(given["ComparisonOperator"])
    if compare is None:
        raise UnsupportedError(f"the ComparisonOperator {given['ComparisonOperator']}")
    limit = int(given["Size"])
    known = {"ComparisonOperator", "Size"}
    return _looking(
        given, known, "SizeConstraintStatement", lambda part: compare(size(part), limit)
    )


def _sqli_match(given: Json) -> Predicate:
    level = given.get("SensitivityLevel", "LOW")
    if level not in {"LOW", "HIGH"}:
        raise UnsupportedError(f"the SensitivityLevel {level}")
    found = partial(sqli.is_injection, sensitive=level == "HIGH")
    return _looking(given, {"SensitivityLevel"}, "SqliMatchStatement", found)


def _xss_match(given: Json) -> Predicate:
    return _looking(given, set(), "XssMatchStatement", xss.is_script)
