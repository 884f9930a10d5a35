"""Launch templates: which one is meant, which version, and what RunInstances makes of it."""

from collections.abc import Mapping

from deploy.lab.cloud.border import (
    Internals,
    Json,
    Parameters,
    RefusedError,
    call,
    element,
    records,
)

EC2 = Internals("services.ec2", "_ACTION_MAP", "_launch_templates")


def launch(template: Json, *, subnet: str, tags: Mapping[str, str]) -> str:
    """Launch an instance from a launch template; its id.

    Raises:
        RefusedError: the template or its version does not exist, or it names no image.
    """
    data = {**data_of(template)}
    if not data.get("ImageId"):
        raise RefusedError("You must use a valid fully-formed launch template: ImageId is missing")
    own = {"ResourceType": "instance", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
    data["TagSpecifications"] = [*data.get("TagSpecifications", []), own]
    if subnet:
        data["SubnetId"] = subnet
    answer = call(EC2.ACTION_MAP["RunInstances"], **run_parameters(data))
    return element(answer, "instanceId")


def name_of(template: Json) -> dict[str, str]:
    """Id and name of a launch template that may have been named by either.

    Raises:
        RefusedError: it does not exist.
    """
    found = _launch_template(template)
    return {key: found[key] for key in ("LaunchTemplateId", "LaunchTemplateName")}


def version_of(template: Json) -> str:
    """The number behind $Latest, $Default or itself.

    Raises:
        RefusedError: the template does not exist.
    """
    found = _launch_template(template)
    asked = str(template.get("Version") or "$Default")
    named = {"$Default": found["DefaultVersionNumber"], "$Latest": found["LatestVersionNumber"]}
    return str(named.get(asked, asked))


def has_detailed_monitoring(template: Json) -> bool:
    """Whether instances of the launch template report every minute instead of every five."""
    try:
        monitoring = data_of(template).get("Monitoring") or {}
    except RefusedError:
        return False
    return str(monitoring.get("Enabled")).lower() == "true"


def _launch_template(wanted: Json) -> Json:
    for template in records(EC2.launch_templates).values():
        if (
            wanted.get("LaunchTemplateId") == template["LaunchTemplateId"]
            or wanted.get("LaunchTemplateName") == template["LaunchTemplateName"]
        ):
            return template
    raise RefusedError(f"The launch template {wanted} does not exist")


def data_of(wanted: Json) -> Json:
    """The data of the version that is meant.

    Raises:
        RefusedError: there is no such template, or version of it.
    """
    template = _launch_template(wanted)
    number = version_of(wanted)
    for version in template["Versions"]:
        if str(version["VersionNumber"]) == number:
            data: Json = version["LaunchTemplateData"]
            return data
    raise RefusedError(f"Version {number} of {template['LaunchTemplateId']} does not exist")


def run_parameters(properties: Json) -> Parameters:
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
