"""Run the lab's machines: `python -m deploy.lab.fleet --octet 9 --state .lab/default`."""

import argparse
import json
import os
import signal
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import deploy
from deploy.lab.addresses import Addresses
from deploy.lab.delays import DEFAULT_SPEED
from deploy.lab.fleet import toolbox
from deploy.lab.fleet.boot import Lab
from deploy.lab.fleet.emulator import Emulator, News
from deploy.lab.fleet.fleet import Fleet
from deploy.lab.fleet.governor import Governor
from deploy.lab.fleet.wanted import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

# How soon an ended machine is noticed.
LOOK_EVERY_S = 0.1


def main(images: Path = Path(deploy.__file__).parents[1] / ".build") -> None:
    """Wire the fleet and turn its loop until SIGTERM; `images` holds image-<digest>/ folders."""
    parser = argparse.ArgumentParser(prog="python -m deploy.lab.fleet")
    parser.add_argument("--octet", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=DEFAULT_SPEED)
    given = parser.parse_args()

    state = given.state.resolve()
    addresses = Addresses(given.octet)
    toolbox.make(state)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    emulator = Emulator(addresses.emulator_url)
    news = News(emulator, tell=_tell)
    with Governor() as governor:
        fleet = Fleet(
            lab=Lab(addresses, state, images),
            governor=governor,
            speed=given.speed,
            supervisor_pid=os.getppid(),
            tell=_tell,
        )
        _turn(fleet, news, emulator, state, ended)


def _turn(
    fleet: Fleet, news: News, emulator: Emulator, state: Path, ended: threading.Event
) -> None:
    said: Mapping[str, Any] = {}
    is_first = True
    written = _write(fleet, state, before=None)
    while not ended.is_set():
        wanted = news.latest(wait_s=LOOK_EVERY_S)
        if wanted is None:
            continue
        if is_first:
            is_first = False
            fleet.clear_strays(wanted)
        fleet.bring_to(wanted)
        written = _write(fleet, state, before=written)
        now = {machine_id: asdict(seen) for machine_id, seen in fleet.sightings().items()}
        if now == said:
            continue
        try:
            emulator.report({key: seen for key, seen in now.items() if said.get(key) != seen})
        except OSError as error:
            _tell(f"the report did not arrive, and is repeated: {error}")
            continue
        said = now


def _write(fleet: Fleet, state: Path, *, before: str | None) -> str:
    """Leave what `lab status` shows, when it is not what was left before."""
    machines = {
        machine_id: {
            "kind": "task" if isinstance(member.wanted, Task) else "instance",
            "address": member.wanted.address,
            "fault": str(member.fault) if member.fault else None,
            "fault_problem": member.fault_problem,
            **asdict(member.sighting),
        }
        for machine_id, member in fleet.members.items()
    }
    text = json.dumps(machines)
    if text != before:
        draft = state / "fleet.draft"
        draft.write_text(text, encoding="utf-8")
        draft.replace(state / "fleet.json")
    return text


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201  the supervisor keeps it as the fleet's log


if __name__ == "__main__":
    main()
