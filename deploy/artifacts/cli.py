"""`nineways build`: make the packagings and say what became of each."""

import json
import sys
from dataclasses import replace
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.table import Table

from deploy.artifacts.builder import BUILD_DIR, Built, build
from deploy.artifacts.target import PYTHONS, Arch, Target
from deploy.model import Artifact

_ONE_MB = 1_000_000


def build_command(
    kind: Annotated[
        list[Artifact] | None, typer.Option(help="Only this packaging; may be given again.")
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(help=f"Python it will run on: {', '.join(PYTHONS)}. Default: this one."),
    ] = None,
    arch: Annotated[
        str | None, typer.Option(help="Processor: x86_64 or arm64. Default: this machine's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Make the bundle, the Lambda zip and the image; do nothing for what is there already."""
    progress = Console(stderr=True)
    target = Target.here()
    if python:
        target = replace(target, python=python)
    if arch:
        target = replace(target, arch=cast("Arch", arch))
    built = [_build_visibly(each, target, progress) for each in kind or list(Artifact)]
    if as_json:
        json.dump([as_plain(each) for each in built], sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        Console().print(as_table(built, target))
        Console().print(f"in {BUILD_DIR}", highlight=False, soft_wrap=True)
        if not target.is_here:
            Console().print(
                f"A build by Python {target.python} would carry byte code and start faster."
            )


def _build_visibly(artifact: Artifact, target: Target, progress: Console) -> Built:
    with progress.status(f"{artifact} for {target}") as status:

        def report(text: str) -> None:
            status.update(f"{artifact}: {text}")
            if not progress.is_terminal:
                progress.print(f"{artifact}: {text}", highlight=False, soft_wrap=True)

        return build(artifact, target, report=report)


def as_table(built: list[Built], target: Target) -> Table:
    """What became of each, for a person."""
    table = Table(
        "packaging", "now", "byte code", "size", "digest", box=None, title=f"for {target}"
    )
    for each in built:
        table.add_row(
            each.artifact.value,
            "made" if each.fresh else "unchanged",
            _byte_code(each),
            f"{each.size_bytes / _ONE_MB:.1f} MB",
            each.digest,
        )
    return table


def _byte_code(built: Built) -> str:
    if built.artifact is Artifact.BUNDLE:
        return "made on the instance"
    return "compiled" if built.compiled else "not compiled"


def as_plain(built: Built) -> dict[str, str | bool | int]:
    """The same for a program."""
    return {
        "artifact": built.artifact.value,
        "path": str(built.path),
        "digest": built.digest,
        "python": built.target.python,
        "arch": built.target.arch,
        "compiled": built.compiled,
        "fresh": built.fresh,
        "size_bytes": built.size_bytes,
    }
