"""What can be verified and loaded: a deployed variant, or any URL that speaks the contract."""

from collections.abc import Callable
from dataclasses import dataclass

from loadtest.queue_probe import QueueProbe


@dataclass(frozen=True)
class Target:
    """A service somewhere, and what is known about what is behind it."""

    name: str
    url: str
    title: str = ""
    # Digest of what is deployed.
    version: str = ""
    # What /whoami must call itself; nothing is expected when this is None.
    slug: str | None = None
    # The queue behind it, when it can be looked into.
    queue: QueueProbe | None = None
    # Makes the next request meet a new environment, where such a thing exists.
    renew: Callable[[], None] | None = None
