"""How many execution environments start at once: as many as this machine has processors.

On AWS each new environment brings its own processor. Here they would share ours: forty at once
take half a minute, run into the function's time limit and are started again. So an invocation
that finds none free, and as many starting as there are processors, waits for the first that is
free. One environment still serves one request at a time, and a cold start is as long as it is.
"""

import os
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from deploy.lab.cloud.border import Internals

POOL = Internals("core.lambda_runtime", "_workers", "_worker_key")
SERVICE = Internals("services.lambda_svc", "acquire_worker", "release_worker")

# A function that invokes itself while it starts waits for itself: then one more starts after all.
LONGEST_WAIT_S = 5.0

# A MiniStack worker (an execution environment) and how it was come by.
Lease: TypeAlias = tuple[Any, str]


def install() -> None:
    """Put the bound between MiniStack and its pool of environments."""
    starts = Starts(SERVICE.acquire_worker, SERVICE.release_worker, most=os.cpu_count() or 1)
    SERVICE.replace("acquire_worker", starts.acquire)
    SERVICE.replace("release_worker", starts.release)


class Starts:
    """MiniStack's pool with a bound on the environments that have not yet served a request."""

    def __init__(
        self, acquire: Callable[..., Lease], release: Callable[[Any], None], *, most: int
    ) -> None:
        self._acquire = acquire
        self._release = release
        self._most = most
        # The threads whose invocations wait for a new environment: one each.
        self._starting: set[int] = set()
        self._changed = threading.Condition()

    def acquire(
        self,
        function: str,
        config: Any,  # noqa: ANN401 - MiniStack's signature
        code: bytes,
        qualifier: str = "$LATEST",
    ) -> Lease:
        """Lease a free environment, or a new one once it may start."""
        key = POOL.worker_key(function, config, qualifier)
        with self._changed:
            self._changed.wait_for(
                lambda: len(self._starting) < self._most or _has_free(key), LONGEST_WAIT_S
            )
            worker, how = self._acquire(function, config, code, qualifier=qualifier)
            if how == "spawn":
                self._starting.add(threading.get_ident())
            return worker, how

    def release(self, worker: Any) -> None:  # noqa: ANN401 - MiniStack's worker, or None
        """Give it back, or None when it failed; whoever waits may have it, or start another."""
        with self._changed:
            self._release(worker)
            self._starting.discard(threading.get_ident())
            self._changed.notify_all()


def _has_free(key: str) -> bool:
    return any(not worker.in_use for worker in POOL.workers.get(key, ()))
