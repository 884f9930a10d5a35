"""How long a Lambda function of ours takes to initialise, next to the usual zip.

The usual zip is what `pip install --target` and `zip` give: every dependency, boto3 too, no
compiled files, so that every start compiles, and a function as tutorials write it. Ours is the
project's Lambda artifact; botocore it finds in the runtime, compiled, as Lambda's own is.

CPU time of a fresh interpreter from before the import of the handler's module to after it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from importlib.metadata import distribution
from pathlib import Path

import app
from deploy.artifacts import Target, build
from deploy.artifacts.recipes import RUNTIME_HAS
from deploy.model import Artifact
from tests.bench.measure import Measure

PROJECT = Path(app.__file__).parents[1]

# -B and no site: what a runtime does with a folder that cannot be written to.
INIT = """
import importlib, sys, time
sys.path += sys.argv[2:]
started_s = time.process_time()
importlib.import_module(sys.argv[1])
print((time.process_time() - started_s) * 1000)
"""

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "NINEWAYS_QUEUE_URL": "http://127.0.0.1:9/000000000000/q",
}


def lambda_init(*, rounds: int, tell: Callable[[str], None]) -> Measure:
    """Start both in turns, each in a fresh process."""
    with tempfile.TemporaryDirectory(prefix="nineways-bench-") as scratch:
        folder = Path(scratch)
        tell("laying out the two zips")
        paths = (_ours(folder / "ours", tell), _runtime(folder / "runtime"))
        ours = ("app.entrypoints.lambda_http", *paths)
        usual = ("usual_function", _usual(folder / "usual"))
        for each in (ours, usual):
            _init_ms(*each)  # the first reading from the disk
        pairs = []
        for number in range(1, rounds + 1):
            tell(f"Lambda init: round {number} of {rounds}")
            pairs.append((_init_ms(*ours), _init_ms(*usual)))
    return Measure(
        "Lambda init / the usual zip", pairs, goal=0.4, unit="ms of CPU", more_is_better=False
    )


def _init_ms(module: str, *paths: Path) -> float:
    command = [sys.executable, "-S", "-B", "-c", INIT, module, *map(str, paths)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _ours(folder: Path, tell: Callable[[str], None]) -> Path:
    built = build(Artifact.LAMBDA_ZIP, Target.here(), report=tell)
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(folder)
    return folder


def _runtime(folder: Path) -> Path:
    _lay_out(RUNTIME_HAS, folder)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)
    return folder


def _usual(folder: Path) -> Path:
    lock = (PROJECT / "app" / "lambda.lock").read_text()
    _lay_out(re.findall(r"^([\w-]+)==", lock, flags=re.MULTILINE), folder)
    shutil.copy(Path(__file__).with_name("usual_function.py"), folder)
    return folder


def _lay_out(names: Iterable[str], folder: Path) -> None:
    """Put distributions that are installed here into a folder, without compiled files."""
    for name in names:
        installed = distribution(name)
        for file in installed.files or ():
            if file.suffix == ".pyc" or file.is_absolute() or ".." in file.parts:
                continue
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(installed.locate_file(file)), target)
