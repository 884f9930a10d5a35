"""What a load on one variant showed, in plain words, made from the numbers alone. Pure."""

from collections.abc import Iterator

from deploy.catalog import VARIANTS
from loadtest.digits import share, three
from loadtest.loaded import Loaded
from loadtest.timeline import Moment, ScaleOut, Step

P50, P99 = 50.0, 99.0

_STACKS = [variant.url.stack for variant in VARIANTS]

# What a step was, after the name of who took it.
_DID = {
    Step.LAUNCH: "is launched",
    Step.PROVISION: "runs",
    Step.HEALTHY: "is healthy",
    Step.FIRST_REQUEST: "is sent its first request",
    Step.FIRST_ANSWER: "gives its first answer",
}

# What was waited for until a step.
WAITS = {
    Step.BREACH: "to a data point above the target",
    Step.DETECT: "to the alarm",
    Step.DECIDE: "to the decision",
    Step.LAUNCH: "to the launch",
    Step.PROVISION: "until it ran",
    Step.HEALTHY: "until it was healthy",
    Step.FIRST_REQUEST: "to its first request",
    Step.FIRST_ANSWER: "to its first answer",
}

# The lab shortens what it knows of AWS's delays: metrics, alarms, starts of machines. A health
# check's interval is the template's, and a service starts as fast as this machine lets it.
SHORTENED = frozenset({Step.BREACH, Step.DETECT, Step.DECIDE, Step.LAUNCH, Step.PROVISION})


def called(scaled: str) -> str:
    """A group or a service by its own name, without the names of its cluster and its stack.

    >>> called("service/nineways-alb-ecs-fargate-Cluster/nineways-alb-ecs-fargate-WebService")
    'service WebService'
    >>> called("group/nineways-alb-asg")
    'group'
    """
    kind, _, path = scaled.partition("/")
    own = path.rpartition("/")[2]
    for stack in _STACKS:
        own = own.removeprefix(stack).lstrip("-")
    return f"{kind} {own}".strip()


def moment_said(moment: Moment) -> str:
    """One moment, but for when it was."""
    if moment.step is Step.LOAD:
        return f"from here on, {moment.said} are offered"
    return f"{moment.machine or called(moment.scaled)} {_did(moment)}"


def _did(moment: Moment) -> str:
    match moment.step:
        case Step.BREACH:
            return f"is above its target, {moment.said}"
        case Step.DETECT:
            return f"has its alarm on, {moment.said}"
        case Step.RELAX:
            return f"has its alarm off, {moment.said}"
        case Step.DECIDE:
            return f"shall have {moment.desired} instead of {moment.before}, for {moment.said}"
        case Step.GONE:
            return f"is {moment.said or 'gone'}"
        case _:
            return _DID[moment.step]


def sentences(loaded: Loaded) -> list[str]:
    """The report: what became of the requests, and whether and how fast it scaled."""
    return [*_requests(loaded), *_scaling(loaded), *_messages(loaded), *_reservations(loaded)]


def _requests(loaded: Loaded) -> Iterator[str]:
    for each in loaded.stretches:
        if not each.sent:
            yield f"At {each.name}, nothing was sent."
        elif not each.good:
            yield f"At {each.name}, none of the {each.sent:,} requests was answered as it should."
        else:
            failed = f"{each.failed:,} failed ({share(each.failed, each.sent)})"
            yield (
                f"At {each.name} for {each.seconds:.0f} s, {each.good:,} of {each.sent:,} requests "
                f"were answered, half of them within {three(each.latency_ms[P50])} ms and 99 % "
                f"within {three(each.latency_ms[P99])} ms; "
                f"{failed if each.failed else 'none failed'}."
            )


def _scaling(loaded: Loaded) -> Iterator[str]:
    if loaded.environment.place != "lab":
        yield "How it scales is seen in a lab only; here, only what was answered."
        return
    if not loaded.scaled:
        yield f"No group and no service of {loaded.target} scales: it met the load as it stood."
        return
    for name in loaded.scaled:
        outs = [out for out in loaded.timeline.scale_outs if out.scaled == name]
        yield from (_scale_out(out) for out in outs)
        if not outs:
            yield _no_scale_out(name, loaded)
    yield (
        f"The lab is {loaded.environment.speed:g} times as fast as AWS in its metrics, alarms and "
        "machine starts; health checks take as long here as there."
    )


def _scale_out(out: ScaleOut) -> str:
    told = f"{called(out.scaled)} went from {out.before} to {out.desired}"
    parts = [f"{took_s:.1f} s {WAITS[step]}" for step, took_s in out.took_s.items()]
    if out.last_decision_s is not None:
        parts[0] += f" after the one at {out.last_decision_s:.1f} s"
    if served_s := out.after_s(Step.FIRST_ANSWER, Step.FIRST_REQUEST):
        told += f", and a new copy served {served_s:.1f} s after the load had changed"
    elif ran_s := out.after_s(Step.PROVISION):
        told += f", and a new machine ran {ran_s:.1f} s after the load had changed"
    else:
        told += ", and no new machine was seen to run before the load ended"
    return f"{told}: {', '.join(parts)}."


def _no_scale_out(name: str, loaded: Loaded) -> str:
    moments = [moment for moment in loaded.timeline.moments if moment.scaled == name]
    alarms = [moment for moment in moments if moment.step is Step.DETECT]
    breaches = [moment for moment in moments if moment.step is Step.BREACH]
    who = called(name)
    if alarms:
        return f"{who} did not grow, though its alarm went on at {alarms[0].at_s:.1f} s."
    if breaches:
        return (
            f"{who} did not grow: above its target from {breaches[0].at_s:.1f} s on, "
            f"but not for long enough, or the load ended first."
        )
    return f"{who} did not grow: no data point above its target came before the load ended."


def _messages(loaded: Loaded) -> Iterator[str]:
    if account := loaded.accounting:
        found = f"Of {account.acknowledged:,} acknowledged messages, {account.lost:,} were missing"
        yield f"{found} from the queue and {account.duplicated:,} were in it twice."


def _reservations(loaded: Loaded) -> Iterator[str]:
    if loaded.fell_behind:
        yield f"Part of the latency is the generator's own: {loaded.fell_behind}."
    if loaded.was_interrupted:
        yield f"It was interrupted after {loaded.lasted_s:.0f} of {loaded.seconds:g} s."
