"""The recorded scale-outs: told as they were measured, in the order that their reasons give."""

from loadtest.scaling_cases import CASES, Timed
from loadtest.timeline import Step
from tests.documents.scale_outs import COLUMNS, PATH, recorded, with_table


def case(title: str) -> Timed:
    [found] = [one for one in recorded().cases if title in one.title]
    return found


def test_the_table_is_what_was_measured() -> None:
    text = PATH.read_text(encoding="utf-8")

    assert text == with_table(text, recorded()), "stale: run `python -m tests.documents`"


def test_every_way_of_growing_is_recorded_with_the_settings_it_has_now() -> None:
    assert [(one.title, dict(one.settings)) for one in recorded().cases] == [
        (one.title, dict(one.settings)) for one in CASES
    ]


def test_every_step_from_load_to_answer_is_in_one_column() -> None:
    of_columns = [step for steps in COLUMNS.values() for step in steps]

    for one in recorded().cases:
        assert {took.step for took in one.took} <= set(of_columns), one.title
        assert {Step.DETECT, Step.DECIDE, Step.LAUNCH, Step.PROVISION, Step.FIRST_ANSWER} <= {
            took.step for took in one.took
        }, one.title


def test_noticing_takes_longer_than_anything_else_unless_measured_every_20_s() -> None:
    for one in recorded().cases:
        noticed_s = one.until(Step.BREACH, Step.DETECT)
        if one.settings.get("MetricResolution") != "20":
            assert noticed_s > one.all_aws_s / 2, one.title


def test_what_is_prepared_comes_sooner() -> None:
    ready = (Step.PROVISION, Step.HEALTHY, Step.FIRST_REQUEST, Step.FIRST_ANSWER)
    bare, baked = case("install the service"), case("baked image")

    assert baked.until(*ready) < bare.until(*ready)
    assert case("warm pool").until(*ready) < bare.until(*ready)


def test_measuring_every_20_s_saves_more_than_half() -> None:
    slow, fast = [one for one in recorded().cases if one.variant == "alb-ecs-fargate"]

    assert fast.all_aws_s < slow.all_aws_s / 2


def test_a_task_without_room_waits_for_an_instance_besides() -> None:
    on_instances = case("instances for them")
    on_fargate = next(one for one in recorded().cases if one.variant == "alb-ecs-fargate")

    assert on_instances.below
    assert on_instances.all_aws_s > on_fargate.all_aws_s
