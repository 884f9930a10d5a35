"""Requests per second of CPU: the service next to a ceiling and next to the tutorials' way.

CPU time rather than wall time, so that whatever else the machine does matters less.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from tests.bench.generator import load
from tests.bench.measure import Measure
from tests.bench.processes import Server, cores, server, stub_sqs

LATENCY_MS = 2
CONNECTIONS = 64

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "service": ("-m", "app.entrypoints.web"),
    "validating": ("-m", "tests.bench.rivals", "validating"),
    "threadpool": ("-m", "tests.bench.rivals", "threadpool"),
}


def throughput(*, rounds: int, seconds: float, tell: Callable[[str], None]) -> list[Measure]:
    """Load the three in turns, each for `seconds` a round."""
    server_core, other_core = cores()
    os.sched_setaffinity(0, {other_core})
    rates: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with ExitStack() as stack:
        endpoint = stack.enter_context(stub_sqs(latency_ms=LATENCY_MS, core=other_core))
        servers = {
            name: stack.enter_context(server(command, endpoint, server_core))
            for name, command in COMMANDS.items()
        }
        for each in servers.values():
            _rate(each, seconds=0.5)  # connections, caches, allocator
        for number in range(1, rounds + 1):
            tell(f"sending: round {number} of {rounds}")
            for name, each in servers.items():
                rates[name].append(_rate(each, seconds=seconds))

    def next_to(rival: str) -> list[tuple[float, float]]:
        return list(zip(rates["service"], rates[rival], strict=True))

    unit = "requests per CPU second"
    return [
        Measure("sending / only validating", next_to("validating"), goal=0.5, unit=unit),
        Measure("sending / threadpool + send_message", next_to("threadpool"), goal=4, unit=unit),
    ]


def _rate(target: Server, *, seconds: float) -> float:
    before_s = target.cpu_s()
    tally = asyncio.run(load(target.port, seconds=seconds, connections=CONNECTIONS))
    if tally.failed:
        raise RuntimeError(f"{tally.failed} of {tally.accepted + tally.failed} requests failed")
    return tally.accepted / (target.cpu_s() - before_s)
