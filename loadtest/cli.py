"""The rest of the `nineways` command: verify, compare, load, report, demo.

Measuring needs numpy, matplotlib and an HTTP client; they are imported by the commands that use
them, so that `nineways list` answers at once.
"""

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from deploy.cli import app
from deploy.console import Screen
from deploy.errors import BadInputError, StackError
from deploy.options import Json, at_a_place
from deploy.places import Where
from loadtest.arrivals import Arrivals
from loadtest.load_cli import load
from loadtest.options import (
    Chosen,
    HabitsTyped,
    Names,
    Open,
    Out,
    Rate,
    Rounds,
    Seconds,
    Seed,
    Spacing,
    Urls,
    WarmUp,
    able_to,
    environment_of,
    known,
    openers_of,
    targets_of,
)
from loadtest.resolver import HONEST, Habits

if TYPE_CHECKING:
    from loadtest.conduct import Outcome

__all__ = ["app", "main"]


@app.command()
@at_a_place
def verify(
    names: Names = None,
    *,
    url: Urls = None,
    slow: Annotated[
        bool, typer.Option("--slow", help="Also make the checks that take half a minute each.")
    ] = False,
    where: Where,
    json: Json = False,
) -> None:
    """Hold variants against the API's contract, and probe what each adds to it.

    The message in the queue is looked for too. Ends with 1 when a check fails or a variant does
    not stand; what a variant does not promise, and what was skipped, is said and fails nothing.

    [dim]$[/dim] nineways verify ec2-eip
    [dim]$[/dim] nineways verify apigw-lambda --slow
    [dim]$[/dim] nineways verify --url mine=http://127.0.0.1:8000
    """
    from loadtest import shown  # noqa: PLC0415 - see above
    from loadtest.compare import passed  # noqa: PLC0415
    from loadtest.verify import not_there  # noqa: PLC0415
    from loadtest.verify import verify as hold  # noqa: PLC0415

    results = {}
    with Screen(as_json=json) as screen:
        for name, find_target in openers_of(names, url, where, screen).items():
            with screen.doing(f"verify {name}"):
                try:
                    results[name] = hold(find_target(), probed=True, slow=slow)
                except StackError as error:
                    # The others are verified all the same.
                    results[name] = [not_there(error)]
    screen.answer(
        {name: [c.model_dump(mode="json") for c in checks] for name, checks in results.items()},
        *(shown.checks_shown(name, checks) for name, checks in results.items()),
        *([shown.all_summed(results)] if len(results) > 1 else []),
    )
    if not all(passed(checks) for checks in results.values()):
        raise typer.Exit(1)


@app.command()
@at_a_place
def compare(  # noqa: PLR0913 - one for each option
    names: Names = None,
    *,
    url: Urls = None,
    rate: Rate = 40,
    seconds: Seconds = 5,
    rounds: Rounds = 3,
    scenario: Chosen = "send",
    arrivals: Spacing = Arrivals.POISSON,
    seed: Seed = 1,
    warm_up: WarmUp = 4,
    habits: HabitsTyped = HONEST,
    out: Out = None,
    open_: Open = False,
    where: Where,
    json: Json = False,
) -> None:
    """Verify variants, load them in turns at the same rate, and make a report.

    Ends with 1 when a variant failed the contract, could not be measured or lost a message.

    [dim]$[/dim] nineways compare all
    [dim]$[/dim] nineways compare ec2-eip apigw-lambda --rate 100 --rounds 5 --open
    [dim]$[/dim] nineways compare --url old=http://127.0.0.1:8000 --url new=http://127.0.0.1:8001
    """
    from loadtest import conduct  # noqa: PLC0415 - see above
    from loadtest.run import Load  # noqa: PLC0415

    known(scenario)
    Habits.of(habits)
    chosen = Load(
        scenario=scenario,
        rate=rate,
        seconds=seconds,
        rounds=rounds,
        seed=seed,
        arrivals=arrivals,
        warm_up_s=warm_up,
        habits=habits,
    )
    with Screen(as_json=json) as screen:
        targets = able_to(scenario, targets_of(names, url, where, screen), screen)
        named = [target.name for target in targets if target.slug]
        outcome = conduct.conduct(
            targets,
            chosen,
            environment_of(where) if named else conduct.elsewhere("by URL"),
            screen,
            command=conduct.command_line(named, url or (), chosen, where=where),
            out=out,
        )
    show(outcome, screen, open_=open_)
    if not outcome.is_complete:
        raise typer.Exit(1)


app.command()(load)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder under results/.")],
    *,
    json: Json = False,
) -> None:
    """Make a comparison's report again from its samples."""
    from loadtest.report.page import write_report  # noqa: PLC0415 - see above

    if not (folder / "run.json").exists():
        raise BadInputError(
            f"{folder} holds no comparison", remedy="`nineways compare` writes them to results/"
        )
    made = write_report(folder)
    Screen(as_json=json).answer({"report": str(made)}, escape(str(made)))


@app.command()
def demo(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the lab up afterwards.")] = False,
    lab: Annotated[
        str, typer.Option("--lab", envvar="NINEWAYS_LAB", help="Name of the lab.")
    ] = "default",
    open_: Open = False,
    json: Json = False,
) -> None:
    """Do everything once: lab up, all variants up, compare, report, lab down.

    A lab that was up before stays up.
    """
    from loadtest.demo import demonstrate  # noqa: PLC0415 - see above

    with Screen(as_json=json) as screen:
        outcome = demonstrate(screen, lab=lab, keep=keep)
    show(outcome, screen, open_=open_)


def show(outcome: "Outcome", screen: Screen, *, open_: bool) -> None:
    """Print the table, what was found and where the report is."""
    from loadtest import shown  # noqa: PLC0415 - see above
    from loadtest.report.words import findings, headline  # noqa: PLC0415

    run, summaries = outcome.run, outcome.summaries
    screen.answer(
        shown.as_json(run, summaries, report=str(outcome.report)),
        *shown.tables(run, summaries),
        f"[bold]{headline(summaries)}[/]\n",
        *(f"• {sentence}" for sentence in findings(run, summaries)),
        f"\nreport: [bold]{outcome.report}[/]",
    )
    if open_:
        webbrowser.open(outcome.report.as_uri())


def main() -> None:
    """Run the command."""
    app()
