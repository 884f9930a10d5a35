import pytest

from deploy.account import AccountPlace
from deploy.errors import BadInputError, StackError, TookTooLongError
from deploy.failover import fail_over
from tests.unit.deploy.clock import Clock
from tests.unit.deploy.cloudformation_in_memory import CloudFormationInMemory
from tests.unit.deploy.ec2_in_memory import EC2InMemory
from tests.unit.deploy.variants import ONE

OUTPUTS = {
    "Url": "http://52.0.0.1:80",
    "Address": "52.0.0.1",
    "AllocationId": "eipalloc-1",
    "ActiveInstanceId": "i-active",
    "StandbyInstanceId": "i-standby",
}


@pytest.fixture
def standing(memory: CloudFormationInMemory) -> CloudFormationInMemory:
    memory.stand("nineways-one", **OUTPUTS)
    return memory


@pytest.mark.usefixtures("standing")
def test_the_address_moves_to_the_standby_and_stays_the_same(
    place: AccountPlace, ec2: EC2InMemory
) -> None:
    done = fail_over(place, ONE, ask=lambda _: ec2.holder)

    assert (done.from_instance, done.to_instance) == ("i-active", "i-standby")
    assert (done.address, done.url) == ("52.0.0.1", "http://52.0.0.1:80")
    assert ec2.holder == "i-standby"


@pytest.mark.usefixtures("standing")
def test_a_second_failover_moves_it_back(place: AccountPlace, ec2: EC2InMemory) -> None:
    fail_over(place, ONE, ask=lambda _: ec2.holder)

    assert fail_over(place, ONE, ask=lambda _: ec2.holder).to_instance == "i-active"


@pytest.mark.usefixtures("standing")
def test_an_address_that_is_with_nobody_goes_to_the_standby(
    place: AccountPlace, ec2: EC2InMemory
) -> None:
    ec2.holder = None

    done = fail_over(place, ONE, ask=lambda _: ec2.holder)

    assert (done.from_instance, done.to_instance) == (None, "i-standby")


@pytest.mark.usefixtures("standing")
def test_the_time_until_the_other_answers_is_counted_from_the_asking(place: AccountPlace) -> None:
    clock = Clock()
    answers = iter([None, "i-active", "i-standby"])

    def ask(_: str) -> str | None:
        clock.sleep(2)
        return next(answers)

    done = fail_over(place, ONE, clock=clock.now, ask=ask)

    assert (done.moved_s, done.answered_s) == (0, 6)


@pytest.mark.usefixtures("standing")
@pytest.mark.parametrize("state", ["pending", "stopping", "stopped", "terminated"])
def test_a_standby_that_does_not_run_gets_no_address(
    place: AccountPlace, ec2: EC2InMemory, state: str
) -> None:
    ec2.states["i-standby"] = state

    with pytest.raises(StackError, match=f"the standby i-standby is {state}"):
        fail_over(place, ONE)

    assert ec2.holder == "i-active"


@pytest.mark.usefixtures("standing")
def test_a_standby_that_is_broken_gets_no_address(place: AccountPlace, ec2: EC2InMemory) -> None:
    ec2.impaired.add("i-standby")

    with pytest.raises(StackError, match="failing its status checks"):
        fail_over(place, ONE)

    assert ec2.holder == "i-active"


@pytest.mark.usefixtures("standing")
def test_a_standby_that_was_terminated_gets_no_address(
    place: AccountPlace, ec2: EC2InMemory
) -> None:
    del ec2.states["i-standby"]

    with pytest.raises(StackError, match="the standby i-standby is gone"):
        fail_over(place, ONE)


@pytest.mark.usefixtures("standing")
def test_a_standby_that_never_answers_is_an_error_that_says_where_to_look(
    place: AccountPlace,
) -> None:
    with pytest.raises(TookTooLongError, match="i-standby to answer") as caught:
        fail_over(place, ONE, ask=lambda _: None)

    assert "fail over again" in caught.value.remedy


def test_without_the_stack_the_error_says_how_to_make_it(place: AccountPlace) -> None:
    with pytest.raises(StackError) as caught:
        fail_over(place, ONE)

    assert "nineways up one" in caught.value.remedy


def test_a_variant_without_an_address_cannot_fail_over(
    place: AccountPlace, memory: CloudFormationInMemory
) -> None:
    memory.stand("nineways-one", Url="http://balancer")

    with pytest.raises(BadInputError, match="no address to move"):
        fail_over(place, ONE)


def test_a_stack_that_is_still_being_made_has_nothing_to_move(
    place: AccountPlace, memory: CloudFormationInMemory
) -> None:
    memory.stand("nineways-one", "CREATE_IN_PROGRESS")

    with pytest.raises(StackError, match="CREATE_IN_PROGRESS"):
        fail_over(place, ONE)
