"""What there is to deploy, in the order of the tutorial."""

import difflib
from collections.abc import Iterable

from deploy.alb_asg.variant import ALB_ASG
from deploy.alb_ecs_ec2.variant import ALB_ECS_EC2
from deploy.alb_ecs_fargate.variant import ALB_ECS_FARGATE
from deploy.alb_lambda.variant import ALB_LAMBDA
from deploy.apigw_direct.variant import APIGW_DIRECT
from deploy.apigw_http.variant import APIGW_HTTP
from deploy.apigw_lambda.variant import APIGW_LAMBDA
from deploy.ec2_eip.variant import EC2_EIP
from deploy.ec2_route53.variant import EC2_ROUTE53
from deploy.errors import BadInputError
from deploy.model import Variant

VARIANTS: tuple[Variant, ...] = (
    EC2_EIP,
    EC2_ROUTE53,
    ALB_ASG,
    ALB_ECS_EC2,
    ALB_ECS_FARGATE,
    ALB_LAMBDA,
    APIGW_LAMBDA,
    APIGW_DIRECT,
    APIGW_HTTP,
)

BY_NAME = {variant.name: variant for variant in VARIANTS}


class UnknownVariantError(BadInputError):
    """There is no variant of that name."""

    def __init__(self, name: str) -> None:
        near = difflib.get_close_matches(name, [*BY_NAME, "all"], n=1, cutoff=0.4)
        super().__init__(
            f"there is no variant called {name!r}",
            remedy=(f"did you mean {near[0]}? " if near else "") + "`nineways list` shows them all",
        )
        self.name = name


def find(name: str) -> Variant:
    """Find a variant by the name typed: ec2-eip and ec2_eip are the same."""
    try:
        return BY_NAME[name.lower().replace("_", "-")]
    except KeyError:
        raise UnknownVariantError(name) from None


def choose(names: Iterable[str]) -> tuple[Variant, ...]:
    """Find several, in tutorial order and each once; `all` means all."""
    typed = list(names)
    if "all" in typed:
        return VARIANTS
    wanted = {find(name).slug for name in typed}
    return tuple(variant for variant in VARIANTS if variant.slug in wanted)
