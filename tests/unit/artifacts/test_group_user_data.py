"""The user data of a group's instance, run for real: whom it tells what, and in which order."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.lab.fleet.cloud_init import scripts
from tests.templates.reading import TEMPLATES, Template
from tests.unit.artifacts.machine import ADDRESS, Machine

# Notes every call; fetches the one bundle, knows one target, refuses what nobody waits for.
AWS = """#!/bin/bash
echo "$*" >>"$CALLS"
case "$1 $2" in
  "s3 cp") cp "$BUNDLE" "${@: -1}" ;;
  "elbv2 wait") [ -z "$NEVER_HEALTHY" ] ;;
  *) echo "ValidationError: nobody waits for that" >&2; exit 254 ;;
esac
"""
each_group = pytest.mark.parametrize(
    "template",
    [
        template
        for template in TEMPLATES
        if template.of_type("AWS::AutoScaling::AutoScalingGroup")
        and "BundleKey" in template.parameters
    ],
    ids=lambda template: template.slug,
)


def boot(
    template: Template,
    machine: Machine,
    bundle: Path,
    values: Mapping[str, str] = {},
    **environment: str,
) -> tuple[int, list[str]]:
    """Boot an instance; give its exit status and what it asked of AWS, in short."""
    (launch_template,) = template.of_type("AWS::EC2::LaunchTemplate").values()
    text = launch_template["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Sub"]
    names = {
        "AWS::Region": "eu-west-1",
        "AWS::StackName": "the-group",
        "BundleKey": "bundle.tar.gz",
        "QueueUrl": "http://queue",
        "TargetGroup": "the-target-group",
        "Version": "v1",
        "Baked": "false",
        "RunWorker": "false",
        **values,
    }
    filled = re.sub(r"\$\{(\S+?)\}", lambda name: names.get(name[1], "unused"), text)
    (script,) = scripts(filled.encode())
    for name in ("bin", "home", "tmp"):
        (machine.folder / name).mkdir(parents=True, exist_ok=True)
    (machine.folder / "bin" / "aws").write_text(AWS)
    (machine.folder / "bin" / "aws").chmod(0o755)
    calls = machine.folder / "calls"
    calls.write_text("")
    done = subprocess.run(
        ["bash", "-c", script.decode().replace("'8000'", f"'{machine.port}'")],
        env={
            "PATH": f"{machine.folder}/bin:{os.environ['PATH']}",
            "TMPDIR": str(machine.folder / "tmp"),
            "NINEWAYS_HOME": str(machine.home),
            "NINEWAYS_HOST": ADDRESS,
            "NINEWAYS_COMPUTE_ID": "i-0abc",
            "NINEWAYS_READY_S": "5",
            "BUNDLE": str(bundle),
            "CALLS": str(calls),
            "NEVER_HEALTHY": "",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, [_short(call) for call in calls.read_text().splitlines()]


def _short(call: str) -> str:
    """The verb, and what it says of whom.

    >>> _short("elbv2 wait target-in-service --region r --target-group-arn a --targets Id=i-1")
    'target-in-service Id=i-1'
    """
    verb = next(word for word in call.split() if re.search(r"^cp$|\w-\w", word))
    said = re.findall(r"\b(?:CONTINUE|ABANDON|SUCCESS|FAILURE|(?:Id=)?i-\w+)", call)
    return " ".join([verb, *sorted(said)])


@each_group
def test_an_instance_enters_the_group_then_the_balancer_then_the_stack(
    template: Template, machine: Machine, bundle: Path
) -> None:
    status, calls = boot(template, machine, bundle)

    # Although nobody waits for hook and signal, as after a reboot.
    assert status == 0
    assert calls == [
        "cp",
        "complete-lifecycle-action CONTINUE i-0abc",
        "target-in-service Id=i-0abc",
        "signal-resource SUCCESS i-0abc",
    ]
    assert machine.ask()["NINEWAYS_VARIANT"] == template.slug
    assert not list((machine.folder / "tmp").iterdir())


@each_group
def test_booting_again_changes_nothing_and_reports_again(
    template: Template, machine: Machine, bundle: Path
) -> None:
    boot(template, machine, bundle)
    first = machine.supervisor()

    status, calls = boot(template, machine, bundle)

    assert status == 0
    assert calls[-1] == "signal-resource SUCCESS i-0abc"
    assert machine.supervisor() == first


@each_group
def test_an_instance_that_cannot_serve_leaves_the_group(
    template: Template, machine: Machine, bundle: Path
) -> None:
    broken = shutil.copyfile(bundle, bundle.with_name("broken.tar.gz"))
    broken.write_bytes(bundle.read_bytes()[:1000])

    status, calls = boot(template, machine, broken)

    assert status != 0
    # It has not come far enough to know its id from install.sh.
    assert [call.split()[0] for call in calls] == [
        "cp",
        "signal-resource",
        "complete-lifecycle-action",
    ]
    assert "FAILURE" in calls[1]
    assert "ABANDON" in calls[2]


@each_group
def test_an_instance_that_the_balancer_does_not_like_says_nothing_to_the_stack(
    template: Template, machine: Machine, bundle: Path
) -> None:
    status, calls = boot(template, machine, bundle, NEVER_HEALTHY="yes")

    assert status != 0
    assert calls[-1] == "target-in-service Id=i-0abc"


@each_group
def test_an_instance_of_a_baked_image_fetches_nothing(
    template: Template, machine: Machine, bundle: Path
) -> None:
    boot(template, machine, bundle)
    release = (machine.home / "current" / "release").read_text()
    version = re.search(r"^release=(.+)$", release, re.MULTILINE)
    assert version

    status, calls = boot(template, machine, bundle, {"Baked": "true", "Version": version[1]})

    assert status == 0
    assert calls[0] == "complete-lifecycle-action CONTINUE i-0abc"


@each_group
def test_an_instance_of_an_image_with_another_version_does_not_serve(
    template: Template, machine: Machine, bundle: Path
) -> None:
    boot(template, machine, bundle)

    status, calls = boot(template, machine, bundle, {"Baked": "true", "Version": "another"})

    assert status != 0
    assert "FAILURE" in calls[0]
