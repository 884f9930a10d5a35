"""The port to the account behind a variant: what no answer of its own shows."""

from typing import Protocol

from deploy.secrets import Secret
from loadtest.queue_probe import QueueProbe


class Inside(Protocol):
    """What an account knows of one deployed variant. Each call asks it.

    An output that the variant's stack does not have is an error of ours that names it.
    """

    def secret(self, which: Secret) -> str:
        """What callers must know to be let in."""
        ...

    def cache_ttl_s(self) -> float | None:
        """How long the stage keeps an answer of /cached/whoami; None while it has no cache."""
        ...

    def quota(self) -> int | None:
        """How many requests the plan of the API key allows a day, week or month."""
        ...

    def set_quota(self, limit: int) -> None:
        """Allow so many instead; what was counted already stays counted."""
        ...

    def reserved(self) -> int | None:
        """How many requests at once are reserved for the function, and its most; None if none."""
        ...

    def reserve(self, at_once: int | None) -> None:
        """Reserve so many for it instead, or none."""
        ...

    def events(self) -> QueueProbe:
        """A queue that listens to the topic of events."""
        ...

    def execution_input(self, id_: str) -> str | None:
        """What an execution was started with; None when there is no such execution."""
        ...

    def stored(self, key: str) -> bytes | None:
        """What is in the bucket under a key; None when there is no such object."""
        ...

    def remove(self, key: str) -> None:
        """Take an object out of the bucket, if it is there."""
        ...
