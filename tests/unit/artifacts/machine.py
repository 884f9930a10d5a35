"""A machine that boots bundles: processes of this one, in a folder and at an address of its own."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ADDRESS = "127.77.3.1"


def wait_until(happened: Callable[[], bool], timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether it runs: one that ended and waits to be collected by its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Machine:
    """A machine that bundles are booted on."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def home(self) -> Path:
        return self.folder / "home" / "nineways"

    def boot(
        self, bundle: Path, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Do what the template's user data does: unpack, run."""
        work = self.folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        self.home.parent.mkdir(exist_ok=True)
        unpack(bundle, work)
        return subprocess.run(
            ["bash", "install.sh", *arguments],
            cwd=work,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home.parent),
                "NINEWAYS_HOME": str(self.home),
                "NINEWAYS_HOST": ADDRESS,
                "NINEWAYS_PORT": str(self.port),
                "NINEWAYS_QUEUE_URL": "http://queue",
                "NINEWAYS_COMPUTE_ID": "i-1",
                "NINEWAYS_READY_S": "10",
                "PYTHONDONTWRITEBYTECODE": "1",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def ask(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://{ADDRESS}:{self.port}/whoami", timeout=5) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def answers(self) -> bool:
        try:
            self.ask()
        except OSError:
            return False
        return True

    def supervisor(self, service: str = "web") -> int:
        return int((self.home / "run" / f"{service}.pid").read_text())

    def files(self) -> dict[str, int]:
        """What lies there and when it was written, but for logs."""
        return {
            str(path.relative_to(self.folder)): path.lstat().st_mtime_ns
            for path in (self.folder / "home").rglob("*")
            if path.suffix != ".log"
        }

    def switch_off(self) -> None:
        pids = [int(file.read_text()) for file in self.home.glob("run/*.pid")]
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not any(map(is_alive, pids)))


def unpack(bundle: Path, into: Path) -> None:
    """Unpack it as the template's user data does."""
    subprocess.run(["tar", "-xzf", bundle, "-C", into], check=True)
