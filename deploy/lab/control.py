"""Bring a lab up and down, and say how it is."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.errors import BadInputError, NinewaysError, TookTooLongError
from deploy.lab import ports
from deploy.lab.delays import DEFAULT_SPEED
from deploy.lab.folder import folder_of, is_locked, lock, log_files, remove, sweep
from deploy.lab.processes import MARK, carries, name_of, send
from deploy.lab.status import LABS, EdgeStatus, LabInfo, LabStatus, machines, tail
from deploy.telling import Tell
from deploy.waiting import Patience

SUPERVISOR = (sys.executable, "-P", "-m", "deploy.lab.supervisor")

_UP_WITHIN_S = 60.0
_CLOSED_WITHIN_S = 5.0
_NO_ROOM_BYTES = 1_000_000
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
        OSError: The disk is full.
    """
    folder = folder_of(name, labs)
    held = lock(folder)
    if held is None:
        info = _wait_until_up(name, folder, tell=tell)
        tell(f"lab {name} is up already, {info.speed:g} times as fast as AWS")
        return info
    try:
        sweep(folder, tell=tell)
        chosen, reservation = ports.reserve_free(octet)
        with reservation:
            _spawn(supervisor, name, folder, chosen, speed, keep=(held, reservation.fileno()))
    except BaseException:
        sweep(folder, tell=tell)
        remove(folder)
        raise
    finally:
        os.close(held)
    try:
        tell(f"lab {name} starts on 127.{chosen}.0.0/16")
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
    folder = folder_of(name, labs)
    if not folder.exists():
        tell(f"lab {name} is not up")
        return []
    held = lock(folder)
    if held is None:
        held = _stop_supervisor(folder, within_s=within_s, tell=tell)
    info = LabInfo.read(folder)
    try:
        remains = [f"process {pid} ({name_of(pid)})" for pid in sweep(folder, tell=tell)]
    finally:
        remove(folder)
        os.close(held)
    remains += [f"listener {one}" for one in (_listeners_left(info.octet) if info else [])]
    remains += [f"folder {folder}"] if folder.exists() else []
    tell(f"lab {name} is down" + (f", but there remain {', '.join(remains)}" if remains else ""))
    return remains


def status(name: str = "default", *, labs: Path = LABS) -> LabStatus:
    """Say how the lab is, from what is so rather than from what was written down."""
    folder = folder_of(name, labs)
    info = LabInfo.read(folder)
    if is_locked(folder):
        state = info.state if info else "starting"
        if info and any(part.state == "restarting" for part in info.parts.values()):
            state = "degraded"
        return LabStatus(
            name,
            state,
            info.advice if info else "",
            info,
            machines=machines(folder),
            edge=EdgeStatus.read(folder),
            faults=_faults(info),
        )
    if not folder.exists():
        return LabStatus(name, "down")
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


def _faults(info: LabInfo | None) -> Mapping[str, Any]:
    # A lab that is only starting has none.
    with suppress(OSError, ValueError):
        faults = f"{info.endpoint_url}/_lab/faults" if info else ""
        with urllib.request.urlopen(faults, timeout=1) as answer:  # noqa: S310  our own emulator
            found: Mapping[str, Any] = json.load(answer)
            return found
    return {}


def names(labs: Path = LABS) -> list[str]:
    """Every lab that left a folder, up or not."""
    return sorted(folder.name for folder in labs.glob("*")) if labs.exists() else []


def log_names(name: str, *, labs: Path = LABS) -> list[str]:
    """Name the parts and machines that have a log."""
    return sorted(log_files(folder_of(name, labs)))


def logs(name: str, part: str, *, follow: bool = False, labs: Path = LABS) -> Iterator[str]:
    """Read a part's or a machine's log line by line; `follow` waits for more, for ever."""
    files = log_files(folder_of(name, labs))
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
    begun_s = time.monotonic()
    found = LabInfo.read(folder)
    told = {part for part, how in found.parts.items() if how.state == "running"} if found else set()

    def has_settled() -> bool:
        info = LabInfo.read(folder)
        for part in info.parts if info else ():
            if info and info.parts[part].state == "running" and part not in told:
                told.add(part)
                tell(f"{part} is ready after {time.monotonic() - begun_s:.1f} s")
        return bool(info and info.state != "starting") or not is_locked(folder)

    _PATIENCE.until(has_settled, what=f"lab {name} to be up", timeout_s=_UP_WITHIN_S)
    info = LabInfo.read(folder)
    if info is None or info.state not in {"up", "degraded"}:
        # Who has no room has none to write its reason either.
        if shutil.disk_usage(folder).free < _NO_ROOM_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        raise NinewaysError(
            f"lab {name} did not come up",
            cause=(info and info.advice) or tail(folder / "logs" / "supervisor.log"),
        )
    return info


def _listeners_left(octet: int) -> list[ports.Listener]:
    """What goes on listening. A killed process loses its memory first and its sockets last."""
    with suppress(TookTooLongError):
        _PATIENCE.until(
            lambda: not ports.listeners(octet),
            what="listeners to close",
            timeout_s=_CLOSED_WITHIN_S,
        )
    return ports.listeners(octet)


def _stop_supervisor(folder: Path, *, within_s: float, tell: Tell) -> int:
    """End the supervisor, in order or by force, and take over its lock."""
    taken: list[int] = []
    told: set[signal.Signals] = set()

    def is_ours() -> bool:
        info = LabInfo.read(folder)
        # The number could have been given to a stranger since it was written down.
        if info and how not in told and carries(info.pid, str(folder)):
            told.add(how)
            send(info.pid, how)
        held = lock(folder)
        if held is not None:
            taken.append(held)
        return held is not None

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
