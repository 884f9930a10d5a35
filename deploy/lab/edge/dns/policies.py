"""Which records of a group are answered: Route 53's routing policies. Pure but for the dice.

"How Amazon Route 53 chooses records when health checking is configured", 2026-11:
docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
A record without a health check is always healthy; when none is healthy, all are.
"""

from collections.abc import Callable
from random import Random

from deploy.lab.edge.dns.zones import Group, Record

# docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-multivalue.html, 2026-11
MOST_VALUES = 8


def choose(group: Group, is_healthy: Callable[[Record], bool], dice: Random) -> Group:
    """Choose by the policy that the group's first record shows: a group has one policy."""
    first = group[0]
    if first.multivalue:
        return _multivalue(group, is_healthy, dice)
    if first.weight is not None:
        return _weighted(group, is_healthy, dice)
    if first.failover:
        return _failover(group, is_healthy)
    return group


def _multivalue(group: Group, is_healthy: Callable[[Record], bool], dice: Random) -> Group:
    candidates = tuple(filter(is_healthy, group)) or group
    return tuple(dice.sample(candidates, min(MOST_VALUES, len(candidates))))


def _weighted(group: Group, is_healthy: Callable[[Record], bool], dice: Random) -> Group:
    """Choose one, in proportion to the weights of those that are considered.

    Records with a weight of zero are considered only when no other is healthy.
    """
    healthy = tuple(filter(is_healthy, group)) or group
    weights = [record.weight or 0 for record in healthy]
    # All of them zero: each is as probable as any other.
    chosen = dice.choices(healthy, weights) if any(weights) else [dice.choice(healthy)]
    return tuple(chosen)


def _failover(group: Group, is_healthy: Callable[[Record], bool]) -> Group:
    """Choose the primary unless only the secondary is healthy."""
    by_role = sorted(group, key=lambda record: record.failover != "PRIMARY")
    return (next(filter(is_healthy, by_role), by_role[0]),)
