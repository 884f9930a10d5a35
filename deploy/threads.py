"""Do several things at the same time, and stay open to Ctrl-C meanwhile."""

import threading
from collections.abc import Callable, Sequence


def run_side_by_side(jobs: Sequence[Callable[[], object]]) -> list[Exception | None]:
    """Run each job in a thread of its own; say for each how it failed, or None.

    The threads are daemons: when the caller is interrupted the program can end without them.
    """
    outcomes: list[Exception | None] = [None] * len(jobs)

    def run(index: int) -> None:
        try:
            jobs[index]()
        except Exception as error:  # noqa: BLE001  it is handed to the caller, who raises it
            outcomes[index] = error

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
