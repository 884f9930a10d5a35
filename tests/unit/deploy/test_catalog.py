import pytest

from deploy.catalog import VARIANTS, UnknownVariantError, choose, find


def test_the_variants_are_in_the_order_of_the_tutorial() -> None:
    numbers = [variant.number for variant in VARIANTS]

    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("typed", ["ec2-eip", "ec2_eip", "EC2-EIP"])
def test_a_variant_is_found_however_it_is_typed(typed: str) -> None:
    assert find(typed).slug == "ec2_eip"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("ec2-epi", "ec2-eip"), ("fargate", "alb-ecs-fargate"), ("api-lambda", "apigw-lambda")],
)
def test_an_unknown_variant_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(UnknownVariantError, match=typed) as caught:
        find(typed)

    assert f"did you mean {meant}?" in caught.value.remedy
    assert caught.value.exit_code == 2


def test_nonsense_is_not_guessed_at() -> None:
    with pytest.raises(UnknownVariantError) as caught:
        find("zzz")

    assert "did you mean" not in caught.value.remedy


def test_several_come_each_once_and_in_order() -> None:
    chosen = choose(["apigw-lambda", "ec2-eip", "apigw_lambda"])

    assert [variant.name for variant in chosen] == ["ec2-eip", "apigw-lambda"]


def test_all_means_all() -> None:
    assert choose(["ec2-eip", "all"]) == VARIANTS
