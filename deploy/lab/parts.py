"""The processes a lab consists of, in the order they are started."""

import sys
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from deploy.lab.addresses import Addresses
from deploy.lab.edge.envoy import envoy_command, write_bootstrap


@dataclass(frozen=True)
class PartSpec:
    """How a part is started, and how to see that it is ready.

    The death of an `is_the_truth` part loses what the lab knew; any other is started again.
    """

    name: str
    argv: Sequence[str]
    is_ready: Callable[[], bool]
    is_the_truth: bool = False


def parts_of(addresses: Addresses, folder: Path, speed: float) -> tuple[PartSpec, ...]:
    """The emulator, what carries its requests, what runs its machines and what scales them."""
    write_bootstrap(folder, addresses)
    lab = ("--octet", str(addresses.octet), "--state", str(folder))
    admin = "http://{}:{}/ready".format(*addresses.envoy_admin)
    # Written by each once it is at work.
    edge_report, fleet_report = folder / "edge.json", folder / "fleet.json"
    return (
        PartSpec(
            "emulator",
            _module("deploy.lab.cloud", *lab, "--speed", str(speed)),
            lambda: _answers(f"{addresses.emulator_url}/_lab/state?since=-1&wait=0"),
            is_the_truth=True,
        ),
        PartSpec("envoy", envoy_command(folder), lambda: _answers(admin)),
        PartSpec("edge", _module("deploy.lab.edge", *lab), edge_report.exists),
        PartSpec(
            "fleet",
            _module("deploy.lab.fleet", *lab, "--speed", str(speed)),
            fleet_report.exists,
        ),
        PartSpec("scaling", _module("deploy.lab.scaling", *lab), edge_report.exists),
    )


def _module(name: str, *arguments: str) -> list[str]:
    # -P: the folder it is started from is no place to import from.
    return [sys.executable, "-P", "-m", name, *arguments]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310  our own part
            return True
    except (URLError, OSError):
        return False
