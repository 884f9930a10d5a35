"""Elastic IPs: addresses of the lab that point at an instance and can be moved.

The edge forwards each to the private address of its instance.
"""

from xml.sax.saxutils import escape

from deploy.lab.cloud import ec2, security_groups
from deploy.lab.cloud.border import (
    RESPONSES,
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
    "_addresses",
    "_error",
    "_instances",
    "_p",
    "_parse_filters",
    "_parse_member_list",
    "_tag_set_xml",
    "_tags",
    "_xml",
)
CFN = Internals(
    "services.cloudformation.provisioners", "_REPLACING_PROPERTIES", "_STACK_TAG_PROPERTY"
)

FILTERS = {
    "allocation-id": "AllocationId",
    "association-id": "AssociationId",
    "instance-id": "InstanceId",
    "public-ip": "PublicIp",
}


def install(lab: Lab) -> None:
    """Hook into the address actions and add the resource types."""
    actions = EC2.ACTION_MAP
    actions["AllocateAddress"] = _allocate(actions["AllocateAddress"], lab)
    actions["AssociateAddress"] = associate
    actions["DisassociateAddress"] = disassociate
    actions["DescribeAddresses"] = describe
    actions["TerminateInstances"] = _terminate(actions["TerminateInstances"])
    add_resource_type("AWS::EC2::EIP", ResourceType(_create, _delete, _update))
    add_resource_type("AWS::EC2::EIPAssociation", ResourceType(_create_link, _delete_link))
    CFN.REPLACING_PROPERTIES["AWS::EC2::EIP"] = frozenset({"Domain"})
    CFN.STACK_TAG_PROPERTY["AWS::EC2::EIP"] = ("Tags", "list")
    CFN.REPLACING_PROPERTIES["AWS::EC2::EIPAssociation"] = frozenset(
        {"AllocationId", "EIP", "InstanceId"}
    )


def wanted() -> list[Json]:
    """The addresses for the state document."""
    instances = records(EC2.instances)
    return [_wanted(address, instances) for address in records(EC2.addresses).values()]


def _wanted(address: Json, instances: dict[str, Json]) -> Json:
    instance = instances.get(address["InstanceId"] or "")
    running = instance is not None and instance["State"]["Name"] == "running"
    groups = security_groups.groups_of(instance) if instance else []
    return {
        "public_ip": address["PublicIp"],
        "instance_id": address["InstanceId"],
        "target": instance["PrivateIpAddress"] if instance and running else None,
        "ports": security_groups.open_ports(groups, to_the_world=True),
    }


def _allocate(stock: Action, lab: Lab) -> Action:
    """The stock action makes up an address; ours can be bound."""
    numbering = Numbering(lab.addresses.elastic_ip)

    def allocate(parameters: Parameters) -> Response:
        status, headers, body = stock(parameters)
        text = body.decode()
        taken = [address["PublicIp"] for address in records(EC2.addresses).values()]
        public_ip = numbering.next(taken=taken)
        EC2.addresses[element(text, "allocationId")]["PublicIp"] = public_ip
        return status, headers, text.replace(element(text, "publicIp"), public_ip).encode()

    return allocate


def associate(parameters: Parameters) -> Response:
    """AssociateAddress; an address in use moves only when AllowReassociation says so."""
    address = _find(parameters)
    if address is None:
        return _refuse("InvalidAllocationID.NotFound", "The allocation ID does not exist")
    instance = EC2.instances.get(EC2.p(parameters, "InstanceId"))
    if instance is None or instance["State"]["Name"] == "terminated":
        wanted_id = EC2.p(parameters, "InstanceId")
        return _refuse(
            "InvalidInstanceID.NotFound", f"The instance ID '{wanted_id}' does not exist"
        )
    elsewhere = address["InstanceId"] not in {None, instance["InstanceId"]}
    if elsewhere and str(EC2.p(parameters, "AllowReassociation")).lower() != "true":
        return _refuse(
            "Resource.AlreadyAssociated",
            f"resource {address['AllocationId']} is already associated with "
            f"associate-id {address['AssociationId']}",
        )
    _release(address)
    address["AssociationId"] = f"eipassoc-{RESPONSES.new_uuid().replace('-', '')[:17]}"
    address["InstanceId"] = instance["InstanceId"]
    address["PrivateIpAddress"] = instance["PrivateIpAddress"]
    instance["PublicIpAddress"] = address["PublicIp"]
    return _answer(
        "AssociateAddress",
        f"<return>true</return><associationId>{address['AssociationId']}</associationId>",
    )


def disassociate(parameters: Parameters) -> Response:
    """DisassociateAddress, which knows an association only as long as it lasts."""
    wanted_id = EC2.p(parameters, "AssociationId")
    for address in EC2.addresses.values():
        if wanted_id and address["AssociationId"] == wanted_id:
            _release(address)
            return _answer("DisassociateAddress", "<return>true</return>")
    return _refuse(
        "InvalidAssociationID.NotFound", f"The association ID '{wanted_id}' does not exist"
    )


def describe(parameters: Parameters) -> Response:
    """DescribeAddresses with ids, addresses and filters; the stock one ignores most."""
    filters = EC2.parse_filters(parameters)
    for name in filters:
        if name not in FILTERS and not name.startswith("tag:"):
            return _refuse("InvalidParameterValue", f"The filter '{name}' is invalid")
    ids = EC2.parse_member_list(parameters, "AllocationId")
    ips = EC2.parse_member_list(parameters, "PublicIp")
    found = [
        address
        for address in EC2.addresses.values()
        if (not ids or address["AllocationId"] in ids)
        and (not ips or address["PublicIp"] in ips)
        and all(_value(address, name) in values for name, values in filters.items())
    ]
    return _answer(
        "DescribeAddresses", f"<addressesSet>{''.join(map(_item, found))}</addressesSet>"
    )


def _value(address: Json, name: str) -> str | None:
    if name.startswith("tag:"):
        return ec2.tags_of(address["AllocationId"]).get(name.removeprefix("tag:"))
    value: str | None = address[FILTERS[name]]
    return value


def _item(address: Json) -> str:
    words = {
        "allocationId": address["AllocationId"],
        "publicIp": address["PublicIp"],
        "domain": address["Domain"],
        "associationId": address["AssociationId"],
        "instanceId": address["InstanceId"],
        "privateIpAddress": address["PrivateIpAddress"],
    }
    inner = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in words.items() if value)
    return f"<item>{inner}{EC2.tag_set_xml(address['AllocationId'])}</item>"


def _terminate(stock: Action) -> Action:
    """A terminated instance lets go of its address."""

    def terminate(parameters: Parameters) -> Response:
        response = stock(parameters)
        gone = EC2.parse_member_list(parameters, "InstanceId")
        for address in EC2.addresses.values():
            if address["InstanceId"] in gone:
                _release(address)
        return response

    return terminate


def _find(parameters: Parameters) -> Json | None:
    allocation, public_ip = EC2.p(parameters, "AllocationId"), EC2.p(parameters, "PublicIp")
    for address in EC2.addresses.values():
        if allocation == address["AllocationId"] or public_ip == address["PublicIp"]:
            found: Json = address
            return found
    return None


def _release(address: Json) -> None:
    if instance := EC2.instances.get(address["InstanceId"] or ""):
        instance["PublicIpAddress"] = instance["PrivateIpAddress"]
    address.update(AssociationId=None, InstanceId=None, PrivateIpAddress=None)


def _answer(action: str, inner: str) -> Response:
    response: Response = EC2.xml(200, f"{action}Response", inner)
    return response


def _refuse(code: str, message: str) -> Response:
    response: Response = EC2.error(code, message, 400)
    return response


def _create(logical_id: str, properties: Json, stack: str) -> Created:
    del logical_id, stack
    refuse_unknown(properties, frozenset({"Domain", "InstanceId", "Tags"}), "AWS::EC2::EIP")
    answer = call(EC2.ACTION_MAP["AllocateAddress"], Domain=properties.get("Domain", "vpc"))
    public_ip, allocation = element(answer, "publicIp"), element(answer, "allocationId")
    EC2.tags[allocation] = list(properties.get("Tags") or [])
    if instance := properties.get("InstanceId"):
        call(associate, AllocationId=allocation, InstanceId=instance)
    # Ref of an EIP is the address itself.
    return public_ip, {"AllocationId": allocation, "PublicIp": public_ip}


def _update(physical_id: str, old: Json, new: Json, stack: str) -> Created:
    del old, stack
    address = _find({"PublicIp": physical_id})
    if address is None:
        raise RefusedError(f"Address '{physical_id}' not found")
    EC2.tags[address["AllocationId"]] = list(new.get("Tags") or [])
    if instance := new.get("InstanceId"):
        call(
            associate,
            AllocationId=address["AllocationId"],
            InstanceId=instance,
            AllowReassociation="true",
        )
    return physical_id, {"AllocationId": address["AllocationId"], "PublicIp": physical_id}


def _delete(physical_id: str, properties: Json) -> None:
    """Release the address, wherever a failover has moved it in the meantime."""
    del properties
    if address := _find({"PublicIp": physical_id}):
        _release(address)
        call(EC2.ACTION_MAP["ReleaseAddress"], AllocationId=address["AllocationId"])


def _create_link(logical_id: str, properties: Json, stack: str) -> Created:
    del logical_id, stack
    known = frozenset({"AllocationId", "EIP", "InstanceId"})
    refuse_unknown(properties, known, "AWS::EC2::EIPAssociation")
    answer = call(
        associate,
        AllocationId=properties.get("AllocationId", ""),
        PublicIp=properties.get("EIP", ""),
        InstanceId=properties.get("InstanceId", ""),
        # CloudFormation takes the address over; a replacement comes before its predecessor goes.
        AllowReassociation="true",
    )
    association = element(answer, "associationId")
    return association, {"Id": association}


def _delete_link(physical_id: str, properties: Json) -> None:
    """Let go of the address; after a failover there is nothing left to let go of."""
    del properties
    if any(a["AssociationId"] == physical_id for a in EC2.addresses.values()):
        call(disassociate, AssociationId=physical_id)
