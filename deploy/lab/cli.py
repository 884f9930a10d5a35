"""`nineways lab`: bring a lab up and down, see how it is, read what it says."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, TypeAlias

import typer
from rich.markup import escape
from rich.table import Table

from deploy.console import Screen
from deploy.errors import NinewaysError
from deploy.lab import control
from deploy.lab.addresses import Addresses
from deploy.lab.delays import DEFAULT_SPEED, DELAYS
from deploy.lab.options import Json, Name
from deploy.lab.sabotage.cli import app as faults_app
from deploy.lab.status import EdgeStatus, LabStatus

app = typer.Typer(
    name="lab",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="The lab: AWS on this machine, for as long as you need it.",
)

app.add_typer(faults_app, name="fault")

Speed: TypeAlias = Annotated[
    float,
    typer.Option(
        "--speed",
        min=0.1,
        max=1000,
        help="How many times faster than AWS instances boot, tasks start and addresses move.",
    ),
]
Octet: TypeAlias = Annotated[
    int | None,
    typer.Option("--octet", min=1, max=254, help="Use 127.OCTET.0.0/16, not the first free one."),
]

_COLOURS = {
    **dict.fromkeys(("up", "running", "healthy"), "green"),
    **dict.fromkeys(("starting", "restarting", "degraded", "initial", "draining"), "yellow"),
    **dict.fromkeys(("lost", "failed", "dead", "given up", "exited", "unhealthy"), "red"),
}


@app.command()
def up(
    *,
    name: Name = "default",
    speed: Speed = DEFAULT_SPEED,
    octet: Octet = None,
    json: Json = False,
) -> None:
    """Start the lab; when it is up already, say so.

    [dim]$[/dim] nineways lab up --speed 1 [dim]# wait as long as on AWS[/dim]
    """
    with Screen(as_json=json) as screen, screen.doing(f"start the lab {name!r}"):
        info = control.up(name, speed=speed, octet=octet, tell=screen.tell)
    shown = Table.grid(padding=(0, 2))
    shown.add_row("endpoint", info.endpoint_url)
    shown.add_row("addresses", f"127.{info.octet}.0.0/16")
    dns_address, dns_port = Addresses(info.octet).dns
    shown.add_row("name server", f"{dns_address}, port {dns_port}")
    shown.add_row("speed", f"{info.speed:g} times AWS")
    screen.answer({**asdict(info), "endpoint_url": info.endpoint_url}, shown)


@app.command()
def down(
    *,
    name: Name = "default",
    everything: Annotated[bool, typer.Option("--all", help="Every lab of this project.")] = False,
    json: Json = False,
) -> None:
    """Stop the lab and everything in it; ends with 1 when something remains."""
    remains: dict[str, list[str]] = {}
    with Screen(as_json=json) as screen:
        for each in control.names() if everything else [name]:
            with screen.doing(f"stop the lab {each!r}"):
                remains[each] = control.down(each, tell=screen.tell)
    left = [what for each in remains.values() for what in each]
    if left:
        raise NinewaysError(f"something remains: {', '.join(left)}")
    screen.answer({"remains": remains})


@app.command()
def status(*, name: Name = "default", json: Json = False) -> None:
    """Show the lab's parts and machines; ends with 3 when it is not up."""
    found = control.status(name)
    screen = Screen(as_json=json)
    screen.answer({**asdict(found), "delays": _delays(found)}, *_shown(found))
    if found.state not in {"up", "degraded"}:
        raise typer.Exit(3)


@app.command()
def logs(
    part: Annotated[
        str,
        typer.Argument(metavar="PART", help="A part or a machine; without it, what there is."),
    ] = "",
    *,
    name: Name = "default",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
    json: Json = False,
) -> None:
    """Print what a part or a machine has written.

    [dim]$[/dim] nineways lab logs fleet --follow
    """
    screen = Screen(as_json=json)
    if not part:
        files = control.log_names(name)
        screen.answer(files, "\n".join(files) or f"lab {name} has no logs")
        return
    lines = control.logs(name, part, follow=follow)
    if json and not follow:
        screen.answer(list(lines))
        return
    for line in lines:
        typer.echo(line)


def _delays(found: LabStatus) -> Mapping[str, float]:
    speed = found.info.speed if found.info else DEFAULT_SPEED
    return {delay.name: delay.aws_s / speed for delay in DELAYS}


def _shown(found: LabStatus) -> list[Any]:
    head = f"lab {found.name} is [bold]{_coloured(found.state)}[/]"
    if found.info:
        head += f" on {found.info.endpoint_url}, {found.info.speed:g} times as fast as AWS"
    # A log's last words may hold brackets, which rich would take for its own.
    shown: list[Any] = [head, *([escape(found.advice)] if found.advice else [])]
    if found.info is None:
        return shown
    parts = Table("part", "state", "process", "restarts")
    for part, how in found.info.parts.items():
        parts.add_row(part, _coloured(how.state), str(how.pid or ""), str(how.restarts))
    machines = Table("machine", "kind", "address", "state", "process", "fault", "why")
    for machine, values in found.machines.items():
        machines.add_row(*_machine_row(machine, values))
    shown += [parts, *([machines] if found.machines else []), *_targets(found.edge)]
    if queue := found.faults.get("queue"):
        shown.append(f"[red]the queue fails {queue['fail']:.0%} of its calls[/]: `lab fault heal`")
    return [*shown, *_edge_lines(found.edge)]


def _targets(edge: EdgeStatus) -> list[Table]:
    """A row for each target of a load balancer."""
    table = Table("target group", "target", "state", "why")
    for arn, targets in edge.targets.items():
        for target, how in targets.items():
            state = how["state"]
            table.add_row(arn.split("/")[-2], target, _coloured(state), how.get("reason", ""))
    return [table] if table.row_count else []


def _machine_row(machine: str, how: Mapping[str, Any]) -> tuple[str, ...]:
    code = how["exit_code"]
    why = escape(how["reason"] or "") or ("" if code is None else f"exit code {code}")
    state = _coloured(how["state"])
    fault = f"[red]{how['fault'] or ''}[/]"
    return (machine, how["kind"], how["address"], state, str(how["pid"] or ""), fault, why)


def _edge_lines(edge: EdgeStatus) -> list[str]:
    return [
        *(f"[yellow]the edge:[/] {escape(what)}" for what in edge.complaints),
        *(f"[yellow]not done by this lab:[/] {escape(what)}" for what in edge.unsupported),
        *(
            f"[red]Envoy refused our {kind} {times} times:[/] `nineways lab logs envoy` says why"
            for kind, times in edge.rejected.items()
            if times
        ),
    ]


def _coloured(state: str) -> str:
    return f"[{_COLOURS.get(state, 'dim')}]{state}[/]"
