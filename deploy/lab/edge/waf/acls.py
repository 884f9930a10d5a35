"""A web ACL: rules in the order of their priority, each with what it does when it matches.

AWS: "Rule actions", "Overriding rule group actions" and "Labels on web requests" in the AWS
WAF developer guide (November 2026).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploy.lab.edge.waf import managed
from deploy.lab.edge.waf.actions import Action, action, default_action
from deploy.lab.edge.waf.requests import (
    Decision,
    Evaluation,
    Request,
    UnsupportedError,
    only,
)
from deploy.lab.edge.waf.statements import Compiler, Predicate, Rates
from deploy.lab.edge.wanted import Json

RULE = {
    "Name",
    "Priority",
    "Action",
    "OverrideAction",
    "RuleLabels",
    "Statement",
    "VisibilityConfig",
}
GROUP = {
    "VendorName",
    "Name",
    "ExcludedRules",
    "RuleActionOverrides",
    "ScopeDownStatement",
}


@dataclass(frozen=True)
class _Rule:
    """One condition and what follows from it."""

    name: str
    matches: Predicate
    action: Action
    labels: tuple[str, ...]

    def evaluate(self, evaluation: Evaluation) -> Decision | None:
        """What the rule decides; None when the next rule has its turn."""
        if not self.matches(evaluation):
            return None
        evaluation.labels.update(self.labels)
        return self.action.take(self.name, evaluation)


@dataclass(frozen=True)
class _Group:
    """A managed rule group; `counts` overrides whatever a rule of it decides."""

    name: str
    within: Predicate
    rules: Sequence[_Rule]
    counts: bool

    def evaluate(self, evaluation: Evaluation) -> Decision | None:
        if not self.within(evaluation):
            return None
        for rule in self.rules:
            if decision := rule.evaluate(evaluation):
                if not self.counts:
                    return decision
                evaluation.counted.append(self.name)
                return None
        return None


@dataclass(frozen=True)
class WebAcl:
    """A compiled web ACL."""

    name: str
    rules: Sequence[_Rule | _Group]
    default: Action

    def decide(self, request: Request) -> Decision:
        """Go through the rules until one of them ends it."""
        evaluation = Evaluation(request)
        for rule in self.rules:
            if decision := rule.evaluate(evaluation):
                return decision
        decision = self.default.take(None, evaluation)
        assert decision  # noqa: S101 - a default action ends it
        return decision


def compiled(document: Json, rates: Rates) -> WebAcl:
    """Compile a web ACL of the state document.

    Raises:
        UnsupportedError: It asks for something that the lab does not do.
        KeyError, TypeError, ValueError: It is no web ACL.
    """
    name = document["name"]
    account = document["arn"].split(":")[4]
    namespace = f"awswaf:{account}:webacl:{name}:"
    bodies: Mapping[str, Json] = document.get("custom_response_bodies") or {}
    compiler = Compiler(rates, namespace)
    rules = sorted(document["rules"], key=lambda rule: int(rule["Priority"]))
    priorities = [int(rule["Priority"]) for rule in rules]
    if len(set(priorities)) < len(priorities):
        raise UnsupportedError(f"two rules with one Priority: {priorities}")
    return WebAcl(
        name,
        [_rule(rule, compiler, bodies) for rule in rules],
        default_action(document["default_action"], bodies),
    )


def _rule(rule: Json, compiler: Compiler, bodies: Mapping[str, Json]) -> _Rule | _Group:
    where = f"the rule {rule['Name']}"
    try:
        only(rule, RULE, "a rule")
        if "ManagedRuleGroupStatement" in rule["Statement"]:
            return _group(rule, compiler, bodies)
        only(rule, RULE - {"OverrideAction"}, "a rule that refers to no rule group,")
        return _Rule(
            rule["Name"],
            compiler.statement(rule["Statement"]),
            action(rule["Action"], bodies),
            _labels(rule.get("RuleLabels") or (), compiler.namespace),
        )
    except UnsupportedError as error:
        raise UnsupportedError(f"{where}: {error}") from error
    except KeyError as error:
        raise UnsupportedError(f"{where}: it lacks {error}") from error


def _labels(given: Iterable[Json], namespace: str) -> tuple[str, ...]:
    return tuple(namespace + label["Name"] for label in given)


def _group(rule: Json, compiler: Compiler, bodies: Mapping[str, Json]) -> _Group:
    given: Json = rule["Statement"]["ManagedRuleGroupStatement"]
    only(given, GROUP, "a ManagedRuleGroupStatement")
    if "Action" in rule:
        raise UnsupportedError("an Action on a rule group; it takes an OverrideAction")
    override = dict(rule.get("OverrideAction") or {})
    if set(override) not in ({"None"}, {"Count"}):
        raise UnsupportedError(f"the OverrideAction {sorted(override)}; it is None or Count")
    members = managed.group(str(given["VendorName"]), str(given["Name"]))
    overrides = {
        one["Name"]: action(one["ActionToUse"], bodies)
        for one in given.get("RuleActionOverrides") or ()
    } | {one["Name"]: action({"Count": {}}, bodies) for one in given.get("ExcludedRules") or ()}
    names = [member.name for member in members]
    if missing := sorted(overrides.keys() - set(names)):
        raise UnsupportedError(
            f"{given['Name']} has no rule {missing[0]} here; it has {', '.join(names)}"
        )
    blocks = action({"Block": {}}, bodies)
    scope = given.get("ScopeDownStatement")
    return _Group(
        rule["Name"],
        compiler.statement(scope) if scope else lambda _: True,
        [
            _Rule(member.name, member.matches, overrides.get(member.name, blocks), (member.label,))
            for member in members
        ],
        counts="Count" in override,
    )
