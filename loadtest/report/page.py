"""Put the page together: summaries, words and charts into one HTML file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from loadtest import archive
from loadtest.digits import interval, share, three
from loadtest.generator import LATENESS_BOUND_MS
from loadtest.report import charts, palette, words
from loadtest.run import Check, Environment, Run, Verdict
from loadtest.summary import Summary, summarise

FILE = "report.html"
HERE = Path(__file__).parent

CANNOT = (
    "How fast AWS is. All variants share one machine here, with no network between their parts.",
    "How they scale. More instances, tasks or functions get no more cores.",
    "What API Gateway and Lambda themselves add: the emulator does less than they do.",
    "How durable SQS is: the emulator keeps its messages in memory.",
)

PLACES = {"lab": "the lab, this machine", "aws": "AWS"}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    summary: Summary
    colour: str

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return sum(check.verdict is Verdict.PASSED for check in self.summary.subject.checks)

    @property
    def skipped(self) -> int:
        """How many checks could not be made."""
        return sum(check.verdict is Verdict.SKIPPED for check in self.summary.subject.checks)

    @property
    def not_promised(self) -> int:
        """How many checks it does not promise to pass, and does not."""
        return sum(check.verdict is Verdict.NOT_PROMISED for check in self.summary.subject.checks)

    @property
    def failed_checks(self) -> list[Check]:
        """Those that failed."""
        return [c for c in self.summary.subject.checks if c.verdict is Verdict.FAILED]


def write_report(folder: Path) -> Path:
    """Make the page from a run's folder, into that folder."""
    path = folder / FILE
    path.write_text(render(Run.read(folder), archive.read(folder)), encoding="utf-8")
    return path


def render(run: Run, samples: archive.Samples) -> str:
    """The whole page."""
    summaries = summarise(run, samples)
    series = charts.series_of(run, samples, summaries)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            run=run,
            rows=rows(summaries),
            headline=words.headline(summaries),
            findings=words.findings(run, summaries),
            place=PLACES.get(run.environment.place, run.environment.place),
            charts={
                "percentiles": charts.percentiles(series),
                "distribution": charts.distribution(series),
                "over_time": charts.over_time(series),
            }
            if series
            else None,
            cold_chart=charts.cold_and_warm(summaries)
            if any(each.subject.cold_starts for each in summaries)
            else None,
            any_cold=any(each.subject.cold_starts for each in summaries),
            any_errors=any(each.failed for each in summaries),
            any_void=any(each.void_rounds for each in summaries),
            environment=described(run.environment),
            cannot=CANNOT,
            lateness_bound=LATENESS_BOUND_MS,
            light=palette.variables(dark=False),
            dark=palette.variables(dark=True),
            css=(HERE / "page.css").read_text(encoding="utf-8"),
        )
    )


def environment() -> jinja2.Environment:
    """Where the template comes from, and what it may call."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    templates.filters |= {"three": three, "interval": interval}
    templates.globals |= {"share": share}
    return templates


def rows(summaries: Sequence[Summary]) -> list[Row]:
    """Each subject with the colour that the charts give it."""
    return [
        Row(summary, palette.as_css(palette.SERIES[n % len(palette.SERIES)]))
        for n, summary in enumerate(summaries)
    ]


def described(facts: Environment) -> list[tuple[str, str]]:
    """The environment as names and values."""
    return [
        ("processor", f"{facts.machine}, {facts.cores} cores"),
        ("memory", f"{facts.memory_gib:g} GiB"),
        ("system", facts.system),
        ("Python", facts.python),
        ("Locust", facts.locust),
        ("nineways", f"{facts.project} {facts.revision}".strip()),
    ]
