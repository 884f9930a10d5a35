r"""The calls of the AWS command line that user data makes, with its arguments.

    aws s3 cp s3://bucket/key file
    aws autoscaling complete-lifecycle-action --auto-scaling-group-name G --lifecycle-hook-name H \
        --instance-id I --lifecycle-action-result CONTINUE
    aws elbv2 wait target-in-service --target-group-arn A --targets Id=I
    aws cloudformation signal-resource --stack-name S --logical-resource-id R --status SUCCESS \
        --unique-id U

Endpoint, region and credentials come from the environment, as they do for the real one.
"""

import argparse
import sys
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def main(arguments: list[str]) -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(prog="aws", description="the lab's stand-in for the AWS CLI")
    services = parser.add_subparsers(required=True, metavar="service")
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--region")

    s3 = services.add_parser("s3").add_subparsers(required=True, metavar="operation")
    copy = s3.add_parser("cp", parents=[everywhere])
    copy.add_argument("--only-show-errors", "--quiet", "--no-progress", action="store_true")
    copy.add_argument("source")
    copy.add_argument("destination")
    copy.set_defaults(run=_copy)

    stacks = services.add_parser("cloudformation").add_subparsers(
        required=True, metavar="operation"
    )
    signal = stacks.add_parser("signal-resource", parents=[everywhere])
    signal.add_argument("--stack-name", required=True)
    signal.add_argument("--logical-resource-id", required=True)
    signal.add_argument("--unique-id", required=True)
    signal.add_argument("--status", required=True, choices=["SUCCESS", "FAILURE"])
    signal.set_defaults(run=_signal)

    groups = services.add_parser("autoscaling").add_subparsers(required=True, metavar="operation")
    complete = groups.add_parser("complete-lifecycle-action", parents=[everywhere])
    complete.add_argument("--auto-scaling-group-name", required=True)
    complete.add_argument("--lifecycle-hook-name", required=True)
    complete.add_argument("--instance-id", required=True)
    complete.add_argument(
        "--lifecycle-action-result", required=True, choices=["CONTINUE", "ABANDON"]
    )
    complete.set_defaults(run=_complete)

    balancers = services.add_parser("elbv2").add_subparsers(required=True, metavar="operation")
    waits = balancers.add_parser("wait").add_subparsers(required=True, metavar="what")
    in_service = waits.add_parser("target-in-service", parents=[everywhere])
    in_service.add_argument("--target-group-arn", required=True)
    in_service.add_argument("--targets", required=True, nargs="+", type=_target)
    in_service.set_defaults(run=_wait)

    given = parser.parse_args(arguments)
    try:
        given.run(given)
    except (BotoCoreError, ClientError, OSError) as error:
        sys.exit(f"aws: {error}")


def _copy(given: argparse.Namespace) -> None:
    source = urlsplit(given.source)
    if source.scheme != "s3" or "://" in given.destination:
        sys.exit("aws: the lab's `aws s3 cp` copies from s3:// to a file, nothing else")
    key = source.path.lstrip("/")
    target = Path(given.destination)
    if target.is_dir():
        target /= Path(key).name
    client = boto3.client("s3", region_name=given.region)
    client.download_file(source.netloc, key, str(target))


def _signal(given: argparse.Namespace) -> None:
    boto3.client("cloudformation", region_name=given.region).signal_resource(
        StackName=given.stack_name,
        LogicalResourceId=given.logical_resource_id,
        UniqueId=given.unique_id,
        Status=given.status,
    )


def _complete(given: argparse.Namespace) -> None:
    boto3.client("autoscaling", region_name=given.region).complete_lifecycle_action(
        AutoScalingGroupName=given.auto_scaling_group_name,
        LifecycleHookName=given.lifecycle_hook_name,
        InstanceId=given.instance_id,
        LifecycleActionResult=given.lifecycle_action_result,
    )


def _target(text: str) -> str:
    if not text.startswith("Id="):
        raise argparse.ArgumentTypeError("a target of the lab is Id=i-…")
    return text.removeprefix("Id=")


def _wait(given: argparse.Namespace) -> None:
    # As long as the real one, ten minutes, but it looks every second and not every fifteen.
    boto3.client("elbv2", region_name=given.region).get_waiter("target_in_service").wait(
        TargetGroupArn=given.target_group_arn,
        Targets=[{"Id": target} for target in given.targets],
        WaiterConfig={"Delay": 1, "MaxAttempts": 600},
    )


if __name__ == "__main__":
    main(sys.argv[1:])
