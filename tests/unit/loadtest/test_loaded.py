"""What a load left, summed up, in words and in tables."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtest import load_shown
from loadtest.load_words import called, sentences
from loadtest.loaded import Loaded, each_second, stretches
from loadtest.samples import Sample, Tail, kept_in, read_csv
from loadtest.shapes import Step, schedule
from loadtest.timeline import Event, Seen, timeline
from tests.unit.loadtest.runs import ENVIRONMENT, accounted
from tests.unit.loadtest.test_timeline import (
    ANSWERS,
    BEFORE,
    BEGAN_S,
    SCALE_OUT,
    SERVICE,
    event,
    metric,
)

SHAPE = Step(2, 10, at_s=10)
DUE = schedule(SHAPE, seconds=60)


def sample(n: int, *, ok: bool = True) -> Sample:
    due_s = BEGAN_S + DUE[n]
    error = "" if ok else "status 503"
    return Sample(n, "GET /whoami", due_s, due_s, n % 50 + 1, 200 if ok else 503, ok, error=error)


SAMPLES = [sample(n, ok=n not in {30, 31}) for n in range(len(DUE))]


def a_load(
    samples: list[Sample] = SAMPLES,
    events: tuple[Event, ...] = SCALE_OUT,
    *,
    lasted_s: float = 60,
    **others: Any,  # noqa: ANN401 - any of its fields
) -> Loaded:
    seen = Seen(events, ANSWERS, BEFORE)
    parts = SHAPE.parts(60)
    return Loaded(
        **{
            "id": "20261123-120000-beef",
            "command": "nineways load alb-ecs-fargate",
            "started_at": datetime(2026, 11, 23, 12, tzinfo=UTC),
            "began_s": BEGAN_S,
            "target": "alb-ecs-fargate",
            "title": "ALB",
            "url": "http://127.9.40.1:8080",
            "version": "abc",
            "scenario": "work",
            "shape": str(SHAPE),
            "seconds": 60,
            "lasted_s": lasted_s,
            "environment": ENVIRONMENT,
            "scaled": (SERVICE,),
            "stretches": tuple(stretches(parts, DUE, samples, lasted_s=lasted_s)),
            "each_second": tuple(each_second(DUE, samples, lasted_s=lasted_s)),
            "copies": (),
            "timeline": timeline(parts, seen, began_s=BEGAN_S),
            "lateness_p99_ms": 1,
            "machine_busy": 0.5,
            "generator_cores": 0.1,
            **others,
        }
    )


def test_each_stretch_is_summed_up_by_when_requests_were_due() -> None:
    calm, busy = a_load().stretches

    assert (calm.asked, calm.sent, calm.failed) == (20, 20, 0)
    assert (busy.asked, busy.sent, busy.failed) == (500, 500, 2)
    assert busy.errors == {"status 503": 2}
    assert busy.latency_ms[50.0] == pytest.approx(25.5, abs=1)


def test_each_second_is_summed_up_too() -> None:
    seconds = a_load().each_second

    assert len(seconds) == 60
    assert [each.asked for each in seconds[8:12]] == [2, 2, 10, 10]


def test_an_interrupted_load_is_summed_up_as_far_as_it_came() -> None:
    loaded = a_load(SAMPLES[:120], lasted_s=20)

    calm, busy = loaded.stretches
    assert (calm.asked, busy.asked, busy.seconds) == (20, 100, 10)
    assert loaded.was_interrupted
    assert sentences(loaded)[-1] == "It was interrupted after 20 of 60 s."


def test_a_load_interrupted_before_its_step_has_one_stretch() -> None:
    assert len(a_load(SAMPLES[:5], lasted_s=3).stretches) == 1


def test_the_report_says_how_long_each_step_took_and_how_fast_the_lab_is() -> None:
    said = "\n".join(sentences(a_load()))

    assert "498 of 500 requests were answered" in said
    assert "2 failed (0.4 %)" in said
    assert "web went from 2 to 4, and a new copy served 36.9 s after the load had" in said
    assert "10.0 s until it was healthy" in said
    assert "The lab is 10 times as fast as AWS" in said


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ((), "no data point above its target"),
        ((event(20, "breach", **metric(80)),), "above its target from 20.0 s on"),
        ((event(32, "detect", **metric(80)),), "though its alarm went on at 32.0 s"),
    ],
)
def test_when_nothing_grew_the_report_says_how_far_it_came(
    events: tuple[Event, ...], said: str
) -> None:
    assert said in "\n".join(sentences(a_load(events=events)))


def test_a_second_decision_is_counted_from_the_first() -> None:
    again = (
        event(50, "decide", before=4, desired=5, because="still"),
        event(50.2, "launch", machine="t-5"),
        event(53, "provision", machine="t-5"),
    )

    said = sentences(a_load(events=(*SCALE_OUT, *again)))

    assert "and a new machine ran 43.0 s after the load had changed: 17.9 s to" in said[3]
    assert "17.9 s to the decision after the one at 32.1 s, 0.2 s to the launch" in said[3]


def test_what_does_not_scale_is_said_to_have_met_the_load_as_it_was() -> None:
    said = sentences(a_load(events=(), scaled=()))

    assert said[-1].startswith("No group and no service of alb-ecs-fargate scales")


def test_outside_a_lab_the_report_says_what_cannot_be_seen() -> None:
    environment = ENVIRONMENT.model_copy(update={"place": "aws", "speed": None})

    assert "in a lab only" in sentences(a_load(events=(), environment=environment))[-1]


def test_messages_and_a_generator_that_fell_behind_are_told() -> None:
    said = sentences(a_load(accounting=accounted(lost=2), fell_behind="it was late"))

    assert "Of 600 acknowledged messages, 2 were missing" in said[-2]
    assert said[-1] == "Part of the latency is the generator's own: it was late."


def test_when_nothing_is_answered_the_report_has_no_latency() -> None:
    failed = [sample(n, ok=False) for n in range(len(DUE))]

    assert "none of the 20 requests was answered" in sentences(a_load(failed))[0]


@pytest.mark.parametrize(
    ("scaled", "name"),
    [
        ("service/nineways-alb-ecs-fargate-C/nineways-alb-ecs-fargate-Web", "service Web"),
        ("group/nineways-alb-asg", "group"),
        ("group/of-somebody", "group of-somebody"),
        ("copies", "copies"),
    ],
)
def test_what_scales_is_called_by_its_own_name(scaled: str, name: str) -> None:
    assert called(scaled) == name


def test_the_tables_fit_into_80_columns() -> None:
    console = Console(width=80, file=io.StringIO())

    failed = [sample(n, ok=False) for n in range(len(DUE))]
    for table in (*load_shown.tables(a_load()), *load_shown.tables(a_load(failed))):
        assert console.measure(table).minimum <= 80
        console.print(table)

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "t-4 gives its first answer" in text
    rows = [line.split() for line in text.splitlines()]
    # A data point ten seconds later here is one a hundred seconds later there.
    assert ["to", "a", "data", "point", "above", "the", "target", "20.0", "10.0", "100"] in rows
    assert ["until", "it", "was", "healthy", "45.5", "10.0", "10"] in rows


def test_a_timeline_too_long_for_the_table_is_cut_with_a_word() -> None:
    many = tuple(event(n / 10, "gone", machine=f"t-{n}") for n in range(100))
    console = Console(width=80, file=io.StringIO())

    console.print(load_shown.moments(a_load(events=many)))

    assert "more" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    loaded = a_load()

    path = loaded.write(tmp_path)

    assert Loaded.model_validate_json(path.read_text()) == loaded


def test_the_answer_for_programs_has_the_steps() -> None:
    told = json.loads(json.dumps(load_shown.as_json(a_load(), Path("here"))))

    (out,) = told["timeline"]["scale_outs"]
    assert out["took_s"]["healthy"] == pytest.approx(10)
    assert out["load_s"] == 10
    assert "each_second" not in told


def test_samples_are_read_while_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    tail = Tail(path)
    assert tail.new() == []

    with kept_in(path) as keep:
        keep(SAMPLES[1])
        assert tail.new() == [SAMPLES[1]]
        keep(SAMPLES[0])
        with path.open("a") as file:
            file.write("2,half a ro")
        assert tail.new() == [SAMPLES[0]]
        assert tail.new() == []

    assert read_csv(path) == SAMPLES[:2]
