"""`python -m deploy.lab.cloud --octet N --state DIR`: the control plane of one lab."""

import argparse
import logging
import os
import sys
from pathlib import Path

from deploy.lab.addresses import Addresses
from deploy.lab.cloud.environment import environment
from deploy.lab.delays import DEFAULT_SPEED


def main() -> None:
    """Read the command line, settle the environment, serve."""
    parser = argparse.ArgumentParser(prog="python -m deploy.lab.cloud", description=__doc__)
    parser.add_argument("--octet", type=int, required=True, help="the lab owns 127.<octet>.0.0/16")
    parser.add_argument("--state", type=Path, required=True, help="folder of the lab's files")
    parser.add_argument("--speed", type=float, default=DEFAULT_SPEED, help="times that of AWS")
    arguments = parser.parse_args()
    addresses, directory = Addresses(arguments.octet), arguments.state.resolve()
    settled = environment(os.environ, addresses, directory)
    os.environ.clear()
    os.environ.update(settled)
    logging.basicConfig(
        stream=sys.stdout, format="%(asctime)s %(levelname)s [%(name)s] %(message)s"
    )
    logging.getLogger("lab").setLevel(logging.INFO)
    # It warns at every start of a package that KMS would like and the lab has no use for.
    logging.getLogger("kms").setLevel(logging.ERROR)
    # MiniStack reads its environment when it is imported.
    from deploy.lab.cloud.lab import Lab  # noqa: PLC0415 - see above
    from deploy.lab.cloud.serve import serve  # noqa: PLC0415 - see above

    serve(Lab(addresses, directory, speed=arguments.speed))


if __name__ == "__main__":
    main()
