"""What scaling decides is left to it, and an update waits until what is new serves."""

import json
import re

from tests.templates.reading import Node, Template, each_template

GROUP = "AWS::AutoScaling::AutoScalingGroup"
SERVICE = "AWS::ECS::Service"
# The ports that a container may be given: the ephemeral range of Linux, to its end.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html, November 2026.
DYNAMIC_PORTS = (32768, 65535)


@each_template
def test_an_update_does_not_set_back_how_many_there_are(template: Template) -> None:
    for logical_id, group in template.of_type(GROUP).items():
        assert "DesiredCapacity" not in group, logical_id
    for service in _scaled_services(template):
        assert "DesiredCount" not in template.of_type(SERVICE)[service], service


@each_template
def test_scaling_lies_between_two_parameters(template: Template) -> None:
    for bounds in (
        *((group["MinSize"], group["MaxSize"]) for group in template.of_type(GROUP).values()),
        *((target["MinCapacity"], target["MaxCapacity"]) for target in _targets(template).values()),
    ):
        for bound in bounds:
            assert template.parameters[bound["Ref"]]["Type"] == "Number"


@each_template
def test_a_group_is_updated_one_instance_at_a_time_and_scaling_pauses(template: Template) -> None:
    for logical_id, group in template.of_type(GROUP).items():
        rolling = template.resources[logical_id]["UpdatePolicy"]["AutoScalingRollingUpdate"]
        assert rolling["MaxBatchSize"] == 1
        assert rolling["MinInstancesInService"] == group["MinSize"]
        assert "AlarmNotification" in rolling["SuspendProcesses"]


@each_template
def test_a_group_behind_a_load_balancer_waits_until_that_finds_it_healthy(
    template: Template,
) -> None:
    for logical_id, group in template.of_type(GROUP).items():
        if "TargetGroupARNs" not in group:
            continue
        resource = template.resources[logical_id]
        signal = resource["CreationPolicy"]["ResourceSignal"]
        assert resource["UpdatePolicy"]["AutoScalingRollingUpdate"]["WaitOnResourceSignals"] is True
        assert signal["Count"] == group["MinSize"]
        assert re.fullmatch(r"PT\d+M", signal["Timeout"])
        # Without a listener a target is never checked, and the signals would not come.
        assert template.resources[resource["DependsOn"]]["Type"].endswith("::Listener")
        assert group["HealthCheckType"] == "ELB"


@each_template
def test_the_fast_metric_is_scaled_by_when_it_is_measured(template: Template) -> None:
    services = template.of_type(SERVICE)
    for service in _scaled_services(template):
        (metrics,) = services[service]["Monitoring"]["MetricConfigurations"]
        assert metrics["ResolutionSeconds"] == {"Ref": "MetricResolution"}
    for policy in template.of_type("AWS::ApplicationAutoScaling::ScalingPolicy").values():
        configuration = policy["TargetTrackingScalingPolicyConfiguration"]
        metric = configuration["PredefinedMetricSpecification"]["PredefinedMetricType"]
        condition, fast, standard = metric["Fn::If"]
        assert template.content["Conditions"][condition] == {
            "Fn::Equals": [{"Ref": "MetricResolution"}, 20]
        }
        assert fast == f"{standard}HighResolution"


@each_template
def test_a_capacity_provider_neither_blocks_deletion_nor_cuts_tasks_off(template: Template) -> None:
    for provider in template.of_type("AWS::ECS::CapacityProvider").values():
        settings = provider["AutoScalingGroupProvider"]
        assert settings["ManagedTerminationProtection"] == "DISABLED"
        assert settings["ManagedDraining"] == "ENABLED"


@each_template
def test_a_service_waits_for_the_capacity_provider_that_it_uses(template: Template) -> None:
    (*associations,) = template.of_type("AWS::ECS::ClusterCapacityProviderAssociations")
    for logical_id, service in template.of_type(SERVICE).items():
        if "CapacityProviderStrategy" in service:
            assert associations[0] in template.resources[logical_id]["DependsOn"]
            assert "LaunchType" not in service


@each_template
def test_dynamic_ports_are_open_from_the_load_balancer(template: Template) -> None:
    if "'HostPort': 0" not in str(template.of_type("AWS::ECS::TaskDefinition")):
        return
    opened = [
        (rule["FromPort"], rule["ToPort"])
        for group in template.of_type("AWS::EC2::SecurityGroup").values()
        for rule in group.get("SecurityGroupIngress", [])
        if "SourceSecurityGroupId" in rule
    ]
    assert opened == [DYNAMIC_PORTS]


@each_template
def test_an_address_and_its_health_check_are_of_the_same_instance(template: Template) -> None:
    checks = template.of_type("AWS::Route53::HealthCheck")
    records = template.of_type("AWS::Route53::RecordSet")
    for logical_id, record in records.items():
        if "AliasTarget" in record:
            continue
        (address,) = record["ResourceRecords"]
        check = record["HealthCheckId"]["Ref"]
        assert checks[check]["HealthCheckConfig"]["IPAddress"] == address
        instance, attribute = address["Fn::GetAtt"]
        assert attribute == "PublicIp"
        conditions = {
            template.resources[name].get("Condition") for name in (logical_id, check, instance)
        }
        assert len(conditions) == 1


@each_template
def test_the_addresses_of_a_name_are_told_apart_and_kept_equally_long(template: Template) -> None:
    records = [
        record
        for record in template.of_type("AWS::Route53::RecordSet").values()
        if "AliasTarget" not in record
    ]
    assert len({record["SetIdentifier"] for record in records}) == len(records)
    assert len({json.dumps(record["TTL"]) for record in records}) <= 1
    assert all(record["MultiValueAnswer"] is True for record in records)


def _targets(template: Template) -> dict[str, Node]:
    return template.of_type("AWS::ApplicationAutoScaling::ScalableTarget")


def _scaled_services(template: Template) -> list[str]:
    """The logical ids of the services whose number of tasks is scaled."""
    return [
        name
        for target in _targets(template).values()
        for name in re.findall(r"\$\{(\w+)\.Name\}", target["ResourceId"]["Fn::Sub"])
    ]
