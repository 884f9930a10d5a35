"""The user data of instances: the same for all, and it says how it went."""

import json
import re
import subprocess

from tests.templates.reading import Node, Template, each_template

INSTANCE = "AWS::EC2::Instance"


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
    for script in template.of_type("AWS::SSM::Parameter").values():
        text = script["Value"]["Fn::Sub"]
        known = {*template.parameters, *template.resources}
        for name in re.findall(r"\$\{([^}]+)\}", text):
            assert name in known or name.startswith("AWS::")
        filled = re.sub(r"\$\{[^}]+\}", "x", text)
        checked = subprocess.run(["bash", "-n"], input=filled, text=True, check=False)
        assert checked.returncode == 0
        # User data holds 16 KB, a standard parameter 4.
        assert len(text) < 4096


@each_template
def test_a_new_version_replaces_the_instances(template: Template) -> None:
    for launch_template in template.of_type("AWS::EC2::LaunchTemplate").values():
        assert {"Ref": "Version"} in [
            tag["Value"]
            for specification in launch_template["LaunchTemplateData"]["TagSpecifications"]
            for tag in specification["Tags"]
        ]
