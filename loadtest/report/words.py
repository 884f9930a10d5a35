"""What was found, in plain words, made from the numbers and from nothing else. Pure."""

from collections.abc import Sequence

from loadtest.digits import interval, share, three
from loadtest.run import Run, Verdict
from loadtest.summary import Summary

# From here on the requests waited for a core as much as for the service.
BUSY = 0.85
MEDIAN, TAIL = 50.0, 99.0
MAX_NAMES = 3


def headline(summaries: Sequence[Summary]) -> str:
    """The one sentence that somebody would tell a colleague."""
    match ranked(summaries, MEDIAN):
        case []:
            return "Nothing could be measured."
        case [only]:
            return f"{only.subject.name} answers half of its requests within {median(only)} ms."
        case [first, *others]:
            alike = [each for each in others if alike_at(first, each, MEDIAN)]
            slower = [each for each in others if each not in alike]
            if not alike:
                return (
                    f"{first.subject.name} answers fastest: {slower[0].subject.name}, the next, "
                    f"takes {times(slower[0], first)} as long at the median."
                )
            told = f"{counted([first, *alike])} answer equally fast, as far as this run can tell"
            match slower:
                case []:
                    return f"{told}."
                case [one]:
                    return f"{told}; {one.subject.name} takes {times(one, first)} as long."
                case [next_, *_, last]:
                    least, most = ratio(next_, first), ratio(last, first)
                    spread = f"{least} times" if least == most else f"{least} to {most} times"
                    return f"{told}; the other {len(slower)} take {spread} as long."
    raise AssertionError(summaries)


def median(summary: Summary) -> str:
    """A median as text."""
    return three(summary.latency_ms[MEDIAN].value)


def findings(run: Run, summaries: Sequence[Summary]) -> list[str]:
    """The sentences below the headline."""
    return [
        *medians(run, summaries),
        *tails(summaries),
        *errors(summaries),
        *messages(summaries),
        *unanswered(summaries),
        *cold(summaries),
        *not_loaded(summaries),
        *voids(summaries),
        *busy(summaries),
    ]


def medians(run: Run, summaries: Sequence[Summary]) -> list[str]:
    """What the medians are."""
    parts = [
        f"{each.subject.name} within {median(each)} ms ({interval(each.latency_ms[MEDIAN])})"
        for each in ranked(summaries, MEDIAN)
    ]
    if not parts:
        return []
    told = (
        f"At {run.load.rate:g} requests a second, half of the requests are answered by "
        f"{listed(parts)}; in brackets the 95 % confidence interval."
    )
    return [told]


def tails(summaries: Sequence[Summary]) -> list[str]:
    """How the slowest hundredth fares, which may be another order."""
    measured = ranked(summaries, TAIL)
    if len(measured) < 2:  # noqa: PLR2004 - two are needed to compare
        return []
    best, worst = measured[0], measured[-1]
    told = (
        f"One request in a hundred takes longer than {three(best.latency_ms[TAIL].value)} ms with "
        f"{best.subject.name} and {three(worst.latency_ms[TAIL].value)} ms with "
        f"{worst.subject.name}"
    )
    if alike_at(best, worst, TAIL):
        return [f"{told}, but these intervals overlap: more rounds would have to tell them apart."]
    return [f"{told}."]


def errors(summaries: Sequence[Summary]) -> list[str]:
    """Which failed, how often, and mostly how."""
    loaded = [each for each in summaries if each.sent]
    failing = [each for each in loaded if each.failed]
    if loaded and not failing:
        return [f"None of the {sum(each.sent for each in loaded):,} requests failed."]
    return [
        f"{each.subject.name} failed {each.failed:,} of {each.sent:,} requests "
        f"({share(each.failed, each.sent)}), mostly: "
        f"{max(each.errors, key=lambda error: each.errors[error])}."
        for each in failing
    ]


def messages(summaries: Sequence[Summary]) -> list[str]:
    """Whether the messages arrived."""
    counted = [e.subject.accounting for e in summaries if e.subject.accounting is not None]
    harmed = [
        f"Of {account.acknowledged:,} messages that {each.subject.name} acknowledged, "
        f"{account.lost:,} were not in the queue; there were {copies(account.duplicated)} too many."
        for each in summaries
        if (account := each.subject.accounting) is not None
        if account.lost + account.duplicated
    ]
    if harmed or not counted:
        return harmed
    total = sum(account.acknowledged for account in counted)
    return [f"Each of the {total:,} acknowledged messages was in the queue, exactly once."]


def unanswered(summaries: Sequence[Summary]) -> list[str]:
    """Whether messages arrived whose sender was told otherwise, or nothing."""
    return [
        f"{plural(account.unanswered, 'message')} of {each.subject.name} arrived without being "
        "acknowledged: who sends them again sends them twice."
        for each in summaries
        if (account := each.subject.accounting) is not None
        if account.unanswered
    ]


def cold(summaries: Sequence[Summary]) -> list[str]:
    """What a cold start costs."""
    return [
        f"A cold start of {each.subject.name} takes {three(each.cold_ms)} ms where a warm "
        f"request takes {three(each.warm_ms)} (medians of {len(each.subject.cold_starts)})."
        for each in summaries
        if each.cold_ms is not None and each.warm_ms is not None
    ]


def not_loaded(summaries: Sequence[Summary]) -> list[str]:
    """Who was left out, and why."""
    said = []
    for each in summaries:
        failed = [check for check in each.subject.checks if check.verdict is Verdict.FAILED]
        if failed:
            said.append(
                f"{each.subject.name} was not loaded: it failed {len(failed)} of "
                f"{len(each.subject.checks)} checks of the contract, first: {failed[0].promise} "
                f"({failed[0].reason})."
            )
    return said


def voids(summaries: Sequence[Summary]) -> list[str]:
    """Which rounds do not count."""
    return [
        f"{plural(each.void_rounds, 'round')} of {each.subject.name} "
        f"{'does' if each.void_rounds == 1 else 'do'} not count: the generator fell behind."
        for each in summaries
        if each.void_rounds
    ]


def busy(summaries: Sequence[Summary]) -> list[str]:
    """Whether the machine was the bottleneck."""
    busiest = max((each.machine_busy for each in summaries), default=0.0)
    if busiest < BUSY:
        return []
    told = (
        f"The machine was up to {busiest:.0%} busy during the rounds: part of each latency is "
        "waiting for a core. Try a lower --rate."
    )
    return [told]


def ranked(summaries: Sequence[Summary], percentile: float) -> list[Summary]:
    """Those that were measured, fastest first."""
    measured = [each for each in summaries if each.measured]
    return sorted(measured, key=lambda each: each.latency_ms[percentile].value)


def alike_at(one: Summary, other: Summary, percentile: float) -> bool:
    """Whether the intervals overlap."""
    return one.latency_ms[percentile].overlaps(other.latency_ms[percentile])


def counted(summaries: Sequence[Summary]) -> str:
    """Their names, or how many there are when those would be too many to read."""
    names = [each.subject.name for each in summaries]
    return listed(names) if len(names) <= MAX_NAMES else f"{len(names)} variants"


def listed(parts: Sequence[str]) -> str:
    """Join as people do.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def times(slower: Summary, faster: Summary) -> str:
    """How many times one median is the other, in words."""
    return f"{ratio(slower, faster)} times"


def ratio(slower: Summary, faster: Summary) -> str:
    """How many times one median is the other."""
    return f"{slower.latency_ms[MEDIAN].value / faster.latency_ms[MEDIAN].value:.1f}"


def plural(count: int, noun: str) -> str:
    """Count things.

    >>> plural(1, "round"), plural(2, "round")
    ('1 round', '2 rounds')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def copies(count: int) -> str:
    """Count copies.

    >>> copies(1), copies(0)
    ('1 copy', '0 copies')
    """
    return f"{count:,} {'copy' if count == 1 else 'copies'}"
