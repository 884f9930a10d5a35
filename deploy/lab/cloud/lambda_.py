"""Lambda functions: no artificial wait, an environment like the real one, no survivors.

MiniStack runs each execution environment as a process of its own that speaks JSON lines.
"""

import ctypes
import importlib.util
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from deploy.lab.cloud import lambda_logs, lambda_starts
from deploy.lab.cloud.border import HookMissingError, Internals
from deploy.lab.cloud.lab import Lab
from deploy.lab.processes import MARK

RUNTIME = Internals(
    "core.lambda_runtime",
    "Worker",
    "_PYTHON_WORKER_SCRIPT",
    "_detect_runtime_binary",
    "reset",
    "subprocess",
)

# What AWS puts into the Python runtime besides the standard library: boto3 and what it needs.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html, read 2026-11.
IN_THE_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
# Taken over from the emulator's own environment; everything else stays outside.
FROM_OUTSIDE = frozenset(
    {"AWS_ENDPOINT_URL", "HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", MARK}
)
MY_RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
LOG_WAIT_S = 0.001
# Where MiniStack's script in an environment says that the function cannot be imported, and why
# only in a word.
FAILED_INIT = """
    except Exception as e:
        _real_stdout.write(json.dumps({"status": "error", "error": str(e)})"""
FAILED_INIT_TRACED = FAILED_INIT.replace("as e:", "as e:\n        traceback.print_exc()")
PR_SET_PDEATHSIG = 1

log = logging.getLogger("lab.lambda")


def install(lab: Lab) -> None:
    """Hook into the execution environments."""
    worker = RUNTIME.Worker
    stock_drain = worker._drain_stderr_bounded  # noqa: SLF001 - a hook like the others
    stock_spawn = worker._spawn  # noqa: SLF001 - the same
    stock_detect = RUNTIME.detect_runtime_binary

    def drain(self: Any, *_: object, **__: object) -> str:  # noqa: ANN401 - a MiniStack worker
        # The stock one waits 50 ms for a log line after each invocation, and most write none.
        # A line that comes later goes with the next invocation.
        return str(stock_drain(self, first_line_wait=LOG_WAIT_S, idle_confirm=LOG_WAIT_S))

    def detect(runtime: str) -> tuple[str, str]:
        if runtime.startswith("python") and runtime != MY_RUNTIME:
            log.warning("a function asks for %s; it runs on the lab's own %s", runtime, MY_RUNTIME)
        found: tuple[str, str] = stock_detect(runtime)
        return found

    def spawn(self: Any) -> None:  # noqa: ANN401 - the same
        try:
            stock_spawn(self)
        except Exception:
            lambda_logs.failed_to_start(str(stock_drain(self)))
            raise

    script = RUNTIME.PYTHON_WORKER_SCRIPT
    if FAILED_INIT not in script:
        raise HookMissingError(RUNTIME.module, FAILED_INIT)
    RUNTIME.replace("PYTHON_WORKER_SCRIPT", script.replace(FAILED_INIT, FAILED_INIT_TRACED))
    worker._drain_stderr_bounded = drain  # noqa: SLF001 - the same
    worker._spawn = spawn  # noqa: SLF001 - the same
    RUNTIME.replace("detect_runtime_binary", detect)
    RUNTIME.replace("subprocess", Subprocess(_runtime_folder(lab.directory)))
    lambda_starts.install()
    lambda_logs.install()


def stop() -> None:
    """End every execution environment."""
    RUNTIME.reset()


class Subprocess:
    """The `subprocess` module as MiniStack's workers use it; Python starts our way."""

    PIPE = subprocess.PIPE
    STDOUT = subprocess.STDOUT
    DEVNULL = subprocess.DEVNULL

    def __init__(self, runtime_folder: Path) -> None:
        self._runtime_folder = runtime_folder
        # The kernel ends a process when the *thread* that started it ends, so one thread that
        # lasts starts them all.
        self._starter = ThreadPoolExecutor(1, "lab-lambda-starter")

    def Popen(self, argv: list[str], *, env: Mapping[str, str], **options: Any) -> object:  # noqa: ANN401, N802 - subprocess's signature
        """Start an execution environment that ends with us."""
        if argv[0] == sys.executable:
            # Without the lab's own packages, which would hide that one is missing in the zip.
            argv = [_base_python(), "-S", *argv[1:]]
        settled = self._environment(env)

        def start() -> object:
            # preexec_fn: one prctl call, nothing that locks.
            return subprocess.Popen(argv, env=settled, preexec_fn=_end_with_parent, **options)  # noqa: S603, PLW1509

        return self._starter.submit(start).result()

    def _environment(self, wanted: Mapping[str, str]) -> dict[str, str]:
        outside = {k for k, v in os.environ.items() if wanted.get(k) == v} - FROM_OUTSIDE
        return {
            **{key: value for key, value in wanted.items() if key not in outside},
            **lambda_logs.told(wanted),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{MY_RUNTIME}",
            "PYTHONPATH": str(self._runtime_folder),
            # /var/task cannot be written to: no compiled file outlives its process.
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def _runtime_folder(directory: Path) -> Path:
    """A folder with what the real runtime offers, taken from the lab's own packages."""
    folder = directory / "tmp" / "lambda-runtime"
    folder.mkdir(parents=True)
    found = importlib.util.find_spec("botocore")
    assert found  # noqa: S101 - MiniStack requires it
    site_packages = Path(str(found.origin)).parents[1]
    for name in IN_THE_RUNTIME:
        (folder / name).symlink_to(site_packages / name)
    return folder


def _base_python() -> str:
    """The interpreter that the virtual environment was made from."""
    base = Path(sys.base_prefix) / "bin" / MY_RUNTIME
    return str(base) if base.exists() else sys.executable


_libc = ctypes.CDLL(None)


def _end_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
