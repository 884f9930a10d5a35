"""Where a comparison was measured: the facts without which its figures mean nothing."""

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from loadtest.run import Delay, Environment


def here(
    place: str, *, root: Path, speed: float | None = None, delays: Sequence[Delay] = ()
) -> Environment:
    """Describe this machine and the place under load."""
    return Environment(
        place=place,
        machine=processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        locust=version("locust"),
        project=version("nineways"),
        revision=revision(root),
        speed=speed,
        delays=tuple(delays),
    )


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Name of the processor."""
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def revision(root: Path) -> str:
    """The commit the project is at; empty outside a clone."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607 - git, wherever it is
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return told.stdout.strip()
