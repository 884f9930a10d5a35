"""Wheels for a target: fetched by pip as the lock names them, unpacked as they are."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from deploy.artifacts.errors import BuildError
from deploy.artifacts.locks import requirements
from deploy.artifacts.target import Target

# What pip says when the package index cannot be reached, in the words of its HTTP library.
_UNREACHABLE = (
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Connection refused",
    "Max retries exceeded",
    "ProxyError",
    "Read timed out",
)
_TAIL_LINES = 6


def fetch(lock: str, target: Target, scratch: Path, report: Callable[[str], None]) -> Path:
    """Download the lock's wheels for the target into a new folder under `scratch`.

    Binary wheels of exactly these hashes and nothing else: no source is built, no dependency is
    resolved anew. pip's own configuration (index, proxy, certificates) applies.

    Raises:
        BuildError: no network, no wheel for the target, a hash that differs, no room.
    """
    report(f"fetching {len(requirements(lock))} wheels for {target}")
    wheels = scratch / "wheels"
    wanted = scratch / "requirements.txt"
    wanted.write_text(lock)
    done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-input", "--retries", "1", "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "--implementation", "cp"),
            *("--python-version", target.python),
            *(part for platform in target.platforms for part in ("--platform", platform)),
            *("--dest", str(wheels), "--requirement", str(wanted)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(_why(done.stderr, target))
    return wheels


def unpack(wheels: Path, into: Path) -> None:
    """Unpack every wheel into a folder for sys.path, as install.sh does on the instance.

    What pip would add for our wheels are scripts, which nobody calls: the service is started by
    `python -m`.
    """
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            strange = [name for name in names if ".data/" in name and ".data/scripts/" not in name]
            if strange:
                raise BuildError(f"{wheel.name} needs an installer: it holds {strange[0]}")
            archive.extractall(into, [name for name in names if ".data/" not in name])


def _why(stderr: str, target: Target) -> str:
    if any(sign in stderr for sign in _UNREACHABLE):
        return (
            "the package index cannot be reached: wheels are fetched once and kept in .build/. "
            "Is there a network, or a proxy or mirror to be named in pip's configuration?"
        )
    if "No space left" in stderr:
        return "no space is left for the wheels (25 MB), in .build/ or in the temporary folder"
    if "DO NOT MATCH THE HASHES" in stderr:
        return f"a wheel is not what the lock names; it was refused:\n{_tail(stderr)}"
    if "No matching distribution" in stderr:
        return f"a locked version has no binary wheel for {target}:\n{_tail(stderr)}"
    if "No module named pip" in stderr:
        return "this interpreter has no pip; `make setup` makes a .venv that has"
    return f"pip could not fetch the wheels:\n{_tail(stderr)}"


def _tail(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith("WARNING")]
    return "\n".join(lines[-_TAIL_LINES:])
