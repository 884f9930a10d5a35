"""How each packaging is put together from fetched wheels and the service's sources."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.artifacts.archives import write_tar_gz, write_zip
from deploy.artifacts.compiled import compile_tree
from deploy.artifacts.dockerfile import image_config
from deploy.artifacts.locks import without
from deploy.artifacts.sources import Sources
from deploy.artifacts.target import Target
from deploy.artifacts.wheels import unpack
from deploy.model import Artifact

# boto3 and what it brings are in every Python runtime of Lambda, and in the interpreter that the
# lab's functions run on.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html, November 2026.
RUNTIME_HAS = frozenset(
    {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
)

# Where a function's code lies when it runs, for its tracebacks.
_LAMBDA_ROOT = "/var/task"


@dataclass(frozen=True)
class Making:
    """One packaging being made: from what, for what, in which folder."""

    sources: Sources
    target: Target
    wheels: Path
    digest: str
    folder: Path


@dataclass(frozen=True)
class Recipe:
    """What differs between the packagings.

    `others` are the files that go in beside the lock's wheels and the service; `fill` puts
    everything into a folder; `finish` makes the artifact out of that folder, in it or beside it.
    """

    family: str
    compiles: bool
    lock: Callable[[Sources], str]
    others: Callable[[Sources], tuple[Path, ...]]
    fill: Callable[[Making], None]
    finish: Callable[[Path], Path]
    suffix: str = ""


def _fill_bundle(making: Making) -> None:
    """Lay out everything a bare machine needs, and the script that installs it there.

    Nothing in it is compiled: the wheels must match their hashes, and install.sh compiles what
    it has unpacked.
    """
    shutil.copytree(making.wheels, making.folder / "wheels")
    making.sources.copy_app(making.folder)
    shutil.copyfile(making.sources.server_lock, making.folder / "server.lock")
    shutil.copyfile(making.sources.install_script, making.folder / "install.sh")
    (making.folder / "release").write_text(
        f"release={making.digest}\n"
        f"wanted_python={making.target.python}\n"
        f"wanted_arch={making.target.arch}\n"
    )


def _fill_lambda(making: Making) -> None:
    """Lay out the service for Lambda, sources kept for its tracebacks."""
    unpack(making.wheels, making.folder)
    making.sources.copy_app(making.folder)
    if making.target.is_here:
        compile_tree(making.folder, _LAMBDA_ROOT)


def _fill_image(making: Making) -> None:
    """Lay out what the container image holds: the lab runs it without an engine."""
    config = image_config(making.sources.dockerfile.read_text())
    unpack(making.wheels, making.folder / "site-packages")
    making.sources.copy_app(making.folder)
    if making.target.is_here:
        compile_tree(making.folder, config["WorkingDir"])
    (making.folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


RECIPES: Mapping[Artifact, Recipe] = {
    Artifact.BUNDLE: Recipe(
        family="bundle-{target.python}-{target.arch}",
        compiles=False,
        lock=lambda sources: sources.server_lock.read_text(),
        others=lambda sources: (sources.install_script,),
        fill=_fill_bundle,
        finish=lambda folder: write_tar_gz(folder, folder.with_suffix(".tar.gz")),
        suffix=".tar.gz",
    ),
    Artifact.LAMBDA_ZIP: Recipe(
        family="lambda-{target.python}-{target.arch}",
        compiles=True,
        lock=lambda sources: without(sources.lambda_lock.read_text(), RUNTIME_HAS),
        others=lambda _: (),
        fill=_fill_lambda,
        finish=lambda folder: write_zip(folder, folder.with_suffix(".zip")),
        suffix=".zip",
    ),
    Artifact.IMAGE: Recipe(
        # Its digest alone names it: the lab finds the folder by the image's tag.
        family="image",
        compiles=True,
        lock=lambda sources: sources.server_lock.read_text(),
        others=lambda sources: (sources.dockerfile,),
        fill=_fill_image,
        finish=lambda folder: folder,
    ),
}
