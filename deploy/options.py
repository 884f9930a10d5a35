"""The arguments and options that several commands share."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, TypeAlias

import typer

from deploy.catalog import VARIANTS
from deploy.places import On, Where

_NAMES = [variant.name for variant in VARIANTS]
_PANEL = "Where"


def _complete(incomplete: str) -> list[str]:
    return [name for name in (*_NAMES, "all") if name.startswith(incomplete)]


Name: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="VARIANT", help=f"One of: {', '.join(_NAMES)}.", autocompletion=_complete
    ),
]
Names: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="VARIANT...",
        help=f"One or more of: {', '.join(_NAMES)}; or all.",
        autocompletion=_complete,
    ),
]
Set: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Give a template's parameter a value; may be repeated. Parameters that are not set "
        "have their defaults, also in a stack that stands.",
    ),
]
Yes: TypeAlias = Annotated[
    bool, typer.Option("--yes", "-y", help="AWS only: do not ask before a stack is touched.")
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Answer in JSON on stdout; progress stays on stderr.")
]

_Lab: TypeAlias = Annotated[
    str,
    typer.Option("--lab", envvar="NINEWAYS_LAB", rich_help_panel=_PANEL, help="Which lab."),
]
_On: TypeAlias = Annotated[
    On,
    typer.Option(
        "--on",
        envvar="NINEWAYS_PLACE",
        rich_help_panel=_PANEL,
        help="The lab on this machine, or the AWS account of your credentials.",
    ),
]
_Profile: TypeAlias = Annotated[
    str | None,
    typer.Option("--profile", rich_help_panel=_PANEL, help="AWS only; otherwise AWS_PROFILE."),
]
_Region: TypeAlias = Annotated[
    str | None,
    typer.Option("--region", rich_help_panel=_PANEL, help="AWS only; otherwise AWS_REGION."),
]


def _option(name: str, annotation: object, default: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


_PLACE_OPTIONS = (
    _option("on", _On, On.LAB),
    _option("lab", _Lab, "default"),
    _option("region", _Region, None),
    _option("profile", _Profile, None),
)


def at_a_place(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose a place; it gets them as one argument, `where`."""

    @wraps(command)
    def typed(
        ctx: typer.Context,
        *,
        on: On,
        lab: str,
        region: str | None,
        profile: str | None,
        **others: object,
    ) -> None:
        # Who calls the app may hand it another way to open a place, as the tests do.
        command(where=Where(on, lab, region, profile, opener=ctx.obj), **others)

    own = [each for each in signature(command).parameters.values() if each.name != "where"]
    ctx = Parameter("ctx", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    shape = Signature([ctx, *own, *_PLACE_OPTIONS])
    # Typer reads a command's options from these two.
    typed.__signature__ = shape  # type: ignore[attr-defined]
    typed.__annotations__ = {name: each.annotation for name, each in shape.parameters.items()}
    return typed
