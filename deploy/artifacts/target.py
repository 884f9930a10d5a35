"""Where an artifact will run: a Python and a processor."""

import platform
import sys
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

from deploy.artifacts.errors import NoSuchTargetError

Arch: TypeAlias = Literal["x86_64", "arm64"]

# From pyproject.toml's lower bound to the newest Python that the locked binary wheels exist for.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

# AWS and Python's wheels have different names for one processor.
_KERNEL_NAME = {"x86_64": "x86_64", "arm64": "aarch64"}

# The oldest C library we build for. Lambda's python3.11 still stands on Amazon Linux 2 (glibc
# 2.26); the later runtimes and our instances stand on Amazon Linux 2023 (2.34), and 2.28 keeps
# Debian 11 and Ubuntu 20.04 usable as the lab's machine.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, November 2026.
_GLIBC_MINOR = {"3.11": 26}
_GLIBC_MINOR_ELSE = 28
# PEP 600: manylinux_2_5 is the oldest there is.
_OLDEST_GLIBC_MINOR = 5


@dataclass(frozen=True)
class Target:
    """A Python version as in "3.13", and a processor by AWS's name for it.

    Raises:
        NoSuchTargetError: the service does not run on that Python or processor.
    """

    python: str
    arch: Arch

    def __post_init__(self) -> None:
        if self.python not in PYTHONS:
            raise NoSuchTargetError(
                f"the service is built for Python {', '.join(PYTHONS)}; not for {self.python!r}"
            )
        if self.arch not in get_args(Arch):
            raise NoSuchTargetError(
                f"the service is built for {' and '.join(get_args(Arch))}; not for {self.arch!r}"
            )

    @classmethod
    def here(cls) -> "Target":
        """The running interpreter on this machine."""
        machine = platform.machine().lower()
        arch = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
        return cls(f"{sys.version_info.major}.{sys.version_info.minor}", cast("Arch", arch))

    @property
    def is_here(self) -> bool:
        """Whether the running interpreter can compile for it: byte code knows no processor."""
        return self.python == f"{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """The wheel platforms that run there, newest first, as pip wants them spelled out."""
        machine = _KERNEL_NAME[self.arch]
        newest = _GLIBC_MINOR.get(self.python, _GLIBC_MINOR_ELSE)
        return (
            *(
                f"manylinux_2_{minor}_{machine}"
                for minor in range(newest, _OLDEST_GLIBC_MINOR - 1, -1)
            ),
            f"manylinux2014_{machine}",
        )

    def __str__(self) -> str:
        return f"Python {self.python} on {self.arch}"


# What the templates ask AWS for: the newest Lambda runtime that is also in Amazon Linux 2023.
AWS_TARGET = Target("3.13", "x86_64")
