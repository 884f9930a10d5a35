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
        "status-check",
        120.0,
        "a crashed instance fails its status checks, made every minute (EC2 User Guide, 2026-11); "
        "our assumption: a group acts on the second",
    ),
    Delay(
        "address-association",
        5.0,
        "our assumption: AWS gives no figure for moving an Elastic IP, only 'rapidly'; 2026-11",
    ),
    Delay(
        "web-acl-rate-check",
        10.0,
        "'about every 10 seconds': RateBasedStatement in the AWS WAFV2 API reference, 2026-11",
    ),
    Delay(
        "metric-period",
        60.0,
        "detailed monitoring of EC2, ECS and ALB metrics: CloudWatch User Guide, 2026-11",
    ),
    Delay(
        "metric-period-high-resolution",
        20.0,
        "ECS Developer Guide, Faster auto scaling with high-resolution metrics, 2026-11",
    ),
    Delay(
        "metric-period-basic",
        300.0,
        "basic monitoring, the default of EC2: EC2 Auto Scaling User Guide, 2026-11",
    ),
    # From the end of a period until an alarm acts on its data point.
    Delay(
        "metric-arrival",
        153.0,
        "derived: AWS's benchmark of 2026-06 triggers after 363 s, less 3 periods, less half a "
        "period until the first begins; taken for EC2's and ALB's metrics too",
    ),
    Delay(
        "metric-arrival-high-resolution",
        16.0,
        "derived: the same benchmark of 2026-06 with 20 s metrics triggers after 86 s, less 3.5 "
        "periods",
    ),
)

_BY_NAME = {delay.name: delay for delay in DELAYS}


def scaled(name: str, speed: float) -> float:
    """How long the lab waits.

    >>> scaled("fargate-task", 10)
    3.0
    """
    return _BY_NAME[name].aws_s / speed
