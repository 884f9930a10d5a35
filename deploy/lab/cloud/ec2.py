"""EC2 instances: addresses of the lab, launch templates, user data, and their resource type.

MiniStack keeps the records; the fleet runs one machine for each that is running.
"""

import base64
from collections.abc import Mapping
from typing import Any

from deploy.lab.cloud import security_groups
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
    "_launch_templates",
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


def launch(template: Json, *, subnet: str, tags: Mapping[str, str]) -> str:
    """Launch an instance from a launch template; its id.

    Raises:
        RefusedError: the template or its version does not exist, or it names no image.
    """
    data = {**_launch_template_data(template)}
    if not data.get("ImageId"):
        raise RefusedError("You must use a valid fully-formed launch template: ImageId is missing")
    own = {"ResourceType": "instance", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
    data["TagSpecifications"] = [*data.get("TagSpecifications", []), own]
    if subnet:
        data["SubnetId"] = subnet
    answer = call(EC2.ACTION_MAP["RunInstances"], **_run_parameters(data))
    return element(answer, "instanceId")


def launch_template_name(template: Json) -> dict[str, str]:
    """Id and name of a launch template that may have been named by either.

    Raises:
        RefusedError: it does not exist.
    """
    found = _launch_template(template)
    return {key: found[key] for key in ("LaunchTemplateId", "LaunchTemplateName")}


def launch_template_version(template: Json) -> str:
    """The number behind $Latest, $Default or itself.

    Raises:
        RefusedError: the template does not exist.
    """
    found = _launch_template(template)
    asked = str(template.get("Version") or "$Default")
    named = {"$Default": found["DefaultVersionNumber"], "$Latest": found["LatestVersionNumber"]}
    return str(named.get(asked, asked))


def _run_instances(stock: Action) -> Action:
    """RunInstances that reads its launch template; what the call says itself comes first."""

    def run(parameters: Parameters) -> Response:
        wanted = {
            key: EC2.p(parameters, f"LaunchTemplate.{key}")
            for key in ("LaunchTemplateId", "LaunchTemplateName", "Version")
        }
        if wanted["LaunchTemplateId"] or wanted["LaunchTemplateName"]:
            parameters = {**_run_parameters(_launch_template_data(wanted)), **parameters}
        return stock(parameters)

    return run


def _launch_template(wanted: Json) -> Json:
    for template in records(EC2.launch_templates).values():
        if (
            wanted.get("LaunchTemplateId") == template["LaunchTemplateId"]
            or wanted.get("LaunchTemplateName") == template["LaunchTemplateName"]
        ):
            return template
    raise RefusedError(f"The launch template {wanted} does not exist")


def _launch_template_data(wanted: Json) -> Json:
    template = _launch_template(wanted)
    number = launch_template_version(wanted)
    for version in template["Versions"]:
        if str(version["VersionNumber"]) == number:
            data: Json = version["LaunchTemplateData"]
            return data
    raise RefusedError(f"Version {number} of {template['LaunchTemplateId']} does not exist")


def _run_parameters(properties: Json) -> Parameters:
    """Launch template data or resource properties in the words of RunInstances."""
    interface = (properties.get("NetworkInterfaces") or [{}])[0]
    groups = (
        properties.get("SecurityGroupIds")
        or interface.get("GroupSet")
        or interface.get("Groups")
        or []
    )
    subnet = properties.get("SubnetId") or interface.get("SubnetId")
    plain = {key: properties.get(key) for key in ("ImageId", "InstanceType", "KeyName", "UserData")}
    parameters = {key: value for key, value in {**plain, "SubnetId": subnet}.items() if value}
    parameters |= {f"SecurityGroupId.{n}": group for n, group in enumerate(groups, 1)}
    profile = properties.get("IamInstanceProfile")
    if isinstance(profile, str):  # the resource's property is a name, the template's an object
        profile = {"Name": profile}
    parameters |= {f"IamInstanceProfile.{key}": value for key, value in (profile or {}).items()}
    return parameters | _tag_parameters(properties)


def _tag_parameters(properties: Json) -> Parameters:
    tags = {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}
    for specification in properties.get("TagSpecifications") or []:
        if specification.get("ResourceType") == "instance":
            tags |= {tag["Key"]: str(tag["Value"]) for tag in specification.get("Tags", [])}
    if not tags:
        return {}
    parameters = {"TagSpecification.1.ResourceType": "instance"}
    for number, (key, value) in enumerate(tags.items(), 1):
        parameters[f"TagSpecification.1.Tag.{number}.Key"] = key
        parameters[f"TagSpecification.1.Tag.{number}.Value"] = value
    return parameters


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
        data = _launch_template_data(template)
    merged = {**data, **properties}
    if not merged.get("ImageId"):
        raise RefusedError("The request must contain the parameter ImageId")
    merged["Tags"] = properties.get("Tags") or []
    answer = call(EC2.ACTION_MAP["RunInstances"], **_run_parameters(merged))
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
