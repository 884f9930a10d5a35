"""`python -m deploy.lab.scaling --octet N --state DIR`: the scaling of one lab, until SIGTERM."""

import argparse
import json
import signal
import sys
import threading
import time
from pathlib import Path

from deploy.lab.addresses import Addresses
from deploy.lab.delays import DEFAULT_SPEED
from deploy.lab.scaling.agent import Agent
from deploy.lab.scaling.balancers import Balancers
from deploy.lab.scaling.control_plane import ControlPlane
from deploy.lab.scaling.metrics import HIGH
from deploy.lab.scaling.records import Records
from deploy.lab.scaling.sight import Eyes
from deploy.lab.scaling.timeline import Timeline

# A period is looked at eight times, however short the lab's speed makes it.
LOOKS_A_PERIOD = 8
MOST_OFTEN_S, LEAST_OFTEN_S = 0.05, 0.5


def main(arguments: list[str]) -> None:
    """Look again and again."""
    parser = argparse.ArgumentParser(prog="python -m deploy.lab.scaling", description=__doc__)
    parser.add_argument("--octet", type=int, required=True, help="the lab is 127.<octet>.0.0/16")
    parser.add_argument("--state", type=Path, required=True, help="the lab's folder")
    options = parser.parse_args(arguments)
    state: Path = options.state.resolve()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    speed = _speed(state)
    agent = _agent(Addresses(options.octet), state, speed)
    every_s = HIGH.period_s / speed / LOOKS_A_PERIOD
    while not ended.wait(max(MOST_OFTEN_S, min(LEAST_OFTEN_S, every_s))):
        agent.turn()


def _agent(addresses: Addresses, state: Path, speed: float) -> Agent:
    # This clock never goes back and does not begin anew with us: periods stay where they were.
    def aws_s() -> float:
        return time.monotonic() * speed

    return Agent(
        control_plane=ControlPlane(addresses.emulator_url),
        eyes=Eyes(state, Balancers(addresses.envoy_admin)),
        records=Records(Timeline(state, aws_s=aws_s), lab_s=time.monotonic, speed=speed),
        aws_s=aws_s,
        lab_s=time.monotonic,
        tell=_tell,
    )


def _speed(state: Path) -> float:
    """How many times faster than AWS the lab is, as the supervisor wrote it down."""
    try:
        return float(json.loads((state / "lab.json").read_text(encoding="utf-8"))["speed"])
    except (OSError, KeyError, ValueError):
        return DEFAULT_SPEED


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201  the supervisor keeps it as scaling's log


if __name__ == "__main__":
    main(sys.argv[1:])
