"""What is known of a deployed variant, and how it is reached."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from deploy.account import AccountPlace
from deploy.model import Artifact, Output, Stack, Variant
from deploy.stack_states import StandingStack
from loadtest.generator import command
from loadtest.queue_probe import SqsProbe
from loadtest.run import Load
from loadtest.scenarios import Leg
from loadtest.targets import Target, target_of
from tests.unit.loadtest.runs import LOAD

# Port 9 is the discard service: nothing listens there, and a refusal is quick.
NAMED, ADDRESSED = "http://app.lab.test:9", "http://127.0.0.1:9"
SERVER = "127.9.0.53:5353"
VARIANT = Variant(
    slug="of_test",
    number=1,
    title="For tests",
    summary="",
    artifacts=(Artifact.BUNDLE,),
    stacks=(Stack("nineways-of-test", PurePosixPath("t.yaml")),),
    url=Output("nineways-of-test", "Url"),
    scalability="",
    burden="",
    known_for="",
    limits="",
)


class Stacks:
    """One stack with one output."""

    def __init__(self, url: str) -> None:
        self.url = url

    def find(self, name: str) -> StandingStack:
        return StandingStack(name, name, "CREATE_COMPLETE", {"Url": self.url})


Reach = Callable[[str], str]


def place(url: str, reach: Reach, *, name_server: str | None) -> AccountPlace:
    return AccountPlace(
        name="lab",
        clients=None,  # type: ignore[arg-type]  # not asked either
        cloudformation=Stacks(url),  # type: ignore[arg-type]  # as much of it as is asked
        s3=None,  # type: ignore[arg-type]  # nor are these
        ec2=None,  # type: ignore[arg-type]
        sqs=None,  # type: ignore[arg-type]
        lambda_=None,  # type: ignore[arg-type]
        settings={},
        make=None,  # type: ignore[arg-type]
        publish_image=None,  # type: ignore[arg-type]
        reach=reach,
        tell=lambda _: None,
        patience=None,  # type: ignore[arg-type]
        run="1",
        name_server=name_server,
    )


def target(url: str, reach: Reach, *, name_server: str | None = SERVER) -> Target:
    queue = SqsProbe(None, "")  # type: ignore[arg-type]  # nobody looks into it
    return target_of(VARIANT, place(url, reach, name_server=name_server), queue)


def test_a_name_stays_a_name_and_the_place_says_who_knows_it() -> None:
    named = target(NAMED, lambda _: ADDRESSED)

    assert (named.url, named.name_server) == (NAMED, SERVER)
    # No proxy knows it.
    assert named.is_here


@pytest.mark.parametrize(
    ("stated", "reached"),
    [(ADDRESSED, ADDRESSED), ("https://x.execute-api.test/live", f"{ADDRESSED}/live")],
)
def test_what_is_no_name_of_a_hosted_zone_is_used_as_it_is_reached(
    stated: str, reached: str
) -> None:
    addressed = target(stated, lambda _: reached)

    assert (addressed.url, addressed.name_server) == (reached, None)


def test_where_the_system_knows_the_name_nobody_else_is_asked() -> None:
    assert target(ADDRESSED, lambda url: url, name_server=None).name_server is None


def options(target: Target, load: Load) -> set[str]:
    return set(command(target, Leg("run", "t", 1), load, seconds=1, samples=Path("samples.csv")))


def test_the_load_looks_up_the_name_with_the_habits_that_were_chosen() -> None:
    named = Target("t", NAMED, name_server=SERVER)

    assert {f"--dns={SERVER}", "--habits=cache,retry", f"--host={NAMED}"} <= options(named, LOAD)
    careless = LOAD.model_copy(update={"habits": "keep-alive"})
    assert "--habits=keep-alive" in options(named, careless)


def test_an_address_is_not_looked_up() -> None:
    plain = Target("t", ADDRESSED)

    assert not any(option.startswith("--dns") for option in options(plain, LOAD))
