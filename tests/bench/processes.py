"""Processes that serve on loopback, pinned to a core, and the CPU time they took."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
READY_WITHIN_S = 20


@dataclass(frozen=True)
class Server:
    pid: int
    port: int

    def cpu_s(self) -> float:
        """Seconds of CPU that all of its threads took so far."""
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / TICKS_A_SECOND


def cores() -> tuple[int, int]:
    """Choose a core for the server under test and one for everything else."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


@contextmanager
def python(
    arguments: Sequence[str], environment: Mapping[str, str], core: int
) -> Iterator[subprocess.Popen[str]]:
    """Run our own interpreter on one core; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        os.sched_setaffinity(process.pid, {core})
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def stub_sqs(*, latency_ms: float, core: int) -> Iterator[str]:
    """Run the stub; gives its URL."""
    arguments = ["-m", "tests.bench.stub_sqs", "--latency-ms", str(latency_ms)]
    with python(arguments, {}, core) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


@contextmanager
def server(arguments: Sequence[str], endpoint: str, core: int) -> Iterator[Server]:
    """Run one HTTP server until it accepts connections, and to the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "NINEWAYS_QUEUE_URL": f"{endpoint}/000000000000/q",
        "NINEWAYS_HOST": "127.0.0.1",
        "NINEWAYS_PORT": str(port),
        "NINEWAYS_LOG_LEVEL": "WARNING",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }
    with python(arguments, environment, core) as process:
        deadline_s = time.monotonic() + READY_WITHIN_S
        while not _accepts(port):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"{' '.join(arguments)} does not start")
            time.sleep(0.05)
        yield Server(process.pid, port)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
