"""Template parameters that are set by hand."""

import pytest

from deploy.alb_asg.variant import ALB_ASG
from deploy.apigw_lambda.variant import APIGW_LAMBDA
from deploy.errors import BadInputError
from deploy.settings import settings_of, with_settings
from deploy.templates import parameters


@pytest.mark.parametrize("typed", ["WarmPoolSize", "=2", "Warm Pool=2"])
def test_what_is_no_setting_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(BadInputError, match="sets no parameter") as refused:
        settings_of([typed])

    assert "--set WarmPoolSize=2" in refused.value.remedy


def test_a_parameter_is_set_once() -> None:
    with pytest.raises(BadInputError, match="WarmPoolSize is set twice"):
        settings_of(["WarmPoolSize=1", "WarmPoolSize=2"])


def test_a_stack_is_given_what_its_template_has_and_keeps_what_it_is_fed() -> None:
    (changed,) = with_settings([ALB_ASG], {"WarmPoolSize": "2"})

    before, after = ALB_ASG.stacks[-1], changed.stacks[-1]
    assert after.parameters == {**before.parameters, "WarmPoolSize": "2"}


def test_of_several_variants_each_is_given_what_it_knows() -> None:
    asg, functions = with_settings(
        [ALB_ASG, APIGW_LAMBDA], {"WarmPoolSize": "2", "MemorySize": "512", "RunWorker": "true"}
    )

    assert set(asg.stacks[-1].parameters) >= {"WarmPoolSize", "RunWorker"}
    assert set(functions.stacks[-1].parameters) >= {"MemorySize", "RunWorker"}
    assert "MemorySize" not in asg.stacks[-1].parameters


def test_without_settings_the_variants_are_the_same() -> None:
    assert with_settings([ALB_ASG], {}) == (ALB_ASG,)


def test_a_parameter_that_nobody_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadInputError, match="no template here has a parameter WarmPool") as refused:
        with_settings([ALB_ASG], {"WarmPool": "2"})

    assert "did you mean WarmPoolSize?" in refused.value.remedy


def test_what_is_fed_cannot_be_set() -> None:
    with pytest.raises(BadInputError, match="QueueUrl is not set by hand"):
        with_settings([ALB_ASG], {"QueueUrl": "http://elsewhere"})


def test_a_templates_parameters_are_read_without_minding_its_tags() -> None:
    assert {"VpcId", "WarmPoolSize"} <= parameters(ALB_ASG.stacks[-1])
