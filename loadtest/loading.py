"""Load one variant with real tools, watch what is behind it, and keep what was seen.

Interrupted, it stops the generator and keeps what was measured until then.
"""

import math
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deploy.console import Screen
from loadtest import archive
from loadtest.accounting import account
from loadtest.behind import Behind, Capacity
from loadtest.compare import SEARCH_S, SWEEP_S, new_id
from loadtest.conduct import RESULTS
from loadtest.generating import Kept, Order, generating, has_ended
from loadtest.generator import GRACE_S, GeneratorFailedError, Offered, Usage
from loadtest.live import Frame, Recent, view_on
from loadtest.load_words import moment_said
from loadtest.loaded import Copies, Loaded, each_second, stretches
from loadtest.run import Accounting, Environment
from loadtest.samples import Sample, Tail
from loadtest.scenarios import RUN_ATTRIBUTE, Leg
from loadtest.shapes import schedule
from loadtest.targets import Target
from loadtest.timeline import Seen, Step, timeline

# How often is looked.
LOOK_EVERY_S = 0.5
# The one leg there is.
ROUND = 1


@dataclass(frozen=True)
class Outcome:
    """What a load left."""

    loaded: Loaded
    folder: Path
    timeline: Path


@dataclass
class Watch:
    """One load under way: what has been seen so far."""

    due: Sequence[float]
    tail: Tail
    behind: Behind
    seen: list[tuple[float, Capacity]] = field(default_factory=list)
    told: int = 0
    answered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.recent = Recent(self.due)

    def look(self, now_s: float) -> Frame:
        """Look once; `now_s` is in seconds since 1970."""
        new, capacities = self.tail.new(), self.behind.look()
        self.seen += [(now_s, capacity) for capacity in capacities]
        self.recent.add(new)
        began_s = self.recent.began_s
        at_s = None if began_s is None else now_s - began_s
        news = () if began_s is None else tuple(self._news(new, began_s))
        return Frame(at_s, self.recent.figures(now_s), capacities, news)

    def _news(self, new: Sequence[Sample], began_s: float) -> Iterator[str]:
        """Tell what has happened since the last look, each once."""
        events = self.behind.events()
        known = self.behind.there_before | self.answered
        seen = Seen(events[self.told :], new, known)
        self.told = len(events)
        for moment in timeline((), seen, began_s=began_s).moments:
            if moment.step is Step.FIRST_ANSWER:
                self.answered.add(moment.machine)
            yield f"{moment.at_s:6.1f} s  {moment_said(moment)}"


def conduct(
    order: Order, behind: Behind, environment: Environment, screen: Screen, *, out: Path | None
) -> Outcome:
    """Load the target, and write what was seen into a folder of the run's own.

    Interrupted, the outcome is what was measured until then.

    Raises:
        KeyboardInterrupt: Nothing had been measured yet.
        GeneratorFailedError: Locust ended without samples.
    """
    leg = Leg(new_id(datetime.now(UTC)), order.target.name, ROUND)
    folder = out or RESULTS / leg.run
    kept = Kept(folder)
    watch = Watch(schedule(order.shape, seconds=order.seconds), Tail(kept.samples), behind)
    before, is_interrupted = Usage.now(), False
    try:
        # From here on there is something to clear away, however early Ctrl-C comes.
        folder.mkdir(parents=True, exist_ok=True)
        # Of a run that was killed before.
        kept.samples.unlink(missing_ok=True)
        with generating(order, leg, kept) as process:
            watch_until_end(process, watch, order, screen)
    except KeyboardInterrupt:
        is_interrupted = True
    # One that came to its end on its own lasted its time: Locust leaves with the last answer.
    ended_s = time.time() if is_interrupted else math.inf
    samples = kept.read()
    if not samples:
        cause = kept.clear()
        if is_interrupted:
            raise KeyboardInterrupt
        raise GeneratorFailedError("Locust ended without samples", cause=cause)
    loaded = written_up(order, leg, watch, samples, environment, since=before, ended_s=ended_s)
    archive.write(folder, {(order.target.name, ROUND): samples})
    path = loaded.write(folder)
    kept.clear()
    if any(sample.message_id for sample in samples) and order.target.queue:
        with screen, screen.doing("look for every message in the queue"):
            loaded = loaded.model_copy(
                update={
                    "accounting": counted(order.target, leg, samples, in_a_hurry=is_interrupted)
                }
            )
        loaded.write(folder)
    return Outcome(loaded, folder, path)


def watch_until_end(
    process: subprocess.Popen[bytes], watch: Watch, order: Order, screen: Screen
) -> None:
    """Look again and again while the load goes on."""
    title = f"load {order.target.name}, {order.scenario}, {order.shape}"
    given_up_s = time.monotonic() + order.seconds + GRACE_S
    with view_on(screen.err, title, order.seconds) as view:
        while not has_ended(process, within_s=LOOK_EVERY_S) and time.monotonic() < given_up_s:
            view.show(watch.look(time.time()))


def written_up(  # noqa: PLR0913 - all that is known
    order: Order,
    leg: Leg,
    watch: Watch,
    samples: Sequence[Sample],
    environment: Environment,
    *,
    since: Usage,
    ended_s: float,
) -> Loaded:
    """Put together what the load left, but for its messages."""
    now = Usage.now()
    first = samples[0]
    began_s = first.intended_s - watch.due[first.n]
    lasted_s = min(order.seconds, ended_s - began_s)
    asked = [at_s for at_s in watch.due if at_s < lasted_s]
    offered = Offered(
        samples, len(asked), now.busy_share_since(since), now.children_cores_since(since)
    )
    seen = Seen(watch.behind.events(), samples, watch.behind.there_before)
    parts = [part for part in order.shape.parts(order.seconds) if part[1] < lasted_s]
    return Loaded(
        id=leg.run,
        command=order.command,
        started_at=datetime.fromtimestamp(began_s, UTC),
        began_s=began_s,
        target=order.target.name,
        title=order.target.title,
        url=order.target.url,
        version=order.target.version,
        scenario=order.scenario,
        shape=str(order.shape),
        seconds=order.seconds,
        lasted_s=lasted_s,
        environment=environment,
        scaled=tuple(watch.behind.scaled),
        stretches=tuple(stretches(parts, watch.due, samples, lasted_s=lasted_s)),
        each_second=tuple(each_second(watch.due, samples, lasted_s=lasted_s)),
        copies=tuple(copies(watch.seen, began_s=began_s)),
        timeline=timeline(parts, seen, began_s=began_s),
        lateness_p99_ms=offered.lateness_p99_ms,
        machine_busy=offered.machine_busy,
        generator_cores=offered.generator_cores,
        # What was in the air when it was interrupted was started, and is not known.
        fell_behind=offered.void if lasted_s == order.seconds else "",
    )


def copies(seen: Sequence[tuple[float, Capacity]], *, began_s: float) -> Iterator[Copies]:
    """How many copies there were at each look since the load began."""
    for at_s, capacity in seen:
        if at_s >= began_s:
            yield Copies(at_s=at_s - began_s, **asdict(capacity))


def counted(
    target: Target, leg: Leg, samples: Sequence[Sample], *, in_a_hurry: bool
) -> Accounting | None:
    """Take this run's messages out of the queue, and account for them."""
    if target.queue is None:
        return None
    found = target.queue.take(
        lambda message: message.attributes.get(RUN_ATTRIBUTE) == leg.run,
        enough=None,
        timeout_s=SWEEP_S if in_a_hurry else SEARCH_S,
    )
    acknowledged = {leg.key(one.n): one.message_id for one in samples if one.message_id}
    return account(acknowledged, found)
