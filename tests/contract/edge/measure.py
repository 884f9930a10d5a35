"""What the edge costs and how fast it is: `python -m tests.contract.edge.measure`.

Figures are of this machine, at this moment; nothing asserts them.
"""

import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.lab.addresses import HTTP_PORT, Addresses
from deploy.lab.edge.envoy import envoy_command, write_bootstrap
from tests.contract.edge.edge_lab import EdgeLab, ask, edge_lab, listens, running, soon
from tests.contract.edge.load import Load, steady

RUNS = 5


def main() -> None:
    """Measure one thing after the other and print a line for each."""
    with tempfile.TemporaryDirectory() as folder:
        envoy_start(Path(folder))
    with tempfile.TemporaryDirectory() as folder, edge_lab(Path(folder), speed=1e6) as lab:
        say("Envoy, resident MB", [memory_mb(lab.envoy.pid)])
        say("edge, resident MB", [memory_mb(lab.edge.pid)])
        way_there(lab)
        drain(lab)
        kill(lab)
        move_address(lab)
        say("Envoy at the end, resident MB", [memory_mb(lab.envoy.pid)])


def say(what: str, values: list[float]) -> None:
    low, high = min(values), max(values)
    line = f"{statistics.median(values):8.1f}  ({low:.1f} to {high:.1f}, n={len(values)})"
    print(f"{what:58}{line}")  # noqa: T201 - this is a command


def memory_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def envoy_start(folder: Path) -> None:
    addresses = Addresses(251)
    times = []
    for _ in range(RUNS):
        write_bootstrap(folder, addresses)
        start_s = time.monotonic()
        with running(envoy_command(folder), folder / "envoy.log"):
            soon.until(
                lambda: (
                    listens(*addresses.envoy_admin)
                    and ask(addresses.envoy_admin, "/ready")[0].status == 200
                ),
                what="Envoy",
                timeout_s=10,
            )
            times.append((time.monotonic() - start_s) * 1000)
    say("Envoy, start to ready, ms", times)


def way_there(lab: EdgeLab) -> None:
    """Latency of a small answer, each on its own connection: straight, by Envoy, by address."""
    instance = lab.backend("one", instance=True)
    alb = lab.alb(instance)
    alb.wait_until("healthy", instance)
    _, eip = add_address(lab, instance.address)
    straight = (instance.address, instance.port)
    for name, place in [("straight", straight), ("by Envoy", alb.place), ("by address", eip)]:
        times = []
        for _ in range(300):
            start_s = time.monotonic()
            ask(place)
            times.append((time.monotonic() - start_s) * 1000)
        say(f"one request {name}, ms", times)


def drain(lab: EdgeLab) -> None:
    failed, total = [], 0
    for _ in range(RUNS):
        a, b, c = lab.backend("a"), lab.backend("b"), lab.backend("c")
        alb = lab.alb(a, b)
        alb.wait_until("healthy", a, b)
        with steady(*alb.place) as load:
            alb.lead_to(a.target(), b.target(), c.target())
            alb.wait_until("healthy", c)
            soon.until(lambda: len(load.answers) > 100, what="requests", timeout_s=10)
            alb.lead_to(a.target(draining=True), b.target(), c.target())
            soon.until(lambda: len(load.answers) > 200, what="requests", timeout_s=10)
            alb.lead_to(b.target(), c.target())
            soon.until(lambda: len(load.answers) > 300, what="requests", timeout_s=10)
        failed.append(float(failures(load)))
        total += len(load.answers)
    say(f"failed of {total} while adding, draining, removing", failed)


def kill(lab: EdgeLab) -> None:
    failed, evicted_s = [], []
    for _ in range(RUNS):
        a, b, c = lab.backend("a"), lab.backend("b"), lab.backend("c")
        alb = lab.alb(a, b, c, check={"interval_s": 1, "timeout_s": 0.5})
        alb.wait_until("healthy", a, b, c)
        with steady(*alb.place) as load:
            soon.until(lambda: len(load.answers) > 50, what="requests", timeout_s=10)
            b.kill()
            killed_s = time.monotonic()
            alb.wait_until("unhealthy", b)
            evicted_s.append(time.monotonic() - killed_s)
        failed.append(float(failures(load)))
        b.start()
    say("kill 1 of 3, interval 1 s, threshold 2: evicted after, s", evicted_s)
    say("  failed at 100/s until then", failed)


def move_address(lab: EdgeLab) -> None:
    """The switch itself: the delay that AWS has is set to nothing."""
    one, two = lab.backend("one", instance=True), lab.backend("two", instance=True)
    eip, place = add_address(lab, one.address)
    times, failed = [], []
    for target in [two, one] * RUNS:
        with steady(*place) as load:
            time.sleep(0.2)
            start_s = time.monotonic()
            lab.emulator.change(eip, target=target.address)
            until(lambda target=target: ask(place)[1] == target.name)  # type: ignore[misc]
            times.append((time.monotonic() - start_s) * 1000)
            time.sleep(0.2)
        failed.append(float(failures(load)))
    say("address moved, wanted to first answer of the other, ms", times)
    say("  failed at 100/s over the switch", failed)


def add_address(lab: EdgeLab, target: str) -> tuple[dict[str, Any], tuple[str, int]]:
    public_ip = lab.addresses.elastic_ip(next(lab.numbers))
    eip = {"public_ip": public_ip, "instance_id": None, "target": target, "ports": [HTTP_PORT]}
    lab.emulator.add("addresses", eip)
    soon.until(lambda: listens(public_ip, HTTP_PORT), what="the address", timeout_s=10)
    return eip, (public_ip, HTTP_PORT)


def until(happened: Callable[[], bool]) -> None:
    """Ask again at once: `soon` looks too seldom for a measurement in milliseconds."""
    while True:
        try:
            if happened():
                return
        except ConnectionError:  # broken by the switch
            continue


def failures(load: Load) -> int:
    return sum(count for status, count in load.statuses().items() if status != 200)


if __name__ == "__main__":
    main()
