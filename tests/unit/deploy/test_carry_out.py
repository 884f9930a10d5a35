from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.carry_out import Together, carry_out
from deploy.errors import SeveralFailedError, StackError
from deploy.model import FOUNDATION, Artifact, Step
from deploy.plan import bring_up, describe, take_down
from deploy.threads import run_in_turn, run_side_by_side
from tests.unit.deploy.nowhere import Nowhere
from tests.unit.deploy.variants import ONE, OTHER


def test_what_goes_up_comes_down() -> None:
    place = Nowhere()

    carry_out(bring_up(ONE, OTHER), place)
    assert sorted(place.asked) == ["http://nineways-one.Url", "http://nineways-other.Url"]

    carry_out(take_down([ONE, OTHER], standing=place.standing.keys()), place)
    assert place.standing == {}
    assert place.bucket == []


def test_outputs_artifacts_and_settings_become_parameters() -> None:
    place = Nowhere()

    carry_out(bring_up(ONE), place)

    assert place.standing["nineways-one"] == {
        "QueueUrl": "nineways-foundation.QueueUrl",
        "Key": "bundle.key",
        "HttpPort": "the HttpPort of nowhere",
        "Fixed": "as it is",
    }


@pytest.mark.parametrize("together", [run_side_by_side, run_in_turn])
def test_one_that_fails_does_not_stop_the_others(together: Together) -> None:
    place = Nowhere(fails_at=frozenset({"nineways-one"}))

    with pytest.raises(StackError, match="nineways-one failed"):
        carry_out(bring_up(ONE, OTHER), place, together=together)

    assert place.standing.keys() == {FOUNDATION.name, "nineways-other"}
    assert place.asked == ["http://nineways-other.Url"]


def test_when_several_fail_the_error_tells_of_each() -> None:
    place = Nowhere(fails_at=frozenset({"nineways-one", "nineways-other"}))

    with pytest.raises(SeveralFailedError, match="nineways-one failed; nineways-other failed"):
        carry_out(bring_up(ONE, OTHER), place)


def test_nothing_follows_a_step_that_failed() -> None:
    place = Nowhere(fails_at=frozenset({FOUNDATION.name}))

    with pytest.raises(StackError):
        carry_out(bring_up(ONE), place)

    assert place.made == []


def test_every_step_can_be_watched() -> None:
    watched: list[str] = []

    @contextmanager
    def watch(step: Step) -> Iterator[None]:
        watched.append(f"begin {describe(step)}")
        yield
        watched.append(f"end {describe(step)}")

    carry_out(bring_up(ONE), Nowhere(), around=watch)

    assert watched[0].startswith("begin deploy stack nineways-foundation")
    assert watched[-1] == "end wait until nineways-one.Url is healthy"
    assert len(watched) == 2 * len(bring_up(ONE))


def test_a_variant_of_another_packaging_publishes_that_one() -> None:
    place = Nowhere()

    carry_out(bring_up(OTHER), place)

    assert place.bucket == [Artifact.IMAGE]
