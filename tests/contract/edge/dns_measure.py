"""What the DNS server answers, and when it notices: `python -m tests.contract.edge.dns_measure`.

The rates need dnsperf (Debian: apt-get install dnsperf). Figures are of this machine, at this
moment; nothing asserts them.
"""

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from deploy.lab.edge.dns.stub import look_up
from tests.contract.edge.edge_lab import EdgeLab, edge_lab, soon
from tests.contract.edge.measure import RUNS, say

SECONDS = 3
THRESHOLD = 3
INTERVAL_S = 1.0


def main() -> None:
    """Measure one thing after the other and print a line for each."""
    with tempfile.TemporaryDirectory() as folder, edge_lab(Path(folder)) as lab:
        detection(lab)
        lab.emulator.add("hosted_zones", ZONE)
        soon.until(lambda: "rate.test." in zones(lab), what="the zone", timeout_s=10)
        if not shutil.which("dnsperf"):
            raise SystemExit("no dnsperf here: the rates are not measured")
        for name in ("one", "eight", "weighted", "alias", "none"):
            rate(lab, f"{name}.rate.test", Path(folder) / "questions")
        rate(lab, "eight.rate.test", Path(folder) / "questions", "-m", "tcp")


def record(name: str, *addresses: str, **more: object) -> dict[str, Any]:
    """Name some addresses."""
    return {"name": f"{name}.rate.test", "type": "A", "ttl_s": 5, "values": addresses} | more


ZONE: dict[str, Any] = {
    "id": "Z1",
    "name": "rate.test",
    "records": [
        record("one", "127.0.0.1"),
        *(record("eight", f"127.0.0.{n}", multivalue=True, set_id=str(n)) for n in range(12)),
        *(record("weighted", f"127.0.0.{n}", weight=n, set_id=str(n)) for n in range(1, 3)),
        record("alias", alias={"dns_name": "one.rate.test", "evaluate_target_health": True}),
    ],
}


def zones(lab: EdgeLab) -> list[str]:
    """Name the zones that are answered."""
    names: list[str] = lab.status()["dns"]["hosted_zones"]
    return names


def rate(lab: EdgeLab, name: str, questions: Path, *more: str) -> None:
    """Ask as fast as dnsperf can, with 50 questions in flight from eight sockets."""
    questions.write_text(f"{name} A\n")
    address, port = lab.addresses.dns
    command = ["dnsperf", "-s", address, "-p", str(port), "-d", str(questions), *more]
    command += ["-l", str(SECONDS), "-c", "8", "-q", "50"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"per second:\s+([\d.]+)", told)
    assert found
    assert re.search(r"lost:\s+0 ", told), told
    say(f"answers a second, {name} {' '.join(more)}", [float(found[1])])


def detection(lab: EdgeLab) -> None:
    """From the death of an instance to the first answer without it, and back."""
    one, two = lab.backend("one", instance=True), lab.backend("two", instance=True)
    instances = {"127.0.0.2": two, "127.0.0.1": one}
    for address, instance in instances.items():
        check: dict[str, Any] = {
            "id": address,
            "type": "HTTP",
            "address": instance.address,
            "path": "/health",
        }
        check |= {"port": instance.port, "interval_s": INTERVAL_S}
        lab.emulator.add("health_checks", check | {"failure_threshold": THRESHOLD})
    members = [
        {"name": "app.check.test", "type": "A", "ttl_s": 5, "values": [address], "set_id": address}
        | {"multivalue": True, "health_check_id": address}
        for address in instances
    ]
    lab.emulator.add("hosted_zones", {"id": "Z2", "name": "check.test", "records": members})
    soon.until(lambda: "check.test." in zones(lab), what="the zone", timeout_s=10)
    out_s, back_s = [], []
    for _ in range(RUNS):
        one.kill()
        out_s.append(seconds_until(lab, 1))
        one.start()
        back_s.append(seconds_until(lab, 2))
    what = f"health check every {INTERVAL_S:g} s, threshold {THRESHOLD}"
    say(f"{what}: out of answers after, s", out_s)
    say("  back in answers after, s", back_s)


def seconds_until(lab: EdgeLab, count: int) -> float:
    """Wait for an answer of so many addresses."""
    start_s = time.monotonic()
    soon.until(
        lambda: len(look_up("app.check.test", lab.addresses.dns).addresses) == count,
        what=f"an answer of {count}",
        timeout_s=20,
    )
    return time.monotonic() - start_s


if __name__ == "__main__":
    main()
