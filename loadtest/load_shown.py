"""A load on one variant, on the terminal and as JSON for programs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from loadtest.digits import three
from loadtest.load_words import SHORTENED, WAITS, called, moment_said
from loadtest.loaded import Loaded
from loadtest.shown import NOTHING, a_table, share_failed
from loadtest.timeline import ScaleOut

# What does not fit is in timeline.json.
MOST_MOMENTS = 40


def tables(loaded: Loaded) -> Iterator[Table]:
    """What became of the requests, what happened when, and how long each step took."""
    yield requests(loaded)
    yield moments(loaded)
    for out in loaded.timeline.scale_outs:
        yield steps(out, loaded.environment.speed or 1.0)


def requests(loaded: Loaded) -> Table:
    """A row for each stretch of the load."""
    table = a_table(
        f"{loaded.target}, {loaded.scenario}: latency in ms from when a request was due",
        ("s", "offered/s", "answered/s", "errors", "p50", "p90", "p99", "max"),
    )
    for each in loaded.stretches:
        table.add_row(
            f"[bold]{escape(each.name)}[/]",
            f"{each.seconds:.0f}",
            three(each.asked / each.seconds),
            three(each.good / each.seconds),
            share_failed(each.failed, each.sent),
            *(three(value) for value in each.latency_ms.values() or ()),
            *([three(each.max_ms)] if each.good else [NOTHING] * 4),
        )
    return table


def moments(loaded: Loaded) -> Table:
    """What happened when."""
    table = Table.grid(padding=(0, 2))
    table.title, table.title_justify, table.title_style = "timeline", "left", ""
    table.add_column(justify="right")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    told = loaded.timeline.moments
    for moment in told[:MOST_MOMENTS]:
        table.add_row(f"{moment.at_s:.1f} s", moment.step, escape(moment_said(moment)))
    if len(told) > MOST_MOMENTS:
        table.add_row("", "", f"and {len(told) - MOST_MOMENTS} more")
    return table


def steps(out: ScaleOut, speed: float) -> Table:
    """How long each step of a scale-out took, here and as good as on AWS."""
    table = a_table(
        f"{called(out.scaled)}: {out.before} → {out.desired}", ("at s", "took s", "on AWS about s")
    )
    for step, took_s in out.took_s.items():
        there_s = took_s * speed if step in SHORTENED else took_s
        table.add_row(WAITS[step], f"{out.at_s[step]:.1f}", f"{took_s:.1f}", f"{there_s:.0f}")
    return table


def as_json(loaded: Loaded, folder: Path) -> dict[str, Any]:
    """The same for programs; what there is for each second is in timeline.json."""
    told = loaded.model_dump(mode="json", exclude={"each_second", "copies"})
    for out, dumped in zip(loaded.timeline.scale_outs, told["timeline"]["scale_outs"], strict=True):
        dumped["took_s"] = out.took_s
    return {**told, "folder": str(folder)}
