"""The port to the account behind a variant: what no answer of its own shows."""

from typing import Protocol

from deploy.secrets import Secret


class Inside(Protocol):
    """What an account knows of one deployed variant. Each call asks it."""

    def secret(self, which: Secret) -> str:
        """What callers must know to be let in; an error of ours when there is none."""
        ...
