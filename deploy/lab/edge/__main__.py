"""`python -m deploy.lab.edge --octet N --state DIR`: the edge of one lab, until SIGTERM."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path

from deploy.lab.addresses import Addresses
from deploy.lab.delays import DEFAULT_SPEED, scaled
from deploy.lab.edge.agent import Edge
from deploy.lab.edge.envoy import write_bootstrap
from deploy.lab.edge.forwarding import Settings


def main(arguments: list[str]) -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m deploy.lab.edge", description=__doc__)
    parser.add_argument("--octet", type=int, required=True, help="the lab is 127.<octet>.0.0/16")
    parser.add_argument("--state", type=Path, required=True, help="the lab's folder")
    parser.add_argument(
        "--retry-on",
        default="",
        help="let load balancers retry, such as connect-failure,refused-stream; default: never",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    addresses = Addresses(options.octet)
    write_bootstrap(options.state, addresses)
    speed = _speed(options.state)
    edge = Edge(
        addresses,
        options.state,
        settings=Settings(retry_on=options.retry_on),
        move_delay_s=scaled("address-association", speed),
        rate_check_s=scaled("web-acl-rate-check", speed),
    )
    with suppress(asyncio.CancelledError):
        asyncio.run(_until_told(edge))


async def _until_told(edge: Edge) -> None:
    task = asyncio.current_task()
    assert task  # noqa: S101 - asyncio.run made one
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await edge.run()


def _speed(state: Path) -> float:
    """How many times faster than AWS the lab is, as the supervisor wrote it down."""
    try:
        return float(json.loads((state / "lab.json").read_text())["speed"])
    except (OSError, KeyError, ValueError):
        return DEFAULT_SPEED


if __name__ == "__main__":
    main(sys.argv[1:])
