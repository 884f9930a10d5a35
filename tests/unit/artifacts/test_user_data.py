"""The user data of every template, as an instance would run it: CloudFormation's part filled in,
`aws` played by a script, all the rest real."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.templates.reading import TEMPLATES, Template
from tests.unit.artifacts.machine import ADDRESS, Machine

# Knows the two commands of the user data: fetches the one bundle, notes the one signal.
AWS = """#!/bin/bash
case "$1 $2" in
  "s3 cp") cp "$BUNDLE" "${@: -1}" ;;
  "cloudformation signal-resource") echo "$*" >>"$SIGNALS" ;;
  *) exit 2 ;;
esac
"""
EACH_INSTANCE = [
    pytest.param(template, logical_id, id=f"{template.slug}-{logical_id}")
    for template in TEMPLATES
    for logical_id in template.of_type("AWS::EC2::Instance")
]


def filled_in(value: Any, names: Mapping[str, str], template: Template) -> str:  # noqa: ANN401 - a template's value is anything
    """What CloudFormation makes of a value."""
    match value:
        case str():
            return value
        case {"Fn::Base64": inner}:
            return filled_in(inner, names, template)
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(filled_in(part, names, template) for part in parts)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^!}][^}]*)\}", lambda name: names[name[1]], text)
        case {"Ref": name}:
            return names[name]
        case {"Fn::GetAtt": [logical_id, attribute]}:
            properties = template.resources[logical_id]["Properties"]
            return filled_in(properties[attribute], names, template)
    raise AssertionError(value)


def run_user_data(
    template: Template, logical_id: str, machine: Machine, bundle: Path, **environment: str
) -> tuple[int, list[str]]:
    """Boot an instance; give its exit status and the signals that it sent."""
    names = dict.fromkeys(template.parameters, "unused") | {
        "AWS::Region": "eu-west-1",
        "AWS::StackName": "nineways-test",
        "QueueUrl": "http://queue",
        "Version": "v1",
        "HttpPort": str(machine.port),
        "RunWorker": "false",
    }
    instance = template.resources[logical_id]["Properties"]
    script = filled_in(instance["UserData"], names, template)
    for name in ("bin", "home", "tmp"):
        (machine.folder / name).mkdir(parents=True)
    (machine.folder / "bin" / "aws").write_text(AWS)
    (machine.folder / "bin" / "aws").chmod(0o755)
    signals = machine.folder / "signals"
    done = subprocess.run(
        ["bash", "-c", script],
        env={
            "PATH": f"{machine.folder}/bin:{os.environ['PATH']}",
            "TMPDIR": str(machine.folder / "tmp"),
            "NINEWAYS_HOME": str(machine.home),
            "NINEWAYS_HOST": ADDRESS,
            "NINEWAYS_COMPUTE_ID": "i-0abc",
            "NINEWAYS_READY_S": "5",
            "BUNDLE": str(bundle),
            "SIGNALS": str(signals),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, signals.read_text().splitlines()


def test_there_are_instances_to_boot() -> None:
    assert EACH_INSTANCE


@pytest.mark.parametrize(("template", "logical_id"), EACH_INSTANCE)
def test_an_instance_serves_and_says_so(
    template: Template, logical_id: str, machine: Machine, bundle: Path
) -> None:
    status, signals = run_user_data(template, logical_id, machine, bundle)

    assert status == 0
    assert machine.ask()["NINEWAYS_VARIANT"] == template.slug
    assert machine.ask()["NINEWAYS_VERSION"] == "v1"
    assert len(signals) == 1
    assert f"--logical-resource-id {logical_id} --status SUCCESS --unique-id i-0abc" in signals[0]
    assert not list((machine.folder / "tmp").iterdir())


@pytest.mark.parametrize(("template", "logical_id"), EACH_INSTANCE)
def test_an_instance_that_cannot_serve_says_so_too(
    template: Template, logical_id: str, machine: Machine, bundle: Path
) -> None:
    broken = shutil.copyfile(bundle, bundle.with_name("broken.tar.gz"))
    broken.write_bytes(bundle.read_bytes()[:1000])

    status, signals = run_user_data(template, logical_id, machine, broken)

    assert status != 0
    assert len(signals) == 1
    assert f"--logical-resource-id {logical_id} --status FAILURE" in signals[0]
