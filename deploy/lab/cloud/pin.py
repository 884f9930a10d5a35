"""The version of MiniStack that our additions were written for."""

from importlib.metadata import version

from deploy.lab.cloud.border import Internals

PINNED = "1.5.33"


class PinError(Exception):
    """Another MiniStack is installed than the one we hook into."""

    def __init__(self, installed: str) -> None:
        super().__init__(
            f"the lab hooks into ministack {PINNED}, but {installed} is installed; install the "
            f"locked requirements, or raise PINNED in deploy/lab/cloud/pin.py and see which tests "
            f"of tests/contract/cloud fail"
        )


def check() -> None:
    """Refuse to run on another version.

    Raises:
        PinError: when the installed version is not the pinned one.
    """
    if (installed := version("ministack")) != PINNED:
        raise PinError(installed)


def missing_hooks() -> list[str]:
    """Every name that we hook into and MiniStack does not have."""
    return [
        f"ministack.{internals.module}.{real}"
        for internals in Internals.declared
        for name, real in internals.names.items()
        if not internals.has(name)
    ]
