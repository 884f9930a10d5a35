"""Time the scale-outs of `scaling_cases`, one after the other, in a lab of their own.

`python -m loadtest.scaling_record` takes about a quarter of an hour and writes
`loadtest/scale_outs.json`; `python -m tests.documents` makes the table of it.
"""

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

from deploy.lab import control
from deploy.waiting import Patience
from loadtest.loaded import FILE, Loaded
from loadtest.scaling_cases import CASES, RECORD, Case, Record, timed

if TYPE_CHECKING:
    from loadtest.run import Environment

LAB = "scale-outs"
_PATIENCE = Patience(every_s=0.5)
# Types a command of nineways after another and gives what it prints.
Type = Callable[[Sequence[str]], str]


def nineways(arguments: Sequence[str]) -> str:
    """Run the command beside this interpreter.

    Raises:
        CalledProcessError: it did not succeed.
    """
    command = [str(Path(sys.executable).with_name("nineways")), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout  # noqa: S603 - ours


def pools_are_ready() -> bool:
    """Whether every instance of every warm pool has installed all it needs and was stopped."""
    endpoint_url = control.status(LAB).must_be_up().endpoint_url
    with urlopen(f"{endpoint_url}/_lab/state?since=-1&wait=0", timeout=10) as answer:  # noqa: S310 - our own emulator
        pools = [group["warm_pool"] for group in json.load(answer)["auto_scaling_groups"]]
    return all(
        len(pool["instances"]) >= pool["min_size"]
        and all(one["lifecycle_state"] == "Warmed:Stopped" for one in pool["instances"])
        for pool in pools
        if pool
    )


def measure(
    case: Case, folder: Path, run: Type, *, is_ready: Callable[[], bool] = pools_are_ready
) -> tuple[Loaded, tuple[str, ...]]:
    """Bring a case up, load it, take it down; give what was seen and what was typed."""
    typed: list[str] = []

    def do(*arguments: str) -> str:
        typed.append(shlex.join(["nineways", *arguments]))
        return run(arguments)

    up = ["up", case.variant, "--lab", LAB]
    settings = [word for item in case.settings.items() for word in ("--set", "=".join(item))]
    do(*up, *settings)
    if case.is_baked:
        image_id = json.loads(do("bake", case.variant, "--lab", LAB, "--json"))["image_id"]
        do(*up, *settings, "--set", "Baked=true", "--set", f"BakedImageId={image_id}")
    # A pool is filled after the stack is complete.
    _PATIENCE.until(is_ready, what="the warm pool to be ready", timeout_s=120)
    do(*case.load(LAB))
    # Where it is written is nobody else's business.
    loaded = Loaded.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
    do("down", case.variant, "--lab", LAB)
    return loaded, tuple(typed)


def main(chosen: Sequence[str]) -> None:
    """Measure all cases, or those whose title has one of the words; keep the others' figures."""
    record = (
        Record.model_validate_json(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else None
    )
    kept = {one.title: one for one in record.cases} if record else {}
    cases = [case for case in CASES if not chosen or any(word in case.title for word in chosen)]
    if not cases:
        titles = "\n  ".join(case.title for case in CASES)
        sys.exit(f"error: no case has {' or '.join(chosen)} in its title; there are:\n  {titles}")
    environment: Environment | None = None
    for case in cases:
        with tempfile.TemporaryDirectory() as place:

            def run(arguments: Sequence[str], place: str = place) -> str:
                more = ("--out", place) if arguments[0] == "load" else ()
                return nineways([*arguments, *more])

            loaded, commands = measure(case, Path(place), run)
        kept[case.title] = timed(case, loaded, commands)
        # From the second case on this record itself is what is new in the project's folder.
        environment = environment or loaded.environment
        record = Record(
            measured_on=datetime.now(UTC).date(),
            environment=environment,
            cases=tuple(kept[one.title] for one in CASES if one.title in kept),
        )
        RECORD.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    nineways(["lab", "down", "--lab", LAB])


if __name__ == "__main__":
    main(sys.argv[1:])
