"""An engine, a base image and the service's image; each test says when one is missing.

Where no image registry can be reached, the base is made from Debian's packages: Debian 13 has
the same Python as python:3.13-slim. That takes root and a minute, once; it is kept in .build/.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.artifacts import AWS_TARGET, BUILD_DIR, BuildError, Target
from deploy.artifacts.builder import PROJECT
from deploy.artifacts.container import Engine, find_engine
from deploy.artifacts.locks import requirements
from deploy.artifacts.store import Name, ensure
from deploy.artifacts.wheels import fetch

OFFICIAL_BASE = "docker.io/library/python:3.13-slim"
STAND_IN = "localhost/nineways-base:1"
TARGET = Target(AWS_TARGET.python, Target.here().arch)
PACKAGES = "python3,python3-venv,python3-pip,systemd,systemd-sysv"


@dataclass(frozen=True)
class Base:
    """An image to build on, and the options that make pip find wheels there."""

    reference: str
    options: tuple[str, ...] = ()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    # A machine that forbids raising limits refuses podman's own defaults, and crun may not be
    # able to start anything where runc can.
    configuration = tmp_path_factory.mktemp("podman") / "containers.conf"
    runtime = f'[engine]\nruntime = "{shutil.which("runc")}"\n' if shutil.which("runc") else ""
    configuration.write_text(
        f'[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n{runtime}'
    )
    with pytest.MonkeyPatch.context() as patch:
        if os.geteuid() == 0:
            patch.setenv("CONTAINERS_CONF", str(configuration))
        found = find_engine()
        if found is None:
            pytest.skip("neither podman nor docker answers here")
        yield found


@pytest.fixture(scope="session")
def stand_in(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Base:
    """A base image from Debian's packages, with systemd; pip finds wheels in /wheels."""
    if engine.program != "podman" or os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("a local base image takes root, podman and debootstrap")
    name = Name("base", f"trixie-{TARGET.arch}", ".tar")
    ensure(BUILD_DIR, name, _debian, print)
    # pip looks at what the wheels' folder has and asks nobody.
    changes = ("PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels", "PIP_ROOT_USER_ACTION=ignore")
    if STAND_IN not in engine.run("images", "--format", "{{.Repository}}:{{.Tag}}").split():
        engine.run(
            "import",
            *(part for change in changes for part in ("--change", f"ENV {change}")),
            *("--change", 'CMD ["python3"]'),
            str(BUILD_DIR / str(name)),
            STAND_IN,
        )
    wheels = _wheels(tmp_path_factory.mktemp("fetched"))
    return Base(STAND_IN, ("--volume", f"{wheels}:/wheels:ro", "--network", "none"))


@pytest.fixture(scope="session")
def base(engine: Engine, request: pytest.FixtureRequest) -> Base:
    """The official image where it can be had, else our stand-in."""
    try:
        engine.run("pull", "--quiet", OFFICIAL_BASE)
    except BuildError:
        stand_in: Base = request.getfixturevalue("stand_in")
        return stand_in
    return Base(OFFICIAL_BASE)


@pytest.fixture(scope="session")
def service_image(engine: Engine, base: Base) -> Iterator[str]:
    reference = "localhost/nineways-service:test"
    engine.build(reference, TARGET, base_image=base.reference, options=_build_options(engine, base))
    yield reference
    engine.run("rmi", "--force", reference)


@pytest.fixture(scope="session")
def lambda_image(engine: Engine, stand_in: Base) -> Iterator[str]:
    """The Lambda image's layers on a plain Python: AWS's base is in a registry."""
    reference = "localhost/nineways-lambda:test"
    engine.build(
        reference,
        TARGET,
        dockerfile="docker/Dockerfile.lambda",
        base_image=stand_in.reference,
        options=_build_options(engine, stand_in),
    )
    yield reference
    engine.run("rmi", "--force", reference)


def _build_options(engine: Engine, base: Base) -> tuple[str, ...]:
    # Without kept layers nothing is left on the machine when the image is removed.
    return (*base.options, "--layers=false") if engine.program == "podman" else base.options


def _wheels(scratch: Path) -> Path:
    """Every wheel that one of the images needs."""
    locks = [(PROJECT / "app" / name).read_text() for name in ("server.lock", "lambda.lock")]
    together = requirements(locks[0]) | requirements(locks[1])
    return fetch("".join(together.values()), TARGET, scratch, print)


def _debian(scratch: Path) -> Path:
    root, archive = scratch / "root", scratch / "base.tar"
    _do("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "trixie", str(root))
    # As in the official image: there is a `python`, and it is the image's own, so pip may install.
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    _do("tar", "--directory", str(root), "--create", "--file", str(archive), ".")
    return archive


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no base image could be made: {done.stdout[-300:]}{done.stderr[-300:]}")
