"""The `nineways` command: what is typed becomes a plan, and the plan is carried out on a place."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape
from rich.table import Column, Table
from typer.core import TyperGroup

from deploy.artifacts.cli import build_command
from deploy.bake_command import bake_command
from deploy.carry_out import carry_out
from deploy.catalog import VARIANTS, choose, find
from deploy.console import Screen, show_error
from deploy.errors import InterruptedByUserError
from deploy.lab.cli import app as lab_app
from deploy.log_lines import logs
from deploy.options import Json, Name, Names, Set, Yes, at_a_place
from deploy.places import On, Where
from deploy.plan import bring_up, lines, take_down
from deploy.probe import is_ready
from deploy.secrets import secret
from deploy.settings import settings_of, with_settings
from deploy.threads import run_in_turn, run_side_by_side

if TYPE_CHECKING:
    from deploy.account import AccountPlace
    from deploy.stack_states import StandingStack

EXIT_CODES = (
    "Exit codes: 0 done; 1 it failed, and the error says why; 2 what was typed cannot be done; "
    "3 the place is not there (no lab, no credentials); 4 you said no; 130 interrupted. "
    "With --json stdout holds one document: the answer, or the error as "
    '{"error": {"message", "cause", "try"}}.'
)


class Command(TyperGroup):
    """Ends with one clear error and its exit code; only a bug shows a traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  typer's own types are private
        """Run the command that was typed."""
        # Being asked to end is the same as Ctrl-C: what stands is said on the way out.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            show_error(InterruptedByUserError("interrupted"), as_json=as_json)
            raise typer.Exit(InterruptedByUserError.exit_code) from None
        except Exception as error:
            from deploy.explain import explained  # noqa: PLC0415  brings botocore along

            known = explained(error)
            if known is None:
                raise
            show_error(known, as_json=as_json)
            raise typer.Exit(known.exit_code) from error
        finally:
            signal.signal(signal.SIGTERM, before)


app = typer.Typer(
    name="nineways",
    cls=Command,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog=EXIT_CODES,
    help="""One service, put on AWS in nine ways, each by one command.

    Everything runs in the [bold]lab[/bold] on this machine unless you say [bold]--on aws[/bold].

    [dim]$[/dim] nineways list [dim]# what there is[/dim]
    [dim]$[/dim] nineways plan ec2-eip [dim]# what would be done[/dim]
    [dim]$[/dim] nineways up ec2-eip [dim]# do it; starts the lab when it is not up[/dim]
    [dim]$[/dim] curl $(nineways url ec2-eip)/whoami
    [dim]$[/dim] nineways down all
    """,
)


@app.command("list")
def list_variants(*, json: Json = False) -> None:
    """Show the variants, in the order of the tutorial."""
    # A name is there to be typed: it is never cut off.
    name = Column("variant", no_wrap=True)
    table = Table("#", name, "what it is", "scales", "burden", "known for")
    for v in VARIANTS:
        table.add_row(str(v.number), v.name, v.title, v.scalability, v.burden, v.known_for)
    facts = [
        {
            "name": v.name,
            "number": v.number,
            "title": v.title,
            "summary": v.summary,
            "artifacts": [artifact.value for artifact in v.artifacts],
            "stacks": [stack.name for stack in v.stacks],
            "scalability": v.scalability,
            "burden": v.burden,
            "known_for": v.known_for,
            "limits": v.limits,
        }
        for v in VARIANTS
    ]
    Screen(as_json=json).answer(facts, table)


@app.command()
def plan(names: Names, *, set_: Set = None, json: Json = False) -> None:
    """Print what `up` would do, and do nothing."""
    variants = with_settings(choose(names), settings_of(set_ or ()))
    steps = list(lines(bring_up(*variants)))
    Screen(as_json=json).answer(steps, "\n".join(steps))


@app.command()
@at_a_place
def up(
    names: Names,
    *,
    set_: Set = None,
    where: Where,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Bring variants up, or bring them up to date; several are done side by side.

    [dim]$[/dim] nineways up all
    [dim]$[/dim] nineways up alb-asg --set WarmPoolSize=1 --set TargetCpuPercent=40
    [dim]$[/dim] nineways up alb-ecs-fargate --on aws --region eu-west-1
    """
    variants = with_settings(choose(names), settings_of(set_ or ()))
    with Screen(as_json=json) as screen:
        place = where.open(screen, start=True, yes=yes)
        with saying_what_remains(place, where):
            # Where each change set is shown and confirmed, one comes after the other.
            together = run_in_turn if where.on is On.AWS and not yes else run_side_by_side
            carry_out(bring_up(*variants), place, around=screen.step, together=together)
        urls = {variant.name: place.url(variant.url) for variant in variants}
    table = Table("variant", Column("answers at", overflow="fold"))
    for name, url in urls.items():
        table.add_row(name, url)
    screen.answer([{"name": name, "url": url} for name, url in urls.items()], table)


@app.command()
@at_a_place
def down(
    names: Names,
    *,
    where: Where,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take variants down; with the last of them goes the foundation.

    [dim]$[/dim] nineways down ec2-eip
    [dim]$[/dim] nineways down all --on aws --yes
    """
    variants = choose(names)
    with Screen(as_json=json) as screen:
        place = where.open(screen)
        before = {stack.name for stack in place.standing()}
        plan = take_down(variants, standing=before)
        if not plan:
            screen.tell("nothing of it stands")
        elif where.on is On.AWS and not yes:
            screen.agree("\n".join(lines(plan)), "Delete all this?")
        with saying_what_remains(place, where):
            carry_out(plan, place, around=screen.step)
        after = {stack.name for stack in place.standing()}
    deleted, remaining = sorted(before - after), sorted(after)
    screen.answer(
        {"deleted": deleted, "remaining": remaining},
        f"deleted: {', '.join(deleted) or 'nothing'}",
        f"still there: {', '.join(remaining) or 'nothing'}",
    )


@app.command()
@at_a_place
def status(
    *,
    where: Where,
    json: Json = False,
) -> None:
    """Show which stacks stand, where they answer and whether they do."""
    with Screen(as_json=json) as screen:
        place = where.open(screen)
        with screen.doing("ask each variant"):
            rows = [_row(place, stack) for stack in place.standing()]
    table = Table("stack", "status", Column("answers at", overflow="fold"), "ready")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    screen.answer(rows, table if rows else f"nothing stands on {place.name}")


@app.command()
@at_a_place
def url(
    name: Name,
    *,
    where: Where,
    json: Json = False,
) -> None:
    """Print where a variant answers.

    [dim]$[/dim] curl $(nineways url ec2-eip)/whoami
    """
    variant = find(name)
    screen = Screen(as_json=json)
    place = where.open(screen)
    answer = place.url(variant.url)
    screen.answer({"name": variant.name, "url": answer}, escape(answer))


@app.command()
@at_a_place
def failover(
    name: Name,
    *,
    where: Where,
    json: Json = False,
) -> None:
    """Move the address of ec2-eip to its other instance, and time it.

    [dim]$[/dim] nineways failover ec2-eip
    """
    from deploy.failover import fail_over  # noqa: PLC0415  brings botocore along

    variant = find(name)
    with Screen(as_json=json) as screen:
        place = where.open(screen)
        with screen.doing("fail over"):
            done = fail_over(place, variant)
    table = Table.grid(padding=(0, 2))
    table.add_row("address", f"{done.address} (the same)")
    table.add_row("before", done.from_instance or "nobody")
    table.add_row("now", done.to_instance)
    table.add_row("moved after", f"{done.moved_s:.2f} s")
    table.add_row("answered after", f"{done.answered_s:.2f} s")
    screen.answer(asdict(done), table)


app.command("bake")(bake_command)
app.command("build")(build_command)
app.command()(secret)
app.command()(logs)
app.add_typer(lab_app, name="lab")


@contextmanager
def saying_what_remains(place: "AccountPlace", where: Where) -> Iterator[None]:
    """When the block is interrupted, say what stands: CloudFormation goes on without us."""
    try:
        yield
    except KeyboardInterrupt:
        remaining = [f"{stack.name} ({stack.status})" for stack in place.standing()]
        if not remaining:
            raise InterruptedByUserError("interrupted; nothing of ours stands") from None
        raise InterruptedByUserError(
            f"interrupted; these stacks remain: {', '.join(remaining)}",
            cause="CloudFormation finishes what it has begun",
            remedy=f"`nineways down all{where.typed}` removes them",
        ) from None


def _row(place: "AccountPlace", stack: "StandingStack") -> dict[str, object]:
    variant = next((v for v in VARIANTS if v.url.stack == stack.name), None)
    at = variant and stack.outputs.get(variant.url.key)
    reached = place.reach(at) if at else None
    ready = is_ready(reached) if reached else None
    return {"stack": stack.name, "status": stack.status, "url": reached, "ready": ready}


_SHORT = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}


def _cell(value: object) -> str:
    return _SHORT[value] if value in _SHORT else escape(str(value))
