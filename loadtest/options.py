"""The arguments and options that verify, compare and load share, and what they mean.

What brings boto3 or numpy along is imported by the functions that use it.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from deploy.catalog import VARIANTS, choose
from deploy.console import Screen
from deploy.errors import BadInputError
from deploy.model import Variant
from deploy.places import On, Where
from deploy.telling import Tell
from loadtest.arrivals import Arrivals
from loadtest.scenarios import SCENARIOS, lacking

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.run import Environment
    from loadtest.targets import Target

_NAMES = ", ".join(variant.name for variant in VARIANTS)
LOAD = "Load"
# What `load` sends unless something else is chosen, and to whom that cannot be sent.
USUAL, IN_ITS_PLACE = "mixed", "send"

Names: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="[VARIANT...]", help=f"Of: {_NAMES}; or all.")
]
Urls: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--url", metavar="NAME=URL", help="Also anything else that has this API."),
]
Rate: TypeAlias = Annotated[
    float, typer.Option(min=0.1, help="Requests a second to each.", rich_help_panel=LOAD)
]
Seconds: TypeAlias = Annotated[
    float, typer.Option(min=1, help="Length of a round.", rich_help_panel=LOAD)
]
Rounds: TypeAlias = Annotated[
    int, typer.Option(min=1, help="How often each has its turn.", rich_help_panel=LOAD)
]
Chosen: TypeAlias = Annotated[
    str,
    typer.Option("--scenario", help=f"What is sent: {', '.join(SCENARIOS)}.", rich_help_panel=LOAD),
]
ChosenOrNot: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scenario",
        help=f"What is sent: {', '.join(SCENARIOS)}; otherwise {USUAL}, or {IN_ITS_PLACE} to a "
        "variant that has nobody to ask who answers.",
        rich_help_panel=LOAD,
    ),
]
Spacing: TypeAlias = Annotated[
    Arrivals, typer.Option("--arrivals", help="How requests are spaced.", rich_help_panel=LOAD)
]
Seed: TypeAlias = Annotated[
    int, typer.Option(help="Of arrivals, order and intervals.", rich_help_panel=LOAD)
]
WarmUp: TypeAlias = Annotated[
    float, typer.Option(min=0, help="Seconds before the rounds.", rich_help_panel=LOAD)
]
HabitsTyped: TypeAlias = Annotated[
    str,
    typer.Option(
        "--habits",
        help="What clients do with a variant's name, of: cache, retry, keep-alive.",
        rich_help_panel=LOAD,
    ),
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(file_okay=False, help="Folder for the results; otherwise one under results/."),
]
Open: TypeAlias = Annotated[bool, typer.Option("--open", help="Show the report in the browser.")]


def targets_of(
    names: list[str] | None, urls: list[str] | None, where: Where, screen: Screen
) -> "list[Target]":
    """Everything that was named; all variants when nothing was."""
    from loadtest.targets import by_url, deployed  # noqa: PLC0415 - see above

    others = [by_url(text) for text in urls or ()]
    if not names and others:
        return others
    variants = choose(names or ["all"])
    return [*deployed(variants, where.open(screen)), *others]


def openers_of(
    names: list[str] | None, urls: list[str] | None, where: Where, screen: Screen
) -> "dict[str, Callable[[], Target]]":
    """How to find each of them, by name: a variant that does not stand fails when it is its turn.

    The place must be there.
    """
    from loadtest.targets import by_url, deployed_one  # noqa: PLC0415 - see above

    others = [(by_url(text), text) for text in urls or ()]
    found: dict[str, Callable[[], Target]] = {}
    if names or not others:
        variants = choose(names or ["all"])
        place = where.open(screen)
        found |= {variant.name: partial(deployed_one, variant, place) for variant in variants}
    return found | {target.name: partial(by_url, text) for target, text in others}


def environment_of(where: Where) -> "Environment":
    """Describe the place."""
    from loadtest import conduct  # noqa: PLC0415 - see above

    if where.on is On.AWS:
        return conduct.elsewhere("aws")
    from deploy.lab import control  # noqa: PLC0415

    info = control.status(where.lab).info
    return conduct.in_lab(info.speed) if info else conduct.elsewhere("lab")


def able_to(scenario: str, targets: "list[Target]", screen: Screen) -> "list[Target]":
    """Those that serve what the scenario asks for; of each that does not, say why it is left out.

    Raises:
        BadInputError: none does.
    """
    reasons = {target.name: lacking(scenario, target.not_promised) for target in targets}
    for name, reason in reasons.items():
        if reason:
            screen.tell(f"{name} is left out, for it does not serve {scenario!r}: {reason}")
    if targets and all(reasons.values()):
        raise BadInputError(
            f"nobody here serves {scenario!r}", remedy="all of them serve --scenario send"
        )
    return [target for target in targets if not reasons[target.name]]


def served(scenario: str | None, variant: Variant, tell: Tell) -> str:
    """The scenario that was chosen, or the usual one, or what a variant serves in its place.

    Raises:
        BadInputError: the variant does not serve the one that was chosen.
    """
    reason = lacking(scenario or USUAL, variant.not_promised)
    if not reason:
        return scenario or USUAL
    if scenario is None:
        tell(f"{variant.name} is sent {IN_ITS_PLACE!r}, for it does not serve {USUAL!r}: {reason}")
        return IN_ITS_PLACE
    raise BadInputError(
        f"{variant.name} does not serve {scenario!r}",
        cause=reason,
        remedy=f"--scenario {IN_ITS_PLACE}",
    )


def known(scenario: str) -> None:
    """Refuse a scenario that does not exist."""
    if scenario not in SCENARIOS:
        raise BadInputError(
            f"there is no scenario called {scenario!r}", remedy=f"one of {', '.join(SCENARIOS)}"
        )
