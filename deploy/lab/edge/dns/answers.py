"""What Route 53 answers: a pure function of question, zones, health and dice.

Nothing here knows the wire: names are canonical text, values are as they stand in records.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias

from deploy.lab.edge.dns.policies import choose
from deploy.lab.edge.dns.zones import Group, HostedZone, Record, canonical

# An alias to a load balancer has the load balancer's TTL, which nobody can change. Route 53's
# FAQs call it fixed, at 60 seconds: aws.amazon.com/route53/faqs, 2026-11
ALIAS_TTL_S = 60
# Links of a chain of aliases or CNAMEs that are followed; a longer one is a ring.
MOST_LINKS = 8

Status: TypeAlias = Literal["NOERROR", "NXDOMAIN", "REFUSED"]


@dataclass(frozen=True)
class Question:
    """A canonical name and a type."""

    name: str
    type: str


@dataclass(frozen=True)
class Entry:
    """One line of an answer."""

    name: str
    type: str
    ttl_s: int
    value: str


@dataclass(frozen=True)
class Answer:
    """The sections of a response that depend on the zones."""

    status: Status
    answers: tuple[Entry, ...] = ()
    authority: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class LoadBalancer:
    """What an alias to a load balancer leads to."""

    address: str
    healthy: bool


@dataclass(frozen=True)
class Known:
    """All that answers depend on, but for chance."""

    zones: tuple[HostedZone, ...] = ()
    # Health checks that fail, by id. A check of which nothing is known counts as passing.
    failing: frozenset[str] = frozenset()
    load_balancers: Mapping[str, LoadBalancer] = field(default_factory=dict)


def answer(question: Question, known: Known, dice: Random) -> Answer:
    """Answer a question from the zone that its name belongs to."""
    covering = [zone for zone in known.zones if zone.covers(question.name)]
    if not covering:
        return Answer("REFUSED")
    # The longest name is the zone that is closest; of two of the same name, the first.
    zone = max(covering, key=lambda zone: len(zone.name))
    return _Answering(zone, known, dice).answer(question)


@dataclass(frozen=True)
class _Answering:
    """One question being answered from one zone."""

    zone: HostedZone
    known: Known
    dice: Random

    def answer(self, question: Question) -> Answer:
        answers = tuple(self._follow(question.name, question.type))
        last = _last_name(question, answers)
        if self.zone.covers(last) and (not answers or answers[-1].name != last):
            # Nothing at the end of the chain: no such name, or nothing of that type (RFC 2308).
            status: Status = "NXDOMAIN" if self.zone.at(last) is None else "NOERROR"
            return Answer(status, answers, self._apex("SOA"))
        # docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSBehavior.html, 2026-11:
        # successful answers carry the zone's name servers, NXDOMAIN the SOA.
        asks_for_them = question == Question(self.zone.name, "NS")
        return Answer("NOERROR", answers, () if asks_for_them else self._apex("NS"))

    def _follow(self, name: str, type_: str) -> Iterator[Entry]:
        """Answer a name; through CNAMEs as long as they stay in the zone (RFC 1034, 4.3.2)."""
        for _ in range(MOST_LINKS):
            types = self.zone.at(name) or {}
            found = next(iter(types), type_) if type_ == "ANY" else type_
            if found in types:
                yield from self._entries(name, types[found])
                return
            if "CNAME" not in types:
                return
            link = next(self._entries(name, types["CNAME"]), None)
            if link is None:
                return
            yield link
            name = canonical(link.value)
            if not self.zone.covers(name):
                return

    def _entries(self, name: str, group: Group) -> Iterator[Entry]:
        """Choose among a group's records; all that is answered of a name has one TTL."""
        values = list(self._values(group, MOST_LINKS))
        ttl_s = min((ttl_s for ttl_s, _ in values), default=0)
        return (Entry(name, group[0].type, ttl_s, value) for _, value in values)

    def _values(self, group: Group, links: int) -> Iterator[tuple[int, str]]:
        """Values with their TTLs, through aliases, each record's in random order."""
        for record in choose(group, self._is_healthy, self.dice):
            if record.alias is None:
                for value in self.dice.sample(record.values, len(record.values)):
                    yield record.ttl_s, value
            elif balancer := self._load_balancer(record):
                if record.type == "A":
                    yield ALIAS_TTL_S, balancer.address
            elif links and (target := self._target(record)):
                yield from self._values(target, links - 1)

    def _is_healthy(self, record: Record, links: int = MOST_LINKS) -> bool:
        if record.health_check_id in self.known.failing:
            return False
        if not (record.alias and record.alias.evaluate_target_health):
            return True
        if balancer := self._load_balancer(record):
            return balancer.healthy
        # An alias is healthy while one of the records that it leads to is.
        return links > 0 and any(
            self._is_healthy(each, links - 1) for each in self._target(record) or ()
        )

    def _load_balancer(self, record: Record) -> LoadBalancer | None:
        # The console writes "dualstack." before the name of a load balancer.
        name = record.alias.dns_name.removeprefix("dualstack.") if record.alias else ""
        return self.known.load_balancers.get(name)

    def _target(self, record: Record) -> Group | None:
        """Find what an alias within the zone leads to; it must have the same type."""
        if not record.alias or not self.zone.covers(record.alias.dns_name):
            return None
        return (self.zone.at(record.alias.dns_name) or {}).get(record.type)

    def _apex(self, type_: str) -> tuple[Entry, ...]:
        return tuple(self._follow(self.zone.name, type_))


def _last_name(question: Question, answers: tuple[Entry, ...]) -> str:
    """The name on which a chain of CNAMEs ends: the response's status is its status (RFC 6604)."""
    if not answers:
        return question.name
    last = answers[-1]
    leads_on = last.type == "CNAME" and question.type not in {"CNAME", "ANY"}
    return canonical(last.value) if leads_on else last.name
