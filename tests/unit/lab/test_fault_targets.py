"""Which machines are meant by what is typed."""

from dataclasses import replace

import pytest

from deploy.errors import BadInputError
from deploy.lab.sabotage.targets import Machine, choose

ONE = Machine("i-1a", "127.9.20.1", "alb-asg", is_task=False)
TWO = Machine("i-1b", "127.9.20.2", "alb-asg", is_task=False)
HOST = Machine("i-2a", "127.9.20.3", "alb-ecs-ec2", is_task=False)
TASK = Machine("t-1", "127.9.20.3", "alb-ecs-ec2", is_task=True, host="i-2a")
ACTIVE = Machine("i-9b", "127.9.20.5", "ec2-eip", is_task=False, public_ip="127.9.52.1")
STANDBY = Machine("i-9a", "127.9.20.4", "ec2-eip", is_task=False)
ALL = [ONE, TWO, HOST, ACTIVE, STANDBY, TASK]


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("i-1a", [ONE]),
        ("i-2", [HOST]),
        ("127.9.20.2", [TWO]),
        ("127.9.20.3", [HOST]),
        ("alb-ecs-ec2", [TASK]),
        ("alb_ecs_ec2", [TASK]),
    ],
)
def test_an_id_its_beginning_an_address_or_a_variant_names_one(
    target: str, meant: list[Machine]
) -> None:
    assert choose(target, ALL) == meant


def test_of_several_one_or_all_are_chosen_and_otherwise_none() -> None:
    assert choose("alb-asg", ALL, one=True) == [ONE]
    assert choose("alb-asg", ALL, every=True) == [ONE, TWO]
    with pytest.raises(BadInputError, match="alb-asg is 2 machines"):
        choose("alb-asg", ALL)


def test_the_one_that_an_elastic_ip_leads_to_comes_first() -> None:
    assert choose("ec2-eip", ALL, one=True) == [ACTIVE]


def test_a_dead_one_is_not_meant_while_another_lives() -> None:
    dead, other = replace(ONE, is_dead=True), replace(TWO, is_dead=True)

    assert choose("alb-asg", [dead, TWO], one=True) == [TWO]
    assert choose("alb-asg", [dead, TWO], every=True) == [TWO]
    assert choose("alb-asg", [dead, other], every=True) == [dead, other]
    assert choose("i-1a", [dead, TWO]) == [dead]


@pytest.mark.parametrize("target", ["", "i-", "i-1"])
def test_a_beginning_of_several_means_none_of_them(target: str) -> None:
    with pytest.raises(BadInputError, match="machines"):
        choose(target, ALL, every=True)


def test_a_name_of_nobody_is_answered_with_who_there_is() -> None:
    with pytest.raises(BadInputError, match="'alb-nobody'") as error:
        choose("alb-nobody", [ONE])

    assert "i-1a (127.9.20.1)" in str(error.value.remedy)
