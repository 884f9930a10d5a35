"""Where ECS puts a task on EC2: room for CPU, memory and host ports, then the service's strategies.

Pure: what is there goes in, an instance and its ports come out.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

# From here on the agent hands out host ports for a HostPort of 0: "PortMapping", API reference,
# and the end of Linux's default range. Read 2026-11.
FIRST_DYNAMIC_PORT, LAST_DYNAMIC_PORT = 32768, 60999
# "Amazon ECS task placement strategies", developer guide, 2026-11: what a service has without any.
DEFAULT_STRATEGIES = (("spread", "attribute:ecs.availability-zone"),)


@dataclass(frozen=True)
class Need:
    """What a task needs; a host port of 0 is any."""

    cpu_units: int
    memory_mib: int
    # Host port by container port.
    ports: Mapping[int, int]


@dataclass(frozen=True)
class Room:
    """What an instance has left."""

    instance_id: str
    zone: str
    cpu_units: int
    memory_mib: int
    taken_ports: frozenset[int]
    # How many tasks of the same service are on it.
    siblings: int

    def fits(self, need: Need) -> bool:
        """Whether the task could run here.

        >>> Room("i-1", "a", 1024, 914, frozenset({80}), 0).fits(Need(256, 512, {8000: 80}))
        False
        """
        fixed = {port for port in need.ports.values() if port}
        return (
            self.cpu_units >= need.cpu_units
            and self.memory_mib >= need.memory_mib
            and not fixed & self.taken_ports
        )


def choose(
    rooms: Sequence[Room], need: Need, strategies: Sequence[tuple[str, str]] = ()
) -> Room | None:
    """The instance that a task goes to, or none when no one has room.

    >>> empty = Room("i-1", "a", 1024, 914, frozenset(), 0)
    >>> fuller = Room("i-2", "a", 512, 614, frozenset(), 1)
    >>> chosen = choose([empty, fuller], Need(256, 300, {}), [("binpack", "memory")])
    >>> chosen.instance_id if chosen else None
    'i-2'
    >>> chosen = choose([empty, fuller], Need(256, 300, {}), [("spread", "instanceId")])
    >>> chosen.instance_id if chosen else None
    'i-1'
    """
    in_zone: dict[str, int] = {}
    for room in rooms:
        in_zone[room.zone] = in_zone.get(room.zone, 0) + room.siblings
    ranks: list[Callable[[Room], int]] = []
    for kind, field in strategies or DEFAULT_STRATEGIES:
        if kind == "binpack":
            ranks.append(_left_of(field))
        elif kind == "spread" and "zone" in field:
            ranks.append(lambda room: in_zone[room.zone])
        elif kind == "spread":
            ranks.append(lambda room: room.siblings)
    fitting = [room for room in rooms if room.fits(need)]
    return min(fitting, key=lambda room: [rank(room) for rank in ranks], default=None)


def host_ports(need: Need, taken: Collection[int]) -> dict[int, int]:
    """The host port of each container port.

    >>> host_ports(Need(0, 0, {8000: 0, 9000: 0, 80: 80}), taken={32768})
    {8000: 32769, 9000: 32770, 80: 80}
    """
    free = iter(p for p in range(FIRST_DYNAMIC_PORT, LAST_DYNAMIC_PORT + 1) if p not in taken)
    return {inside: outside or next(free) for inside, outside in need.ports.items()}


def _left_of(field: str) -> Callable[[Room], int]:
    return lambda room: room.cpu_units if field.lower() == "cpu" else room.memory_mib
