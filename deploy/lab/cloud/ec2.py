"""EC2 instances: addresses of the lab, launch templates, user data, and their resource type.

MiniStack keeps the records; the fleet runs one machine for each that is running.
"""

import base64
from typing import Any

from deploy.lab.cloud import launch_templates, security_groups
from deploy.lab.cloud.border import (
    Action,
    Created,
    Internals,
    Json,
    Parameters,
    RefusedError,
    ResourceType,
    Response,
    add_resource_type,
    call,
    element,
    records,
    refuse_unknown,
)
from deploy.lab.cloud.lab import Lab
from deploy.lab.cloud.numbering import Numbering

EC2 = Internals(
    "services.ec2",
    "_ACTION_MAP",
    "_error",
    "_instances",
    "_launch_instances_internal",
    "_p",
    "_parse_member_list",
    "_subnets",
    "_tags",
    "_xml",
)
CFN = Internals(
    "services.cloudformation.provisioners", "_REPLACING_PROPERTIES", "_STACK_TAG_PROPERTY"
)

HONOURED = frozenset(
    {
        "IamInstanceProfile",
        "ImageId",
        "InstanceType",
        "KeyName",
        "LaunchTemplate",
        "NetworkInterfaces",
        "SecurityGroupIds",
        "SubnetId",
        "Tags",
        "UserData",
    }
)
# Taken and recorded nowhere: they change nothing that can be seen on one machine.
WITHOUT_EFFECT = frozenset(
    {
        "AvailabilityZone",
        "BlockDeviceMappings",
        "CreditSpecification",
        "DisableApiTermination",
        "EbsOptimized",
        "InstanceInitiatedShutdownBehavior",
        "MetadataOptions",
        "Monitoring",
        "PropagateTagsToVolumeOnCreation",
        "SourceDestCheck",
        "Tenancy",
    }
)
# "Update requires: Replacement" in AWS's resource reference of AWS::EC2::Instance (2026-11).
REPLACING = frozenset({"ImageId", "KeyName", "LaunchTemplate", "NetworkInterfaces", "SubnetId"})


def install(lab: Lab) -> None:
    """Hook into the EC2 API and add the resource type."""
    numbering = Numbering(lab.addresses.instance)
    stock_launch = EC2.launch_instances_internal

    def launch(*args: Any, **options: Any) -> list[Json]:  # noqa: ANN401 - passed on
        launched: list[Json] = stock_launch(*args, **options)
        for instance in launched:
            others = records(EC2.instances).values()
            address = numbering.next(taken=[other["PrivateIpAddress"] for other in others])
            instance["PrivateIpAddress"] = address
            # Nothing on this machine answers at AWS's public addresses: the private one is as
            # good as public here.
            instance["PublicIpAddress"] = address
            instance["PrivateDnsName"] = f"ip-{address.replace('.', '-')}.ec2.internal"
            instance["PublicDnsName"] = address
            if zone := EC2.subnets.get(instance["SubnetId"], {}).get("AvailabilityZone"):
                instance["Placement"]["AvailabilityZone"] = zone
        return launched

    EC2.replace("launch_instances_internal", launch)
    actions = EC2.ACTION_MAP
    actions["RunInstances"] = _run_instances(actions["RunInstances"])
    actions["DescribeInstanceAttribute"] = _describe_attribute(actions["DescribeInstanceAttribute"])
    actions["DescribeInstanceStatus"] = _describe_status(lab)
    add_resource_type("AWS::EC2::Instance", ResourceType(_create, _delete, _update))
    CFN.REPLACING_PROPERTIES["AWS::EC2::Instance"] = REPLACING
    CFN.STACK_TAG_PROPERTY["AWS::EC2::Instance"] = ("Tags", "list")


def wanted(lab: Lab) -> list[Json]:
    """The instances for the state document."""
    return [
        {
            "id": instance["InstanceId"],
            "address": instance["PrivateIpAddress"],
            "user_data": instance.get("UserData") or "",
            "instance_type": instance["InstanceType"],
            "image_id": instance["ImageId"],
            "state": instance["State"]["Name"],
            "environment": {
                "AWS_ENDPOINT_URL": lab.addresses.emulator_url,
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": (
                    f"{lab.addresses.emulator_url}/_lab/metadata/{instance['InstanceId']}"
                ),
            },
            "open_ports": security_groups.open_ports(security_groups.groups_of(instance)),
            "tags": tags_of(instance["InstanceId"]),
        }
        for instance in records(EC2.instances).values()
        # A stopped instance keeps its disk; a terminated one is gone.
        if instance["State"]["Name"] in {"running", "stopped"}
    ]


def tags_of(resource_id: str) -> dict[str, str]:
    """The tags of anything that EC2 tags."""
    tags: list[dict[str, str]] = records(EC2.tags).get(resource_id, [])  # type: ignore[assignment]  # the one store of lists
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def _run_instances(stock: Action) -> Action:
    """RunInstances that reads its launch template; what the call says itself comes first."""

    def run(parameters: Parameters) -> Response:
        wanted = {
            key: EC2.p(parameters, f"LaunchTemplate.{key}")
            for key in ("LaunchTemplateId", "LaunchTemplateName", "Version")
        }
        if wanted["LaunchTemplateId"] or wanted["LaunchTemplateName"]:
            parameters = {
                **launch_templates.run_parameters(launch_templates.data_of(wanted)),
                **parameters,
            }
        return stock(parameters)

    return run


def _describe_attribute(stock: Action) -> Action:
    """The stock action always answers that there is no user data."""

    def describe(parameters: Parameters) -> Response:
        instance = EC2.instances.get(EC2.p(parameters, "InstanceId"))
        status, headers, body = stock(parameters)
        if instance and EC2.p(parameters, "Attribute") == "userData":
            value = f"<userData><value>{instance.get('UserData') or ''}</value></userData>"
            body = body.replace(b"<userData/>", value.encode())
        return status, headers, body

    return describe


def _describe_status(lab: Lab) -> Action:
    """DescribeInstanceStatus from what the fleet saw of the machines."""
    words = {"running": ("ok", "passed"), "exited": ("impaired", "failed")}

    def item(instance: Json) -> str:
        seen = lab.observed.machine(instance["InstanceId"]).get("state", "")
        status, reachability = words.get(seen, ("initializing", "initializing"))
        check = (
            f"<status>{status}</status><details><item><name>reachability</name>"
            f"<status>{reachability}</status></item></details>"
        )
        state = instance["State"]
        return (
            f"<item><instanceId>{instance['InstanceId']}</instanceId>"
            f"<availabilityZone>{instance['Placement']['AvailabilityZone']}</availabilityZone>"
            f"<instanceState><code>{state['Code']}</code><name>{state['Name']}</name></instanceState>"
            f"<systemStatus>{check}</systemStatus><instanceStatus>{check}</instanceStatus></item>"
        )

    def describe(parameters: Parameters) -> Response:
        ids = EC2.parse_member_list(parameters, "InstanceId")
        all_states = str(EC2.p(parameters, "IncludeAllInstances")).lower() == "true"
        items = [
            item(instance)
            for instance in EC2.instances.values()
            if (not ids or instance["InstanceId"] in ids)
            and (all_states or instance["State"]["Name"] == "running")
        ]
        answer: Response = EC2.xml(
            200,
            "DescribeInstanceStatusResponse",
            f"<instanceStatusSet>{''.join(items)}</instanceStatusSet>",
        )
        return answer

    return describe


def _attributes(instance: Json) -> dict[str, str]:
    return {
        "InstanceId": instance["InstanceId"],
        "PrivateIp": instance["PrivateIpAddress"],
        "PublicIp": instance["PublicIpAddress"],
        "PrivateDnsName": instance["PrivateDnsName"],
        "PublicDnsName": instance["PublicDnsName"],
        "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
        "VpcId": instance["VpcId"],
        "State.Name": instance["State"]["Name"],
    }


def _create(logical_id: str, properties: Json, stack: str) -> Created:
    del logical_id, stack
    refuse_unknown(properties, HONOURED | WITHOUT_EFFECT, "AWS::EC2::Instance")
    data: Json = {}
    if template := properties.get("LaunchTemplate"):
        data = launch_templates.data_of(template)
    merged = {**data, **properties}
    if not merged.get("ImageId"):
        raise RefusedError("The request must contain the parameter ImageId")
    merged["Tags"] = properties.get("Tags") or []
    answer = call(EC2.ACTION_MAP["RunInstances"], **launch_templates.run_parameters(merged))
    instance = EC2.instances[element(answer, "instanceId")]
    return instance["InstanceId"], _attributes(instance)


def _update(physical_id: str, old: Json, new: Json, stack: str) -> Created:
    """What changes in place. New user data waits for the next boot, as on AWS."""
    del old, stack
    refuse_unknown(new, HONOURED | WITHOUT_EFFECT, "AWS::EC2::Instance")
    instance = EC2.instances[physical_id]
    instance["InstanceType"] = new.get("InstanceType", instance["InstanceType"])
    if groups := new.get("SecurityGroupIds"):
        instance["SecurityGroups"] = [{"GroupId": group, "GroupName": group} for group in groups]
    kept = {k: v for k, v in tags_of(physical_id).items() if k.startswith("aws:")}
    tags = kept | {tag["Key"]: str(tag["Value"]) for tag in new.get("Tags") or []}
    EC2.tags[physical_id] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return physical_id, _attributes(instance)


def _delete(physical_id: str, properties: Json) -> None:
    del properties
    instance = EC2.instances.get(physical_id)
    if instance and instance["State"]["Name"] != "terminated":
        call(EC2.ACTION_MAP["TerminateInstances"], **{"InstanceId.1": physical_id})


def user_data(instance: Json) -> str:
    """The user data as the instance sees it."""
    return base64.b64decode(instance.get("UserData") or "").decode("utf-8", "replace")
