"""`nineways lab fault`: let something go wrong, see what is wrong, heal it."""

import re
from typing import Annotated, TypeAlias

import typer
from rich.markup import escape
from rich.table import Table

from deploy.console import Screen
from deploy.errors import BadInputError
from deploy.lab import control
from deploy.lab.faults import Fault, Kind
from deploy.lab.folder import folder_of
from deploy.lab.options import Json, Name
from deploy.lab.sabotage.orders import Orders
from deploy.lab.sabotage.targets import Machine, choose
from deploy.lab.status import LABS

app = typer.Typer(
    name="fault",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""Let something go wrong in the lab, until it is healed or the lab goes down.

    TARGET is an instance or a task by its id, the beginning of its id, or its address; or a
    variant, which means the machines that serve it. `nineways lab status` shows them all.

    [dim]$[/dim] nineways lab fault kill ec2-eip --one
    [dim]$[/dim] nineways lab fault slow i-0a1b --share 2%
    [dim]$[/dim] nineways lab fault queue --fail 30%
    [dim]$[/dim] nineways lab fault heal
    """,
)

QUEUE = "queue"

Target: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="TARGET", help="An id or its beginning, an address, or a variant."),
]
One: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--one",
        help="Of a variant's machines the one that its Elastic IP leads to, or any.",
    ),
]
All: TypeAlias = Annotated[bool, typer.Option("--all", help="All of a variant's machines.")]


def share(text: str) -> float:
    """Read a share.

    >>> share("30%"), share("2.5")
    (0.3, 0.025)
    """
    if match := re.fullmatch(r"(\d+(?:\.\d+)?) ?%?", text):
        percent = float(match[1])
        if percent <= 100:  # noqa: PLR2004  all
            return percent / 100
    raise BadInputError(f"{text!r} is no share", remedy="0% to 100%, such as 30%")


@app.command()
def kill(
    target: Target,
    *,
    one: One = False,
    every: All = False,
    name: Name = "default",
    json: Json = False,
) -> None:
    """Pull the plug: everything on the machine ends at once, and with an instance its tasks.

    It stays dead. What replaces it is up to the variant: a service or a group starts another
    one, of ec2-eip `nineways failover` moves the address, of ec2-route53 a health check fails.
    """
    orders = _orders(name)
    chosen = _choose(orders, target, one=one, every=every)
    orders.kill(chosen)
    Screen(as_json=json).answer(
        [{"target": machine.id, "fault": "killed"} for machine in chosen],
        *(f"{escape(str(machine))} is dead" for machine in chosen),
    )


@app.command()
def freeze(
    target: Target,
    *,
    one: One = False,
    every: All = False,
    name: Name = "default",
    json: Json = False,
) -> None:
    """Stop every process of a machine in its tracks, as a hung host would.

    Connections are still made, by the kernel, but nobody answers: clients run into their
    read time-outs, health checks into theirs.
    """
    _afflict(target, Fault(Kind.FREEZE), one=one, every=every, name=name, json=json)


@app.command()
def slow(  # noqa: PLR0913  what can be typed
    target: Target,
    *,
    part: Annotated[
        str, typer.Option("--share", metavar="PERCENT", help="Of the time that it still runs.")
    ] = "5%",
    one: One = False,
    every: All = False,
    name: Name = "default",
    json: Json = False,
) -> None:
    """Let a machine run for a small share of the time, in turns of 10 ms.

    It is stopped in between, busy or idle, like a virtual machine that its host does not come to
    run (steal time): with 5 % the smallest request takes 0.1 to 0.4 s, and a processor does a
    twentieth. A smaller share is slower. Delays of the network are not simulated: without root
    there is nothing to do it with.
    """
    runs = share(part)
    if not runs:
        raise BadInputError("a machine that runs 0% of the time is frozen", remedy="`freeze` it")
    _afflict(target, Fault(Kind.SLOW, runs), one=one, every=every, name=name, json=json)


@app.command()
def disconnect(
    target: Target,
    *,
    one: One = False,
    every: All = False,
    name: Name = "default",
    json: Json = False,
) -> None:
    """Cut a machine off from the network, while it runs on.

    Its sockets drop all that arrives, so that connecting to it takes until the time-out, also
    from the machine itself; its requests to AWS get no answer. What was under way when it is
    healed goes on.
    """
    _afflict(target, Fault(Kind.DISCONNECT), one=one, every=every, name=name, json=json)


@app.command()
def queue(
    *,
    fail: Annotated[str, typer.Option("--fail", metavar="PERCENT", help="Of the calls; 0% heals.")],
    name: Name = "default",
    json: Json = False,
) -> None:
    """Let SQS answer a share of all calls with 503 ServiceUnavailable.

    SDKs try again: of calls that are made three times at most, 30 % failing leaves 2.7 %.
    Spared is what reads a queue inside of AWS, such as a function's event source.
    """
    failing = share(fail)
    _orders(name).fail_queue(failing)
    _show(name, json=json)


@app.command("list")
def list_faults(*, name: Name = "default", json: Json = False) -> None:
    """Show what is wrong at the moment."""
    _show(name, json=json)


@app.command()
def heal(
    target: Annotated[
        str,
        typer.Argument(
            metavar="[TARGET]", help="A target as above, or `queue`; without it, everything."
        ),
    ] = "",
    *,
    name: Name = "default",
    json: Json = False,
) -> None:
    """Take faults away. What was killed stays dead."""
    orders = _orders(name)
    if target in {"", QUEUE}:
        orders.heal_queue()
    if target != QUEUE:
        ill = control.status(name).faults.get("machines", {})
        wrong = [machine for machine in orders.machines() if machine.id in ill]
        orders.heal(choose(target, wrong, every=True) if target else wrong)
    _show(name, json=json)


def _orders(name: str) -> Orders:
    return Orders(control.status(name).must_be_up().endpoint_url, folder_of(name, LABS))


def _choose(orders: Orders, target: str, *, one: bool, every: bool) -> list[Machine]:
    if one and every:
        raise BadInputError("--one and --all contradict each other", remedy="give one of them")
    return choose(target, orders.machines(), one=one, every=every)


def _afflict(  # noqa: PLR0913  what was typed
    target: str, fault: Fault, *, one: bool, every: bool, name: str, json: bool
) -> None:
    orders = _orders(name)
    orders.afflict(_choose(orders, target, one=one, every=every), fault)
    _show(name, json=json)


def _show(name: str, *, json: bool) -> None:
    faults = control.status(name).faults
    machines = {machine.id: machine for machine in _orders(name).machines()}
    rows = [
        {
            "target": machine_id,
            "variant": machines[machine_id].variant,
            "address": machines[machine_id].address,
            **document,
        }
        for machine_id, document in faults.get("machines", {}).items()
        if machine_id in machines
    ]
    table = Table("target", "variant", "address", "fault")
    for row in rows:
        table.add_row(row["target"], row["variant"], row["address"], str(Fault.of(row)))
    if queue := faults.get("queue"):
        rows.append({"target": QUEUE, "kind": "fail", "share": queue["fail"]})
        table.add_row(QUEUE, "", "", f"fails {queue['fail']:.0%} of its calls")
    Screen(as_json=json).answer(rows, table if rows else "nothing is wrong")
