"""Results on the terminal, and as JSON for programs."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from loadtest.digits import interval, share, three
from loadtest.figures import PERCENTILES, Estimate
from loadtest.run import Check, Run, Verdict
from loadtest.summary import Summary

NOTHING = "-"

MARKS = {
    Verdict.PASSED: "[green]✓[/]",
    Verdict.FAILED: "[bold red]✗[/]",
    Verdict.SKIPPED: "[yellow]-[/]",
    Verdict.NOT_PROMISED: "[dim]○[/]",
}


def checks_shown(name: str, checks: Sequence[Check]) -> str:
    """A line a check, the contract's first, then a block a feature, then the sum."""
    lines = [f"[bold]{escape(name)}[/]"]
    for feature, group in groupby(checks, key=lambda check: check.feature):
        if feature:
            lines.append(f"  [dim]with {escape(feature)}[/]")
        for check in group:
            lines.append(f"{MARKS[check.verdict]} {escape(check.promise)}")
            if check.reason:
                lines.append(f"    {escape(check.reason)}")
    return "\n".join([*lines, f"  {summed(checks)}"])


def summed(checks: Iterable[Check]) -> str:
    """How many of how many, and why not the others: `22 of 28; 6 not promised: docs, …`."""
    told = list(checks)
    by_verdict = {
        verdict: [check.name for check in told if check.verdict is verdict] for verdict in Verdict
    }
    parts = [f"{len(by_verdict[Verdict.PASSED])} of {len(told)}"]
    for verdict in (Verdict.FAILED, Verdict.NOT_PROMISED, Verdict.SKIPPED):
        if names := by_verdict[verdict]:
            words = verdict.value.replace("-", " ")
            parts.append(f"{len(names)} {words}: {', '.join(names)}")
    return escape("; ".join(parts))


def all_summed(results: Mapping[str, Sequence[Check]]) -> str:
    """A line a target, for those who verified several."""
    width = max(map(len, results))
    lines = ["", "[bold]in sum[/]"]
    for name, checks in results.items():
        failed = any(check.verdict is Verdict.FAILED for check in checks)
        mark = MARKS[Verdict.FAILED if failed else Verdict.PASSED]
        lines.append(f"{mark} {escape(name.ljust(width))}  {summed(checks)}")
    return "\n".join(lines)


def tables(run: Run, summaries: Sequence[Summary]) -> list[Table]:
    """The comparison, a row a subject: how fast, and what became of everything.

    Two tables, for one would not fit into 80 columns.
    """
    load = run.load
    latency = a_table(
        f"{load.scenario} at {load.rate:g} requests/s: latency in ms from the intended start",
        ("p50", "p90", "p99", "max"),
    )
    fate = a_table(
        "what became of the requests",
        ("offered/s", "achieved/s", "errors", "messages", "cold ms", "warm ms"),
    )
    for each in summaries:
        name = f"[bold]{escape(each.subject.name)}[/]"
        if each.sent:
            latency.add_row(name, *(estimated(e) for e in percentiles(each)), three(each.max_ms))
            fate.add_row(
                name,
                three(each.offered_per_s),
                three(each.achieved_per_s),
                errors(each),
                messages(each),
                three(each.cold_ms) if each.cold_ms else NOTHING,
                three(each.warm_ms) if each.warm_ms else NOTHING,
            )
        else:
            latency.add_row(name, *[NOTHING] * 4)
            fate.add_row(name, "[red]not loaded[/]", *[NOTHING] * 5)
    return [latency, fate]


def a_table(title: str, columns: Iterable[str]) -> Table:
    """Names to the left, figures to the right."""
    shown = Table(
        title=title,
        title_justify="left",
        title_style="",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    shown.add_column("", no_wrap=True)
    for column in columns:
        shown.add_column(column, justify="right", no_wrap=True)
    return shown


def percentiles(each: Summary) -> list[Estimate | None]:
    """Those that the table shows."""
    return [each.latency_ms.get(p) for p in PERCENTILES]


def estimated(estimate: Estimate | None) -> str:
    """A figure and its interval."""
    if estimate is None:
        return NOTHING
    return f"{three(estimate.value)} [dim]({interval(estimate)})[/]"


def errors(each: Summary) -> str:
    """How many, and which share."""
    return share_failed(each.failed, each.sent)


def share_failed(failed: int, sent: int) -> str:
    """How many, and which share."""
    return f"[bold red]{failed}[/] ({share(failed, sent)})" if failed else "0"


def messages(each: Summary) -> str:
    """What became of the messages."""
    account = each.subject.accounting
    if account is None:
        return "[dim]not counted[/]"
    if account.lost or account.duplicated:
        return f"[bold red]{account.lost:,} lost, {account.duplicated:,} twice[/]"
    return f"[green]✓[/] {account.acknowledged:,} found"


def as_json(run: Run, summaries: Sequence[Summary], *, report: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "run": run.id,
        "report": report,
        "load": run.load.model_dump(mode="json"),
        "environment": run.environment.model_dump(mode="json"),
        "variants": [summary_json(each) for each in summaries],
        "void_rounds": [round_.model_dump(mode="json") for round_ in run.rounds if round_.void],
    }


def summary_json(each: Summary) -> dict[str, Any]:
    """One subject."""
    subject = each.subject
    return {
        "name": subject.name,
        "url": subject.url,
        "version": subject.version,
        "verified": subject.verified,
        "failed_checks": [
            check.model_dump(mode="json")
            for check in subject.checks
            if check.verdict is Verdict.FAILED
        ],
        "rounds": each.rounds,
        "sent": each.sent,
        "offered_per_s": each.offered_per_s,
        "achieved_per_s": each.achieved_per_s,
        "errors": dict(each.errors),
        "latency_ms": {
            f"p{p:g}": {"value": e.value, "low": e.low, "high": e.high}
            for p, e in each.latency_ms.items()
        },
        "max_ms": each.max_ms,
        "cold_ms": each.cold_ms,
        "warm_ms": each.warm_ms,
        "messages": subject.accounting.model_dump() if subject.accounting else None,
        "machine_busy": each.machine_busy,
    }
