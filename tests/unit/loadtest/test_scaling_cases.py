"""Timed scale-outs: what is kept of a load, and what is typed to get it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from loadtest.loaded import FILE
from loadtest.scaling_cases import CASES, Case, on_aws, timed
from loadtest.scaling_record import main, measure
from loadtest.timeline import Step
from tests.unit.loadtest.test_loaded import a_load

FARGATE = Case("tasks", "alb-ecs-fargate", {"MetricResolution": "20"}, scenario="work")
BAKED = Case("image", "alb-asg", {"RequestsPerTarget": "600"}, is_baked=True)


def test_what_is_kept_is_the_first_scale_out_that_came_to_an_answer() -> None:
    kept = timed(FARGATE, a_load(), ("nineways load",))

    assert (kept.variant, kept.settings) == ("alb-ecs-fargate", {"MetricResolution": "20"})
    assert kept.before < kept.desired
    assert [one.step for one in kept.took][-1] is Step.FIRST_ANSWER
    assert kept.all_aws_s == sum(one.aws_s for one in kept.took)
    assert kept.below == ()


def test_a_load_that_nobody_new_answered_is_refused() -> None:
    with pytest.raises(ValueError, match="no new copy answered before the load ended; nothing"):
        timed(FARGATE, a_load(events=()), ())


def test_only_what_the_lab_shortens_is_longer_on_aws() -> None:
    assert on_aws(Step.DETECT, 2, 10, provision=30) == 20
    assert on_aws(Step.HEALTHY, 2, 10, provision=30) == 2
    # Three of these four seconds are the known thirty, shortened; the fourth is this machine's.
    assert on_aws(Step.PROVISION, 4, 10, provision=30) == 31
    # What waits for somebody else's alarm waits for shortened time.
    assert on_aws(Step.LAUNCH, 4, 10, provision=30) == 4
    assert on_aws(Step.LAUNCH, 4, 10, provision=30, waits=True) == 40


def test_the_commands_are_those_that_anybody_can_type(tmp_path: Path) -> None:
    asked: list[str] = []

    def run(arguments: Sequence[str]) -> str:
        asked.append(arguments[0])
        if arguments[0] == "load":
            a_load().write(tmp_path)
        return json.dumps({"image_id": "ami-1"})

    loaded, typed = measure(BAKED, tmp_path, run, is_ready=lambda: True)

    assert loaded.target == a_load().target
    assert (tmp_path / FILE).exists()
    assert asked == ["up", "bake", "up", "load", "down"]
    assert typed[2].endswith(
        "--set RequestsPerTarget=600 --set Baked=true --set BakedImageId=ami-1"
    )
    assert "--shape step --rate 5 --to 40 --at 5 --seconds 90 --scenario whoami" in typed[3]


def test_each_case_has_a_title_of_its_own() -> None:
    assert len({case.title for case in CASES}) == len(CASES)


def test_a_case_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SystemExit, match="no case has lambda in its title") as error:
        main(["lambda"])

    assert CASES[0].title in str(error.value)
