"""Hosted zones as the emulator wants them answered: frozen values, indexed by name and type."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from deploy.lab.edge.wanted import Json

# Every hosted zone has both from its creation, with these times. The emulator's own records
# take precedence over these:
# docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html, 2026-11
SOA_TTL_S = 900
NS_TTL_S = 172_800
# The one name server of a lab: .test is nobody's domain (RFC 6761).
NAME_SERVER = "ns.nineways.test."
SOA_VALUE = f"{NAME_SERVER} hostmaster.nineways.test. 1 7200 900 1209600 86400"


@dataclass(frozen=True)
class Alias:
    """A pointer that Route 53 follows itself: to a load balancer, or a record of the zone."""

    dns_name: str
    evaluate_target_health: bool


@dataclass(frozen=True)
class Record:
    """A resource record set. Weight, failover and multivalue say by which policy it is chosen."""

    name: str
    type: str
    ttl_s: int = 0
    values: tuple[str, ...] = ()
    set_id: str | None = None
    multivalue: bool = False
    weight: int | None = None
    failover: Literal["PRIMARY", "SECONDARY"] | None = None
    health_check_id: str | None = None
    alias: Alias | None = None


# All records of one name and type: Route 53 chooses among them.
Group: TypeAlias = tuple[Record, ...]


@dataclass(frozen=True)
class HostedZone:
    """A zone and all its records."""

    id: str
    name: str
    records: tuple[Record, ...] = ()

    def covers(self, name: str) -> bool:
        """Whether a name is the zone's own or below it."""
        return name == self.name or name.endswith(f".{self.name}")

    def at(self, name: str) -> Mapping[str, Group] | None:
        """Everything of a name in the zone, by type; None when the name does not exist.

        A wildcard stands for names that do not exist, at any depth below it (RFC 4592); a name
        that only has names below it exists and has nothing (RFC 8020).
        """
        if name in self._nodes:
            return self._groups.get(name, {})
        encloser = parent(name)
        while encloser not in self._nodes:
            encloser = parent(encloser)
        return self._groups.get(f"*.{encloser}")

    @cached_property
    def _groups(self) -> Mapping[str, Mapping[str, Group]]:
        groups: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
        for record in (*self.records, *self._missing()):
            groups[record.name][record.type].append(record)
        return {
            name: {type_: tuple(group) for type_, group in types.items()}
            for name, types in groups.items()
        }

    @cached_property
    def _nodes(self) -> frozenset[str]:
        """Every name that exists: those of records, and all between them and the zone."""
        nodes = {self.name}
        for name in self._groups:
            while name not in nodes:
                nodes.add(name)
                name = parent(name)  # noqa: PLW2901 - walks up from each
        return frozenset(nodes)

    def _missing(self) -> tuple[Record, ...]:
        """SOA and NS, when the emulator does not list them."""
        own = {
            "SOA": Record(self.name, "SOA", SOA_TTL_S, (SOA_VALUE,)),
            "NS": Record(self.name, "NS", NS_TTL_S, (NAME_SERVER,)),
        }
        listed = {record.type for record in self.records if record.name == self.name}
        return tuple(record for type_, record in own.items() if type_ not in listed)


def parent(name: str) -> str:
    """Take away the leftmost label.

    >>> parent("app.lab.test.")
    'lab.test.'
    """
    return name.partition(".")[2]


def canonical(name: str) -> str:
    r"""Write a name as the zones' index has it: lower case, absolute, the wildcard as an asterisk.

    Route 53's API writes special characters as octal codes.

    >>> canonical(r"\052.Lab.test")
    '*.lab.test.'
    """
    return name.lower().replace(r"\052", "*").rstrip(".") + "."


def hosted_zones(document: Json) -> tuple[HostedZone, ...]:
    """Read the hosted zones of the state document; none when it has no such key.

    Raises:
        KeyError, TypeError, ValueError: It is not what the emulator promised.
    """
    return tuple(_zone(zone) for zone in document.get("hosted_zones", ()))


def _zone(document: Json) -> HostedZone:
    zone = HostedZone(
        id=document["id"],
        name=canonical(document["name"]),
        records=tuple(_record(record) for record in document["records"]),
    )
    for record in zone.records:
        if not zone.covers(record.name):
            raise ValueError(f"{record.name} is not a name of the hosted zone {zone.name}")
    return zone


def _record(document: Json) -> Record:
    alias = document.get("alias")
    weight = document.get("weight")
    return Record(
        name=canonical(document["name"]),
        type=document["type"],
        ttl_s=int(document.get("ttl_s") or 0),
        values=tuple(document.get("values") or ()),
        set_id=document.get("set_id"),
        multivalue=bool(document.get("multivalue")),
        weight=None if weight is None else int(weight),
        failover=document.get("failover"),
        health_check_id=document.get("health_check_id"),
        alias=alias and Alias(canonical(alias["dns_name"]), bool(alias["evaluate_target_health"])),
    )
