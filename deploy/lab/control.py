"""Bring a lab up and down, and say how it is.

A lab is up exactly as long as its supervisor holds the lock on the lab's folder: the kernel
releases it however the supervisor ends, so nobody trusts a pid in a file.
"""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from deploy.errors import BadInputError, NinewaysError, TookTooLongError
from deploy.lab import ports
from deploy.lab.addresses import HTTP_PORT
from deploy.lab.delays import DEFAULT_SPEED
from deploy.lab.processes import MARK, carries, kill_every, marked, name_of, send
from deploy.lab.status import LABS, LabInfo, LabStatus, machines, tail
from deploy.telling import Tell
from deploy.waiting import Patience

SUPERVISOR = (sys.executable, "-P", "-m", "deploy.lab.supervisor")

# 127.0 to 127.8 are left to what else lives on loopback.
OCTETS = range(9, 100)
_UP_WITHIN_S = 60.0
_PATIENCE = Patience(every_s=0.03)


def up(  # noqa: PLR0913  each is a choice of whoever starts a lab
    name: str = "default",
    *,
    speed: float = DEFAULT_SPEED,
    octet: int | None = None,
    tell: Tell = print,
    labs: Path = LABS,
    supervisor: Sequence[str] = SUPERVISOR,
) -> LabInfo:
    """Start the lab, or find it up. Interrupted or failed, it leaves nothing.

    Raises:
        NinewaysError: An address is taken, or a part does not come up.
    """
    folder = _folder(name, labs)
    folder.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder)
    if lock is None:
        info = _wait_until_up(name, folder, tell=tell)
        tell(f"lab {name} is up already, {info.speed:g} times as fast as AWS")
        return info
    try:
        _sweep(folder, tell=tell)
        chosen, reservation = _reserve(octet)
        with reservation:
            _spawn(supervisor, name, folder, chosen, speed, keep=(lock, reservation.fileno()))
    except BaseException:
        _remove(folder)
        raise
    finally:
        os.close(lock)
    tell(f"lab {name} starts on 127.{chosen}.0.0/16")
    try:
        return _wait_until_up(name, folder, tell=tell)
    except BaseException:
        # Ctrl-C too: what is half up goes down again.
        down(name, tell=tell, labs=labs)
        raise


def down(
    name: str = "default", *, tell: Tell = print, labs: Path = LABS, within_s: float = 15
) -> list[str]:
    """Stop the lab and clear away what it made; by force when it takes longer than `within_s`.

    Returns:
        What remained, in words; nothing, if all went well.
    """
    folder = _folder(name, labs)
    if not folder.exists():
        tell(f"lab {name} is not up")
        return []
    lock = _lock(folder) or _stop_supervisor(folder, within_s=within_s, tell=tell)
    info = LabInfo.read(folder)
    try:
        remains = [f"process {pid} ({name_of(pid)})" for pid in _sweep(folder, tell=tell)]
    finally:
        _remove(folder)
        os.close(lock)
    remains += [f"listener {one}" for one in (ports.listeners(info.octet) if info else [])]
    remains += [f"folder {folder}"] if folder.exists() else []
    tell(f"lab {name} is down" + (f", but there remain {', '.join(remains)}" if remains else ""))
    return remains


def status(name: str = "default", *, labs: Path = LABS) -> LabStatus:
    """Say how the lab is, from what is so rather than from what was written down."""
    folder = _folder(name, labs)
    if not folder.exists():
        return LabStatus(name, "down")
    info = LabInfo.read(folder)
    if _is_up(folder):
        state = info.state if info else "starting"
        if info and any(part.state == "restarting" for part in info.parts.values()):
            state = "degraded"
        return LabStatus(name, state, info.advice if info else "", info, machines(folder))
    # Nothing outlives the supervisor, whatever it had written down.
    info = info and replace(
        info,
        parts={part: replace(how, pid=None, state="stopped") for part, how in info.parts.items()},
    )
    if info and info.state in {"lost", "failed"}:
        return LabStatus(name, info.state, info.advice, info)
    return LabStatus(
        name, "dead", "its supervisor ended; `nineways lab down` clears up after it", info
    )


def names(labs: Path = LABS) -> list[str]:
    """Every lab that left a folder, up or not."""
    return sorted(folder.name for folder in labs.glob("*")) if labs.exists() else []


def log_files(name: str, *, labs: Path = LABS) -> dict[str, Path]:
    """Every log of a lab: of its parts, of its machines."""
    folder = _folder(name, labs)
    found = {path.stem: path for path in folder.glob("logs/*.log")}
    return found | {path.parent.name: path for path in folder.glob("machines/*/output.log")}


def logs(name: str, part: str, *, follow: bool = False, labs: Path = LABS) -> Iterator[str]:
    """Read a part's or a machine's log line by line; `follow` waits for more, for ever."""
    files = log_files(name, labs=labs)
    if part not in files:
        raise BadInputError(
            f"lab {name} has no log {part}",
            remedy=f"there are: {', '.join(sorted(files)) or 'none'}",
        )
    with files[part].open(encoding="utf-8", errors="replace") as file:
        while True:
            for line in file:
                yield line.rstrip("\n")
            if not follow:
                return
            _PATIENCE.sleep(0.2)


def _folder(name: str, labs: Path) -> Path:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
        raise BadInputError(
            f"{name!r} is no name for a lab",
            remedy="lower-case letters, digits and dashes, at most 32",
        )
    return labs.resolve() / name


def _lock(folder: Path) -> int | None:
    """Take the lab's lock, or learn that its supervisor has it."""
    while True:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor
        # Somebody took the lab down in between: this is the lock of a folder that is no more.
        os.close(descriptor)
        folder.mkdir(parents=True, exist_ok=True)


def _is_up(folder: Path) -> bool:
    lock = _lock(folder)
    if lock is not None:
        os.close(lock)
    return lock is None


def _reserve(octet: int | None) -> tuple[int, socket.socket]:
    """Choose the first octet on which every address is free, and hold it."""
    conflict = None
    for candidate in OCTETS if octet is None else [octet]:
        reservation = ports.reserve(candidate)
        if reservation is None:
            conflict = conflict or (f"127.{candidate}.0.1", ports.RESERVATION_PORT)
            continue
        conflict = ports.taken(candidate)
        if conflict is None:
            return candidate, reservation
        reservation.close()
    host, port = conflict or ("127.9.0.1", 0)
    raise NinewaysError(
        f"{host}:{port} is taken",
        cause=(
            "another lab has that range"
            if port == ports.RESERVATION_PORT
            else f"{ports.holder((host, port))} listens there"
        ),
        remedy=(
            "give another --octet, or none"
            if octet is not None
            else f"stop that process: a lab needs port {port} on its own 127.x addresses"
            + (" (it stands for port 80)" if port == HTTP_PORT else "")
        ),
    )


def _spawn(  # noqa: PLR0913  what a supervisor is told
    supervisor: Sequence[str],
    name: str,
    folder: Path,
    octet: int,
    speed: float,
    *,
    keep: tuple[int, ...],
) -> None:
    """Start the supervisor, who takes over the lock and the reservation by inheriting them."""
    arguments = ("--name", name, "--octet", str(octet), "--speed", str(speed))
    (folder / "tmp").mkdir()
    (folder / "logs").mkdir()
    with (folder / "logs" / "supervisor.log").open("ab") as log:
        subprocess.run(  # noqa: S603  our own module
            [*supervisor, *arguments, "--folder", str(folder)],
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal is not for the lab, which lives on after this command.
            start_new_session=True,
            pass_fds=keep,
            # It detaches itself and is nobody's child, or ends with its reason in the log.
            check=False,
        )


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the caller's AWS settings gets into a lab, and least of all credentials."""
    kept = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "TZ", "USER")
    inherited = {key: os.environ[key] for key in kept if key in os.environ}
    return inherited | {MARK: str(folder), "TMPDIR": str(folder / "tmp")}


def _wait_until_up(name: str, folder: Path, *, tell: Tell) -> LabInfo:
    """Say which part is being started until all are."""
    told: set[str] = set()
    begun_s = time.monotonic()

    def has_settled() -> bool:
        info = LabInfo.read(folder)
        for part in info.parts if info else ():
            if info and info.parts[part].state == "running" and part not in told:
                told.add(part)
                tell(f"{part} is ready after {time.monotonic() - begun_s:.1f} s")
        return bool(info and info.state != "starting") or not _is_up(folder)

    _PATIENCE.until(has_settled, what=f"lab {name} to be up", timeout_s=_UP_WITHIN_S)
    info = LabInfo.read(folder)
    if info is None or info.state not in {"up", "degraded"}:
        raise NinewaysError(
            f"lab {name} did not come up",
            cause=(info and info.advice) or tail(folder / "logs" / "supervisor.log"),
        )
    return info


def _stop_supervisor(folder: Path, *, within_s: float, tell: Tell) -> int:
    """End the supervisor, in order or by force, and take over its lock."""
    taken: list[int] = []

    def is_ours() -> bool:
        info = LabInfo.read(folder)
        # The number could have been given to a stranger since it was written down.
        if info and carries(info.pid, str(folder)):
            send(info.pid, how)
        lock = _lock(folder)
        if lock is not None:
            taken.append(lock)
        return lock is not None

    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(TookTooLongError):
            _PATIENCE.until(is_ours, what="the lab to end", timeout_s=within_s)
            return taken[0]
        tell(f"the supervisor does not react to {how.name}")
    raise NinewaysError(
        f"cannot stop the lab in {folder}",
        cause="another `nineways lab` command is at work on it, or a process cannot be killed",
        remedy="try again when that has ended",
    )


def _sweep(folder: Path, *, tell: Tell) -> list[int]:
    """Kill what carries the lab's mark; of a lab that ended in order nothing does."""
    strays = marked(str(folder))
    if strays:
        tell(f"clearing away {len(strays)} processes of an earlier life of the lab")
    remains = kill_every(lambda: marked(str(folder)))
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return remains


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    # The last lab takes the folder of labs along.
    with suppress(OSError):
        folder.parent.rmdir()
