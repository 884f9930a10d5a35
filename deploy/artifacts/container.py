"""The real container image, by whatever engine is here: for AWS, and for the tests.

The lab does without: it runs the unpacked folder that `build(Artifact.IMAGE, …)` makes.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.artifacts.builder import PROJECT
from deploy.artifacts.errors import BuildError
from deploy.artifacts.target import Target

_OCI_ARCH = {"x86_64": "amd64", "arm64": "arm64"}
_TAIL_LINES = 12


@dataclass(frozen=True)
class Engine:
    """podman or docker: for what we ask, their command lines are the same."""

    program: str

    def run(self, *arguments: str, text: str = "") -> str:
        """Run one command of the engine, with a text to read, and give what it printed.

        Raises:
            BuildError: it failed; the message ends with its last lines.
        """
        done = subprocess.run(  # noqa: S603 - arguments are ours, no shell
            [self.program, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last_lines = "\n".join(done.stderr.splitlines()[-_TAIL_LINES:])
            raise BuildError(f"{self.program} {arguments[0]} failed:\n{last_lines}")
        return done.stdout

    def build(
        self,
        reference: str,
        target: Target,
        *,
        dockerfile: str = "docker/Dockerfile",
        base_image: str | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Build one of our Dockerfiles for a target.

        Raises:
            BuildError: the build failed, or the base image cannot be fetched.
        """
        base = ("--build-arg", f"BASE_IMAGE={base_image}") if base_image else ()
        # Only docker's image format keeps the HEALTHCHECK.
        image_format = ("--format", "docker") if self.program == "podman" else ()
        self.run(
            "build",
            *("--platform", f"linux/{_OCI_ARCH[target.arch]}"),
            *("--file", str(PROJECT / dockerfile)),
            *("--tag", reference),
            *base,
            *image_format,
            *options,
            str(PROJECT),
        )


def find_engine() -> Engine | None:
    """Find an engine that answers; a program without its daemon does not."""
    for program in ("podman", "docker"):
        if shutil.which(program):
            asked = subprocess.run([program, "info"], capture_output=True, check=False)  # noqa: S603 - two fixed words
            if asked.returncode == 0:
                return Engine(program)
    return None
