"""Waits that AWS has and a laptop has not, each with where the figure is from.

The lab waits `aws_s / speed`, so that what happens in which order stays visible.
"""

from dataclasses import dataclass

DEFAULT_SPEED = 10.0


@dataclass(frozen=True)
class Delay:
    """One kind of waiting, as long as it is on AWS."""

    name: str
    aws_s: float
    source: str


DELAYS = (
    Delay(
        "ec2-launch",
        17.8,
        "RunInstances to running, 69 % of a 25.8 s boot: brevdev/ec2-coldboot-research, 2026-11",
    ),
    Delay(
        "ec2-boot",
        8.0,
        "running to user data, the other 31 %: brevdev/ec2-coldboot-research, 2026-11",
    ),
    Delay(
        "fargate-task",
        30.0,
        "RunTask to RUNNING of a first task: vladionescu.me, scaling containers, 2022",
    ),
    Delay(
        "address-association",
        5.0,
        "our assumption: AWS gives no figure for moving an Elastic IP, only 'rapidly'; 2026-11",
    ),
)

_BY_NAME = {delay.name: delay for delay in DELAYS}


def scaled(name: str, speed: float) -> float:
    """How long the lab waits.

    >>> scaled("fargate-task", 10)
    3.0
    """
    return _BY_NAME[name].aws_s / speed
