import json
from pathlib import PurePosixPath

import pytest

from deploy.account import AccountPlace
from deploy.carry_out import carry_out
from deploy.errors import StackError, TookTooLongError
from deploy.model import FOUNDATION, Artifact, Output, PlaceSetting, Published, Stack
from deploy.plan import take_down
from tests.unit.deploy.cloudformation_in_memory import CloudFormationInMemory
from tests.unit.deploy.s3_in_memory import S3InMemory
from tests.unit.deploy.variants import ONE

BUCKET = Output(FOUNDATION.name, "BucketName")


def test_a_packaging_is_uploaded_once_under_the_name_of_its_content(
    place: AccountPlace, memory: CloudFormationInMemory, s3: S3InMemory
) -> None:
    memory.stand(FOUNDATION.name, BucketName="the-bucket")

    for _ in range(2):
        place.build(Artifact.BUNDLE)
        place.publish(Artifact.BUNDLE)

    assert s3.buckets["the-bucket"] == {"artifacts/bundle-abc123.bin": b"content"}
    assert s3.uploads == 1
    key = place.published(Published(Artifact.BUNDLE, "key"))
    assert key == "artifacts/bundle-abc123.bin"
    assert place.published(Published(Artifact.BUNDLE, "digest")) == "abc123"


def test_an_image_goes_where_images_go(place: AccountPlace) -> None:
    place.build(Artifact.IMAGE)
    place.publish(Artifact.IMAGE)

    assert place.published(Published(Artifact.IMAGE, "uri")) == "registry/service:abc123"


def test_only_what_we_published_is_deleted_from_the_bucket(
    place: AccountPlace, memory: CloudFormationInMemory, s3: S3InMemory
) -> None:
    memory.stand(FOUNDATION.name, BucketName="the-bucket")
    ours = {f"artifacts/{n}": b"" for n in range(5)}
    s3.buckets["the-bucket"] = {**ours, "somebody/elses": b"", "artifacts.txt": b""}

    place.empty(BUCKET)

    assert s3.buckets["the-bucket"].keys() == {"somebody/elses", "artifacts.txt"}


def test_a_bucket_of_a_variant_is_emptied_altogether(
    place: AccountPlace, memory: CloudFormationInMemory, s3: S3InMemory
) -> None:
    memory.stand("nineways-one", ObjectsName="its-own")
    s3.buckets["its-own"] = {"a": b"", "b/c": b"", "artifacts/d": b""}

    place.empty(Output("nineways-one", "ObjectsName"))

    assert s3.buckets["its-own"] == {}


@pytest.mark.parametrize("stands", [True, False])
def test_a_foundation_that_has_no_bucket_can_be_taken_down(
    place: AccountPlace, memory: CloudFormationInMemory, *, stands: bool
) -> None:
    if stands:
        memory.stand(FOUNDATION.name, "ROLLBACK_COMPLETE")

    carry_out(take_down([ONE], standing={FOUNDATION.name}), place)

    assert place.standing() == []


def test_what_is_deployed_is_tagged(place: AccountPlace, memory: CloudFormationInMemory) -> None:
    # The templates of the project are YAML; JSON, which the fake reads, is named by its full path.
    template = place.made.setdefault(Artifact.BUNDLE, place.make(Artifact.BUNDLE)).path
    template.write_text(json.dumps({"Resources": {"R": {"Type": "Test::Fine"}}}))

    place.deploy(Stack("nineways-one", PurePosixPath(template), {}), {})

    (stack,) = memory.stacks.values()
    assert stack.tags == {
        "project": "nineways",
        "variant": template.parent.name,
        "run": "run-1",
    }


def test_an_output_of_a_stack_that_is_not_there_says_how_to_make_it(place: AccountPlace) -> None:
    with pytest.raises(StackError, match="no stack nineways-one on lab") as caught:
        place.url(ONE.url)

    assert "nineways up one" in caught.value.remedy


def test_a_stack_without_the_output_says_in_which_state_it_is(
    place: AccountPlace, memory: CloudFormationInMemory
) -> None:
    memory.stand("nineways-one", "CREATE_IN_PROGRESS")

    with pytest.raises(StackError, match="no output Url") as caught:
        place.url(ONE.url)

    assert caught.value.cause == "it is in CREATE_IN_PROGRESS"


def test_a_url_is_the_one_to_use_from_here(
    place: AccountPlace, memory: CloudFormationInMemory
) -> None:
    memory.stand("nineways-one", Url="https://api.example/live")

    assert place.url(ONE.url) == "http://127.0.0.1:9/live"


def test_settings_are_the_places_own(place: AccountPlace) -> None:
    assert place.setting(PlaceSetting("HttpPort")) == "8080"


def test_waiting_for_a_service_that_never_answers_ends_and_says_so(place: AccountPlace) -> None:
    # Port 9 is "discard": nothing listens there.
    with pytest.raises(TookTooLongError, match="/readyz to answer 200") as caught:
        place.wait_until_healthy("http://127.0.0.1:9")

    assert caught.value.cause == "nothing answers there"
