"""What a web ACL costs a request: `python -m tests.contract.edge.waf_measure`.

Two load balancers lead to one target; one has a web ACL with all managed rule groups. Requests
alternate between them over connections that are kept, so that whatever else the machine does
falls on both alike. Figures are of this machine, at this moment; nothing asserts them.
"""

import statistics
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

from deploy.lab.edge.waf.managed import GROUPS
from tests.contract.edge.edge_lab import Alb, EdgeLab, ask, edge_lab, soon
from tests.contract.edge.waf_protect import AGENT, managed, protect

PAIRS = 2000
WARM_UP = 200
JSON = {"Content-Type": "application/json"}
REQUESTS: dict[str, tuple[str, str, bytes | None]] = {
    "GET, no body": ("GET", "/whoami?copy=1", None),
    "POST, 30 bytes of JSON": ("POST", "/messages", b'{"text": "hello, O\'Brien"}    '),
    "POST, 8 KB of JSON": ("POST", "/messages", b'{"text": "' + b"it is text " * 740 + b'"}'),
}


def main() -> None:
    """Print a line for each kind of request."""
    with tempfile.TemporaryDirectory() as folder, edge_lab(Path(folder)) as lab:
        without, guarded = balancers(lab)
        for name, request in REQUESTS.items():
            say(name, *pairs(without, guarded, request))


def balancers(lab: EdgeLab) -> tuple[Alb, Alb]:
    target = lab.backend("one")
    without, guarded = lab.alb(target), lab.alb(target)
    for alb in (without, guarded):
        alb.wait_until("healthy", target)
    protect(guarded, *(managed(name, at) for at, name in enumerate(GROUPS)))
    soon.until(lambda: ask(without.place)[0].status == 200, what="the target", timeout_s=10)
    return without, guarded


def pairs(
    without: Alb, guarded: Alb, request: tuple[str, str, bytes | None]
) -> tuple[list[float], list[float]]:
    """Milliseconds without and with a web ACL, pair by pair, each first in every second pair."""
    connections = [HTTPConnection(*alb.place, timeout=10) for alb in (without, guarded)]
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM_UP + PAIRS):
        for which in (0, 1) if number % 2 else (1, 0):
            spent_ms = timed(connections[which], request)
            if number >= WARM_UP:
                taken[which].append(spent_ms)
    for connection in connections:
        connection.close()
    return taken


def timed(connection: HTTPConnection, request: tuple[str, str, bytes | None]) -> float:
    method, path, body = request
    start_s = time.perf_counter()
    connection.request(method, path, body=body, headers=AGENT | JSON)
    response = connection.getresponse()
    response.read()
    spent_ms = (time.perf_counter() - start_s) * 1000
    assert response.status == 200, (method, path, response.status)
    return spent_ms


def say(name: str, without: list[float], guarded: list[float]) -> None:
    plain, asked = statistics.median(without), statistics.median(guarded)
    more = statistics.quantiles(
        [b - a for a, b in zip(without, guarded, strict=True)], n=20, method="inclusive"
    )
    print(  # noqa: T201 - this is a command
        f"{name:24} without {plain:6.2f} ms, with {asked:6.2f} ms, ratio {asked / plain:4.2f}; "
        f"pair by pair {statistics.median(more):5.2f} ms more "
        f"({more[0]:.2f} to {more[-1]:.2f}, n={len(without)})"
    )


if __name__ == "__main__":
    main()
