"""From what scaling wrote down and what was answered to what happened when."""

from typing import Any

import pytest

from loadtest.samples import Sample
from loadtest.shapes import Constant, NamedShape, Ramp, Spike, Step
from loadtest.timeline import Event, Seen, timeline
from loadtest.timeline import Step as Happened

BEGAN_S = 1_795_000_000.0
SERVICE, GROUP = "service/c/web", "group/web"
PARTS = Step(20, 200, at_s=10).parts(60)


def event(at_s: float, event: str, scaled: str = SERVICE, **facts: Any) -> Event:  # noqa: ANN401
    return Event(BEGAN_S + at_s, scaled, event, facts)


def answer(at_s: float, compute_id: str, n: int = 0) -> Sample:
    due_s = BEGAN_S + at_s - 0.1
    return Sample(n, "GET /whoami", due_s, due_s, 100, 200, True, compute_id=compute_id)


def metric(value: float) -> dict[str, Any]:
    return {"metric": "CPU", "policy": "cpu", "value": value}


SCALE_OUT = (
    event(20, "breach", **metric(80)),
    event(32, "detect", **metric(85)),
    event(32.1, "decide", before=2, desired=4, because="cpu: 85 > 50"),
    event(32.5, "launch", machine="t-3"),
    event(32.5, "launch", machine="t-4"),
    event(35.5, "provision", machine="t-4"),
    event(36, "provision", machine="t-3"),
    event(45.5, "healthy", target="127.9.30.4:8000", machine="t-4"),
    event(46, "healthy", target="127.9.30.3:8000", machine="t-3"),
    event(46.5, "first-request", target="127.9.30.4:8000", machine="t-4"),
)
ANSWERS = (answer(1, "t-1"), answer(1.2, "t-2"), answer(47, "t-4", n=2), answer(46.9, "t-4", n=1))
BEFORE = frozenset({"t-1", "t-2"})


def test_a_scale_out_is_followed_from_the_load_to_the_first_answer() -> None:
    told = timeline(PARTS, Seen(SCALE_OUT, ANSWERS, BEFORE), began_s=BEGAN_S)

    (out,) = told.scale_outs
    assert (out.scaled, out.before, out.desired) == (SERVICE, 2, 4)
    assert out.machines == ("t-3", "t-4")
    # Of the machine that came furthest, in the order of a scale-out.
    assert [step.value for step in out.at_s] == [
        "breach",
        "detect",
        "decide",
        "launch",
        "provision",
        "healthy",
        "first-answer",
    ]
    assert list(out.at_s.values()) == pytest.approx([20, 32, 32.1, 32.5, 35.5, 45.5, 46.9])
    assert out.load_s == 10
    assert out.took_s[Happened.BREACH] == pytest.approx(10)
    assert out.took_s[Happened.HEALTHY] == pytest.approx(10)
    assert out.after_s(Happened.FIRST_ANSWER) == pytest.approx(36.9)


def test_moments_are_in_order_and_begin_with_the_load() -> None:
    told = timeline(PARTS, Seen(SCALE_OUT, ANSWERS, BEFORE), began_s=BEGAN_S)

    moments = [moment.at_s for moment in told.moments]
    assert moments == sorted(moments)
    assert [m.said for m in told.moments if m.step is Happened.LOAD] == ["20/s", "200/s"]
    assert [m.machine for m in told.moments if m.step is Happened.HEALTHY] == ["t-4", "t-3"]


def test_without_a_question_who_answers_the_first_request_is_the_last_that_is_seen() -> None:
    (out,) = timeline(PARTS, Seen(SCALE_OUT, (), BEFORE), began_s=BEGAN_S).scale_outs

    assert Happened.FIRST_ANSWER not in out.at_s
    assert list(out.at_s)[-1] is Happened.FIRST_REQUEST


def test_a_load_that_ends_too_early_leaves_steps_out() -> None:
    early = [one for one in SCALE_OUT if one.at < BEGAN_S + 34]

    (out,) = timeline(PARTS, Seen(early), began_s=BEGAN_S).scale_outs

    assert list(out.at_s)[-1] is Happened.LAUNCH
    assert out.after_s(Happened.FIRST_ANSWER, Happened.FIRST_REQUEST) is None


def test_an_alarm_that_was_on_before_the_load_changed_is_not_its_doing() -> None:
    events = (event(4, "breach", **metric(70)), event(5, "detect", **metric(70)), SCALE_OUT[2])

    (out,) = timeline(PARTS, Seen(events), began_s=BEGAN_S).scale_outs

    assert list(out.at_s) == [Happened.DECIDE]
    assert out.took_s == {Happened.DECIDE: pytest.approx(22.1)}


def test_each_decision_has_its_own_machines() -> None:
    again = (
        event(50, "decide", before=4, desired=5, because="still"),
        event(50.2, "launch", machine="t-5"),
        event(55, "decide", before=5, desired=4, because="low"),
        event(55.1, "gone", machine="t-1"),
    )

    told = timeline(PARTS, Seen((*SCALE_OUT, *again)), began_s=BEGAN_S)

    # To have fewer is no scale-out, and is told all the same.
    assert [out.machines for out in told.scale_outs] == [("t-3", "t-4"), ("t-5",)]
    assert (told.moments[-2].before, told.moments[-2].desired) == (5, 4)
    # The second is counted from the first, for the alarm was on all the time.
    assert told.scale_outs[1].took_s[Happened.DECIDE] == pytest.approx(17.9)


def test_a_copy_that_answers_before_it_is_found_healthy_is_told_in_that_order() -> None:
    # A balancer that finds nobody healthy asks everybody.
    seen = Seen(SCALE_OUT, (*ANSWERS[:2], answer(38, "t-4")), BEFORE)

    (out,) = timeline(PARTS, seen, began_s=BEGAN_S).scale_outs

    assert list(out.at_s)[-2:] == [Happened.FIRST_ANSWER, Happened.HEALTHY]
    assert min(out.took_s.values()) >= 0


def test_two_levels_that_scale_are_kept_apart() -> None:
    of_group = (
        event(33, "detect", GROUP, **metric(150)),
        event(33.1, "decide", GROUP, before=1, desired=2, because="no room"),
        event(33.2, "launch", GROUP, machine="i-2"),
        event(36.2, "provision", GROUP, machine="i-2"),
    )

    outs = timeline(PARTS, Seen((*SCALE_OUT, *of_group)), began_s=BEGAN_S).scale_outs

    assert {out.scaled: out.machines for out in outs} == {
        SERVICE: ("t-3", "t-4"),
        GROUP: ("i-2",),
    }
    assert list(outs[1].at_s.values()) == pytest.approx([33, 33.1, 33.2, 36.2])


def test_what_only_informs_is_no_moment_and_old_copies_are_no_news() -> None:
    events = (
        event(1, "sample", desired=2),
        event(1, "metric", **metric(20)),
        event(2, "first-request", target="127.9.30.1:8000", machine="t-1"),
    )

    told = timeline(PARTS, Seen(events, ANSWERS[:2], BEFORE), began_s=BEGAN_S)

    assert {moment.step for moment in told.moments} == {Happened.LOAD}


def test_a_replacement_shows_without_any_scaling() -> None:
    told = timeline(PARTS, Seen((), (*ANSWERS[:2], answer(30, "t-9")), BEFORE), began_s=BEGAN_S)

    last = told.moments[-1]
    assert (last.step, last.machine) == (Happened.FIRST_ANSWER, "t-9")
    assert last.at_s == pytest.approx(30)
    assert told.scale_outs == ()


@pytest.mark.parametrize(
    ("shape", "parts"),
    [
        (Constant(40), [("40/s", 0, 60)]),
        (Step(20, 200, 30), [("20/s", 0, 30), ("200/s", 30, 60)]),
        (Ramp(0, 90, 60), [("0 to 90/s", 0, 60)]),
        (Ramp(0, 90, 20), [("0 to 90/s", 0, 20), ("90/s", 20, 60)]),
        (Spike(5, 50, 30, 10), [("5/s", 0, 30), ("50/s", 30, 40), ("5/s again", 40, 60)]),
        (Spike(5, 50, 30, 90), [("5/s", 0, 30), ("50/s", 30, 60)]),
    ],
)
def test_a_shape_says_what_it_is_when(
    shape: NamedShape, parts: list[tuple[str, float, float]]
) -> None:
    assert shape.parts(60) == parts
