"""The programs a bare machine has: the system's own, python3, and a small `aws`."""

import shlex
import sys
from pathlib import Path

from deploy.lab.fleet import aws_command

# What a system's login gives to a script; ours comes first.
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def make(state: Path) -> Path:
    """Fill the lab's bin/ folder."""
    folder = state / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    # The interpreter under our virtual environment: a bare machine has none of our packages.
    python = Path(sys.executable).resolve()
    major, minor = sys.version_info[:2]
    for name in ("python", f"python{major}", f"python{major}.{minor}"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(python)
    command = shlex.join([sys.executable, "-I", str(Path(aws_command.__file__).resolve())])
    aws = folder / "aws"
    aws.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    aws.chmod(0o755)
    return folder


def path(state: Path, own: str = "") -> str:
    """Give the PATH of a machine; `own` is what its image adds."""
    return ":".join(filter(None, [str(state / "bin"), own, _SYSTEM_PATH]))
