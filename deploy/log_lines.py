"""What a variant has written to its log groups, found again by what is in a line: a trace, say."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from deploy.catalog import find
from deploy.console import Screen
from deploy.model import Variant
from deploy.options import Json, Name, at_a_place
from deploy.places import Where

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient

# Every group of our templates is called so, or so and a slash and what writes to it.
PREFIX = "/nineways/"
MS_A_MINUTE = 60_000


@dataclass(frozen=True)
class Line:
    """One line: when it was written (UTC), by which part of the variant, and what."""

    at: str
    part: str
    text: str


def lines_of(
    variant: Variant, logs: "CloudWatchLogsClient", *, about: str, since_ms: int
) -> list[Line]:
    """Every line that has the text in it, oldest first; all lines when it is empty.

    Lines of one moment, such as a traceback's, stay as CloudWatch gives them.
    """
    found = [
        (event["timestamp"], part, event["message"].rstrip())
        for group, part in _groups(logs, [stack.name for stack in variant.stacks])
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=since_ms
        )
        for event in page["events"]
        # Not by CloudWatch's own patterns, in which half of all characters mean something.
        if about in event["message"]
    ]
    return [
        Line(datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds"), part, text)
        for at, part, text in sorted(found, key=itemgetter(0))
    ]


def _groups(logs: "CloudWatchLogsClient", stacks: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The log groups of stacks, each with the part that writes to it."""
    for stack in stacks:
        paginator = logs.get_paginator("describe_log_groups")
        for page in paginator.paginate(logGroupNamePrefix=f"{PREFIX}{stack}"):
            for group in page["logGroups"]:
                whose, _, part = group["logGroupName"].removeprefix(PREFIX).partition("/")
                if whose == stack:
                    yield group["logGroupName"], part or "service"


@at_a_place
def logs(
    name: Name,
    *,
    about: Annotated[
        str, typer.Option(metavar="TEXT", help="Only lines with this in them: an id, a trace.")
    ] = "",
    minutes: Annotated[int, typer.Option(min=1, help="How far to look back.")] = 60,
    where: Where,
    json: Json = False,
) -> None:
    """Print what a variant wrote to CloudWatch Logs; in the lab, functions and gateways do.

    [dim]$[/dim] nineways logs apigw-lambda --about 1-67891233-abcdef012345678912345678
    """
    variant = find(name)
    screen = Screen(as_json=json)
    place = where.open(screen)
    since_ms = int(time.time() * 1000) - minutes * MS_A_MINUTE
    found = lines_of(variant, place.clients.logs, about=about, since_ms=since_ms)
    told = [escape(f"{line.at} {line.part}: {line.text}") for line in found]
    screen.answer([asdict(line) for line in found], *(told or ["nothing was written"]))
