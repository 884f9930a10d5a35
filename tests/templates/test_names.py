"""The names in which app/ and deploy/ meet; neither imports the other."""

import re
from pathlib import Path

from deploy.model import Variant
from tests.templates.reading import DEPLOY, Node, Template, each_template, each_variant, template_of

APP = DEPLOY.parent / "app"
SETTINGS = (APP / "settings.py").read_text()
INSTALL = (DEPLOY / "artifacts" / "install.sh").read_text()
NAME = re.compile(r"\bNINEWAYS_[A-Z_]+\b")
# Routes that must exist for health checks to mean anything.
HEALTH_PATHS = {"/healthz", "/readyz"}


@each_template
def test_the_service_knows_every_variable_that_a_template_sets(template: Template) -> None:
    known = set(NAME.findall(SETTINGS)) | set(NAME.findall(INSTALL))

    assert set(NAME.findall(template.text)) <= known


@each_variant
def test_every_way_of_starting_the_service_gets_what_it_cannot_do_without(
    variant: Variant,
) -> None:
    text = "".join(template_of(stack).text for stack in variant.stacks)
    if not variant.artifacts:  # nothing of ours is started
        assert NAME.findall(text) == []
        return

    assert {"NINEWAYS_QUEUE_URL", "NINEWAYS_VARIANT", "NINEWAYS_VERSION"} <= set(NAME.findall(text))


@each_variant
def test_the_variant_is_called_by_its_slug(variant: Variant) -> None:
    for template in map(template_of, variant.stacks):
        said = re.findall(
            r"NINEWAYS_VARIANT(?:: |='|\n +Value: )([a-z0-9_]+)", template.text
        )  # Lambda, shell, ECS

        assert set(said) == ({template.slug} if variant.artifacts else set())
    if variant.served_by is not None:
        assert variant.served_by in {template_of(stack).slug for stack in variant.stacks}


@each_template
def test_every_handler_exists(template: Template) -> None:
    for function in template.of_type("AWS::Lambda::Function").values():
        module, _, name = function["Handler"].rpartition(".")
        assert re.search(rf"^(def )?{name}\b", _source(module), re.MULTILINE)


@each_template
def test_every_command_of_a_container_exists(template: Template) -> None:
    for task in template.of_type("AWS::ECS::TaskDefinition").values():
        for container in task["ContainerDefinitions"]:
            match container.get("Command"):
                case None:  # the image's own
                    pass
                case ["python", "-m", module]:
                    assert _source(module)
                case other:
                    raise AssertionError(other)


def _source(module: str) -> str:
    return (APP.parent / Path(*module.split("."))).with_suffix(".py").read_text()


@each_template
def test_health_checks_ask_for_a_route_of_the_service(template: Template) -> None:
    for target_group in template.of_type("AWS::ElasticLoadBalancingV2::TargetGroup").values():
        if target_group["TargetType"] == "lambda":  # not checked: see test_function_targets.py
            continue
        assert target_group["HealthCheckPath"] in HEALTH_PATHS
        assert f'"{target_group["HealthCheckPath"]}"' in (APP / "api.py").read_text()


@each_template
def test_containers_are_reached_at_the_port_that_the_service_listens_on(
    template: Template,
) -> None:
    port = re.search(r"port: int = (\d+)", SETTINGS)
    assert port
    for task in template.of_type("AWS::ECS::TaskDefinition").values():
        for container in task["ContainerDefinitions"]:
            for mapping in container.get("PortMappings", []):
                assert mapping["ContainerPort"] == int(port[1])


@each_variant
def test_the_stage_is_called_as_the_service_believes(variant: Variant) -> None:
    stages: list[Node] = []
    believed: list[object] = []
    for stack in variant.stacks:
        template = template_of(stack)
        stages += template.of_type("AWS::ApiGateway::Stage").values()
        believed += re.findall(r"NINEWAYS_STAGE_PREFIX: (/\S+)", template.text)
        believed += [value for name, value in stack.parameters.items() if name == "StagePrefix"]
    if not variant.artifacts or not stages:
        return

    assert believed == [f"/{stage['StageName']}" for stage in stages]


@each_template
def test_the_service_knows_every_word_under_which_a_gateway_has_its_routes(
    template: Template,
) -> None:
    resources = template.of_type("AWS::ApiGateway::Resource").values()
    words = {
        f"/{resource['PathPart']}"
        for resource in resources
        if "Fn::GetAtt" in resource["ParentId"] and resource["PathPart"] != "{proxy+}"
    }
    for known in re.findall(r"NINEWAYS_ROUTE_PREFIXES: (\S+)", template.text):
        assert set(known.split(",")) == words
