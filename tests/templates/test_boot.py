"""The user data of instances: the same for all, and it says how it went."""

import json
import re
import subprocess
from email import message_from_string
from email.message import Message

import yaml

from tests.templates.reading import Node, Template, each_template

INSTANCE = "AWS::EC2::Instance"
LAUNCH_TEMPLATE = "AWS::EC2::LaunchTemplate"


@each_template
def test_the_stack_waits_for_every_instance_to_signal(template: Template) -> None:
    for logical_id in template.of_type(INSTANCE):
        signal = template.resources[logical_id]["CreationPolicy"]["ResourceSignal"]
        assert signal["Count"] == 1
        assert re.fullmatch(r"PT\d+M", signal["Timeout"])


@each_template
def test_every_instance_signals_under_its_own_name(template: Template) -> None:
    for logical_id, instance in template.of_type(INSTANCE).items():
        assert f"logical_id={logical_id}" in _lines_of(instance)


@each_template
def test_the_instances_of_a_template_boot_the_same_way(template: Template) -> None:
    scripts = {
        json.dumps([line for line in _lines_of(instance) if "logical_id=" not in line])
        for instance in template.of_type(INSTANCE).values()
    }

    assert len(scripts) <= 1


def _lines_of(instance: Node) -> list[str]:
    _, lines = instance["UserData"]["Fn::Base64"]["Fn::Join"]
    return [line if isinstance(line, str) else json.dumps(line) for line in lines]


@each_template
def test_the_boot_script_is_sound_bash_and_names_only_what_cloudformation_knows(
    template: Template,
) -> None:
    for script in _scripts(template):
        known = {*template.parameters, *template.resources}
        for name in re.findall(r"\$\{([^}]+)\}", script):
            assert name in known or name.startswith("AWS::")
        filled = re.sub(r"\$\{[^}]+\}", "x", script)
        checked = subprocess.run(["bash", "-n"], input=filled, text=True, check=False)
        assert checked.returncode == 0
        # User data holds 16 KB, a standard parameter 4.
        assert len(script) < 4096


@each_template
def test_a_new_version_replaces_the_instances(template: Template) -> None:
    # Instances that only hold containers have no version.
    if "BundleKey" not in template.parameters:
        return
    for launch_template in template.of_type(LAUNCH_TEMPLATE).values():
        assert {"Ref": "Version"} in [
            tag["Value"]
            for specification in launch_template["LaunchTemplateData"]["TagSpecifications"]
            for tag in specification["Tags"]
        ]


@each_template
def test_an_instance_of_a_group_runs_its_script_at_every_boot(template: Template) -> None:
    for user_data in _user_data(template):
        if user_data.is_multipart():
            (config,) = _parts(user_data, "text/cloud-config")
            assert yaml.safe_load(config) == {"cloud_final_modules": [["scripts-user", "always"]]}


@each_template
def test_an_instance_of_a_group_names_what_is_in_the_template(template: Template) -> None:
    for logical_id, group in template.of_type("AWS::AutoScaling::AutoScalingGroup").items():
        if "BundleKey" not in template.parameters:
            continue
        (script,) = _scripts(template)
        (hook,) = group["LifecycleHookSpecificationList"]
        assert f"--logical-resource-id {logical_id} " in script
        assert f"--lifecycle-hook-name {hook['LifecycleHookName']} " in script
        assert group["AutoScalingGroupName"] == {"Ref": "AWS::StackName"}
        assert "--auto-scaling-group-name '${AWS::StackName}'" in script
        assert [
            {"Ref": name} for name in re.findall(r"--target-group-arn '\$\{(\w+)\}'", script)
        ] == (group["TargetGroupARNs"])


@each_template
def test_an_instance_for_containers_joins_the_cluster_of_its_template(template: Template) -> None:
    for user_data in _user_data(template):
        if not user_data.is_multipart():
            (file,) = yaml.safe_load(str(user_data.get_payload()))["write_files"]
            (cluster,) = template.of_type("AWS::ECS::Cluster")
            assert file["path"] == "/etc/ecs/ecs.config"
            assert f"ECS_CLUSTER=${{{cluster}}}" in file["content"].splitlines()


def _scripts(template: Template) -> list[str]:
    """What instances run when they boot, wherever it stands."""
    return [
        *(
            parameter["Value"]["Fn::Sub"]
            for parameter in template.of_type("AWS::SSM::Parameter").values()
        ),
        *(
            part
            for user_data in _user_data(template)
            for part in _parts(user_data, "text/x-shellscript")
        ),
    ]


def _user_data(template: Template) -> list[Message]:
    """The user data that launch templates hold, as cloud-init reads it."""
    return [
        message_from_string(
            launch_template["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Sub"]
        )
        for launch_template in template.of_type(LAUNCH_TEMPLATE).values()
        if "UserData" in launch_template["LaunchTemplateData"]
    ]


def _parts(user_data: Message, content_type: str) -> list[str]:
    return [
        str(part.get_payload())
        for part in user_data.walk()
        if part.get_content_type() == content_type
    ]
