"""What is sent: each scenario turns the number of a request into the request. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# Message attribute by which a comparison finds its own messages in the queue.
RUN_ATTRIBUTE = "nineways-run"
IDEMPOTENCY_KEY = "idempotency-key"
REQUEST_ID = "request-id"


@dataclass(frozen=True)
class Request:
    """One request, and the status that answers it well."""

    method: str
    path: str
    expect: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Leg:
    """The part of a run that one generator offers: one target in one round."""

    run: str
    target: str
    round: int

    def key(self, n: int) -> str:
        """The idempotency key of the n-th request: unlike any other's."""
        return f"{key_prefix(self.run, self.target)}{self.round}/{n}"


def key_prefix(run: str, target: str) -> str:
    """How the idempotency keys of everything sent to a target in a run begin."""
    return f"{run}/{target}/"


def send(leg: Leg, n: int) -> Request:
    """Put an order of about 200 bytes into the queue."""
    order = {
        "order": n,
        "customer": f"c-{n % 1000:04}",
        "lines": [{"article": "tea", "pieces": 2}, {"article": "cup", "pieces": 1}],
        "note": "ring twice, the bell is shy",
    }
    message = {"body": json.dumps(order), "attributes": {RUN_ATTRIBUTE: leg.run}}
    return Request(
        "POST",
        "/messages",
        expect=202,
        body=json.dumps(message),
        headers={"Content-Type": "application/json", IDEMPOTENCY_KEY: leg.key(n)},
    )


def whoami(_leg: Leg, _n: int) -> Request:
    """Ask who answers: the variant's own overhead, without the queue."""
    return Request("GET", "/whoami", expect=200)


def mixed(leg: Leg, n: int) -> Request:
    """Four messages, then one question."""
    return whoami(leg, n) if n % 5 == 4 else send(leg, n)  # noqa: PLR2004 - four, then one


def work(leg: Leg, n: int) -> Request:
    """Ten requests that compute for 10 ms, then one question: what makes a processor busy.

    Eleven is prime: questions in step with a balancer's turns would meet some targets only.
    """
    return whoami(leg, n) if n % 11 == 10 else Request("GET", "/work?ms=10", expect=200)  # noqa: PLR2004 - ten, then one


Scenario = Callable[[Leg, int], Request]

SCENARIOS: dict[str, Scenario] = {"send": send, "whoami": whoami, "mixed": mixed, "work": work}

# What a variant must promise to be sent a scenario: checks of the contract. All can be sent `send`.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "send": (),
    "whoami": ("identity",),
    "mixed": ("identity",),
    "work": ("work", "identity"),
}


def lacking(scenario: str, not_promised: Mapping[str, str]) -> str:
    """Why a variant cannot be sent a scenario; empty when it can."""
    return next((not_promised[name] for name in NEEDS[scenario] if name in not_promised), "")
