"""`nineways load`: one variant under a load that may change, and what scaling makes of it."""

import shlex
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.catalog import VARIANTS, find
from deploy.console import Screen
from deploy.errors import BadInputError, InterruptedByUserError
from deploy.options import Json, at_a_place
from deploy.places import On, Where
from loadtest import shapes
from loadtest.options import (
    LOAD,
    USUAL,
    ChosenOrNot,
    HabitsTyped,
    Out,
    environment_of,
    known,
    served,
)
from loadtest.resolver import HONEST, Habits

if TYPE_CHECKING:
    from loadtest.behind import Behind
    from loadtest.loading import Outcome
    from loadtest.targets import Target

AT_S = 10.0
SPIKE_S = 10.0
# One Locust process does not offer more, and nobody watches for longer.
MOST_RATE = 2_000
MOST_SECONDS = 3_600


class Shape(StrEnum):
    """How the load changes."""

    CONSTANT = "constant"
    STEP = "step"
    RAMP = "ramp"
    SPIKE = "spike"


@at_a_place
def load(  # noqa: PLR0913 - one for each option
    name: Annotated[
        str | None,
        typer.Argument(metavar="[VARIANT]", help=f"One of: {', '.join(v.name for v in VARIANTS)}."),
    ] = None,
    *,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="NAME=URL", help="Instead, anything that has this API."),
    ] = None,
    shape: Annotated[
        Shape, typer.Option(help="How the load changes.", rich_help_panel=LOAD)
    ] = Shape.CONSTANT,
    rate: Annotated[
        float,
        typer.Option(
            min=0, max=MOST_RATE, help="Requests a second to begin with.", rich_help_panel=LOAD
        ),
    ] = 20,
    to: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=MOST_RATE,
            help="Requests a second that it changes to.",
            rich_help_panel=LOAD,
        ),
    ] = None,
    at: Annotated[
        float | None,
        typer.Option(
            min=0,
            help=f"Second at which a step or a spike comes; otherwise {AT_S:g}.",
            rich_help_panel=LOAD,
        ),
    ] = None,
    over: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help=f"Seconds of a ramp, otherwise all; of a spike, otherwise {SPIKE_S:g}.",
            rich_help_panel=LOAD,
        ),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(min=1, max=MOST_SECONDS, help="How long in all.", rich_help_panel=LOAD),
    ] = 60,
    scenario: ChosenOrNot = None,
    habits: HabitsTyped = HONEST,
    out: Out = None,
    where: Where,
    json: Json = False,
) -> None:
    """Load one variant, watch what it does about it, and write down when what happened.

    Requests are due at fixed moments whatever the answers do. The timeline goes from the change
    of the load over alarm, decision, launch and health check to a new copy's first answer;
    of the scenarios, all but send ask who answers. Interrupted, it keeps what was measured.

    [dim]$[/dim] nineways load ec2-eip --rate 40
    [dim]$[/dim] nineways load alb-asg --shape step --rate 20 --to 200 --seconds 120
    [dim]$[/dim] nineways load alb-ecs-fargate --shape spike --to 60 --over 20 --scenario work
    """
    from loadtest import conduct, generating, loading  # noqa: PLC0415 - numpy and others, for those who measure

    known(scenario or USUAL)
    Habits.of(habits)
    chosen = shape_of(shape, rate, to=to, at=at, over=over, seconds=seconds)
    if (name is None) == (url is None):
        raise BadInputError("one thing is loaded", remedy="name a variant, or give one --url")
    with Screen(as_json=json) as screen:
        if name is not None:
            scenario = served(scenario, find(name), screen.tell)
        scenario = scenario or USUAL
        target, behind = opened(name, url, where, screen)
    order = generating.Order(
        target=target,
        shape=chosen,
        seconds=seconds,
        scenario=scenario,
        habits=habits,
        command=command_line(
            name or f"--url={url}",
            {"shape": shape, "rate": rate, "to": to, "at": at, "over": over, "seconds": seconds},
            {"scenario": scenario, "habits": habits},
            where=where if name else None,
        ),
    )
    environment = environment_of(where) if name else conduct.elsewhere("by URL")
    outcome = loading.conduct(order, behind, environment, screen, out=out)
    show(outcome, screen)


def shape_of(  # noqa: PLR0913 - one for each option
    shape: Shape,
    rate: float,
    *,
    to: float | None,
    at: float | None,
    over: float | None,
    seconds: float,
) -> shapes.NamedShape:
    """Put the shape together; refuse what it has no use for, and what never comes."""
    given = {"--to": to, "--at": at, "--over": over}
    taken = {
        Shape.CONSTANT: (),
        Shape.STEP: ("--to", "--at"),
        Shape.RAMP: ("--to", "--over"),
        Shape.SPIKE: ("--to", "--at", "--over"),
    }[shape]
    useless = [name for name, value in given.items() if value is not None and name not in taken]
    if useless:
        raise BadInputError(f"a {shape} load has no {useless[0]}")
    if "--to" in taken and to is None:
        raise BadInputError(
            f"a {shape} load changes to another rate", remedy="say to which: --to 200"
        )
    change_s = AT_S if at is None else at
    if "--at" in taken and change_s >= seconds:
        raise BadInputError(
            f"the {shape} would come after {change_s:g} s, and the load ends after {seconds:g} s",
            remedy="make --at smaller or --seconds larger",
        )
    text = {
        Shape.CONSTANT: f"constant:{rate}",
        Shape.STEP: f"step:{rate}:{to}@{change_s}",
        Shape.RAMP: f"ramp:{rate}:{to}@{over or seconds}",
        Shape.SPIKE: f"spike:{rate}:{to}@{change_s}+{over or SPIKE_S}",
    }[shape]
    try:
        made = shapes.parse(text)
    except shapes.ShapeError as error:
        raise BadInputError(str(error)) from error
    if not shapes.schedule(made, seconds=seconds):
        raise BadInputError("that is no load: no request is ever due", remedy="raise --rate")
    return made


def opened(
    name: str | None, url: str | None, where: Where, screen: Screen
) -> "tuple[Target, Behind]":
    """The target, and what can be seen behind it."""
    from loadtest.behind import Unseen, behind_in_lab  # noqa: PLC0415 - brings boto3 along
    from loadtest.targets import by_url, deployed  # noqa: PLC0415

    if name is None:
        return by_url(url or ""), Unseen()
    variant = find(name)
    place = where.open(screen)
    (target,) = deployed([variant], place)
    if where.on is On.AWS:
        return target, Unseen()
    from deploy.lab import control  # noqa: PLC0415
    from deploy.lab.folder import folder_of  # noqa: PLC0415
    from deploy.lab.status import LABS  # noqa: PLC0415

    info = control.status(where.lab).info
    if info is None:
        return target, Unseen()
    return target, behind_in_lab(variant, place, folder_of(where.lab, LABS), info.endpoint_url)


def command_line(
    what: str,
    shape: Mapping[str, Shape | float | None],
    others: Mapping[str, str],
    *,
    where: Where | None,
) -> str:
    """The command that does it again.

    >>> command_line("ec2-eip", {"shape": "step", "rate": 20.0, "to": 90.0}, {}, where=None)
    'nineways load ec2-eip --shape=step --rate=20 --to=90'
    """
    options = {
        name: f"{value:g}" if isinstance(value, float | int) else value
        for name, value in {**shape, **others}.items()
        if value is not None
    }
    words = [what, *(f"--{name}={value}" for name, value in options.items())]
    return f"nineways load {shlex.join(words)}{where.typed if where else ''}"


def show(outcome: "Outcome", screen: Screen) -> None:
    """Print what became of the requests, the timeline and the report; say so when interrupted."""
    from loadtest import load_shown  # noqa: PLC0415 - see above
    from loadtest.load_words import sentences  # noqa: PLC0415

    loaded = outcome.loaded
    screen.answer(
        load_shown.as_json(loaded, outcome.folder),
        *load_shown.tables(loaded),
        *(f"• {sentence}" for sentence in sentences(loaded)),
        f"\ntimeline: [bold]{outcome.timeline}[/]",
    )
    if loaded.was_interrupted:
        raise InterruptedByUserError(
            f"interrupted after {loaded.lasted_s:.0f} s; what was measured is in {outcome.folder}"
        )
