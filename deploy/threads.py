"""Do several things that do not need each other: at the same time, or in turn."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

Job: TypeAlias = Callable[[], object]
# For each job how it failed, or None.
Outcomes: TypeAlias = list[Exception | None]


def run_side_by_side(jobs: Sequence[Job]) -> Outcomes:
    """Run each job in a thread of its own.

    The threads are daemons: on Ctrl-C, which reaches the caller, the program ends without them.
    """
    outcomes: Outcomes = [None] * len(jobs)

    def run(index: int) -> None:
        outcomes[index] = _outcome(jobs[index])

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def run_in_turn(jobs: Sequence[Job]) -> Outcomes:
    """Run one after the other, for when a person is asked something by each."""
    return [_outcome(job) for job in jobs]


def _outcome(job: Job) -> Exception | None:
    try:
        job()
    except Exception as error:  # noqa: BLE001  it is handed to the caller, who raises it
        return error
    return None
