"""A hosted zone to ask, and the asking."""

from random import Random

from deploy.lab.edge.dns.answers import Answer, Known, LoadBalancer, Question, answer
from deploy.lab.edge.dns.zones import Alias, HostedZone, Record

NAME = "app.lab.test."
BALANCER = "127.9.40.1."


def dice() -> Random:
    """Chance that repeats itself."""
    return Random(53)  # noqa: S311 - nothing secret


def zone(*records: Record, name: str = "lab.test.") -> HostedZone:
    return HostedZone("Z1", name, records)


def a(value: str, name: str = NAME, **more: object) -> Record:
    """One A record with a TTL of ten seconds."""
    return Record(name, "A", 10, (value,), **more)  # type: ignore[arg-type]


def alias(to: str, name: str = NAME, *, evaluate: bool = True, **more: object) -> Record:
    return Record(name, "A", alias=Alias(to, evaluate), **more)  # type: ignore[arg-type]


def multivalue(*values: str) -> list[Record]:
    """A record and a health check of the same name for each."""
    return [a(value, multivalue=True, set_id=value, health_check_id=value) for value in values]


def weighted(**weights: int) -> list[Record]:
    return [
        a(value, weight=weight, set_id=value, health_check_id=value)
        for value, weight in weights.items()
    ]


class Asked:
    """What is known, asked again and again with one set of dice."""

    def __init__(
        self, *records: Record, failing: tuple[str, ...] = (), balancer_healthy: bool = True
    ) -> None:
        balancers = {BALANCER: LoadBalancer("127.9.40.1", balancer_healthy)}
        self.known = Known((zone(*records),), frozenset(failing), balancers)
        self.dice = dice()

    def answer(self, name: str = NAME, type_: str = "A") -> Answer:
        return answer(Question(name, type_), self.known, self.dice)

    def values(self, name: str = NAME, type_: str = "A") -> list[str]:
        return [entry.value for entry in self.answer(name, type_).answers]

    def one(self) -> str:
        [value] = self.values()
        return value
