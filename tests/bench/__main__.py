"""`python -m tests.bench`: speed as ratios, each from one interleaved run on this machine.

A ratio of two things measured next to each other says more than either: the machine, and what
else it is doing, are in both. The exit code is 0 also when a goal is missed: a figure is read by
people, a test is what fails.
"""

import argparse
import json
import sys

from tests.bench.lambda_init import lambda_init
from tests.bench.throughput import throughput


def tell(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}")
        sys.stderr.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    parser.add_argument("--rounds", type=int, default=7, help="pairs for each ratio")
    parser.add_argument("--seconds", type=float, default=1.2, help="of load, each time")
    arguments = parser.parse_args()
    measures = [
        *throughput(rounds=arguments.rounds, seconds=arguments.seconds, tell=tell),
        lambda_init(rounds=arguments.rounds, tell=tell),
    ]
    tell("")
    if arguments.json:
        sys.stdout.write(json.dumps([each.as_json() for each in measures], indent=2) + "\n")
    else:
        sys.stdout.writelines(each.line() + "\n" for each in measures)


if __name__ == "__main__":
    main()
