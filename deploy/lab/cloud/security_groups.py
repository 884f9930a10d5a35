"""Security groups: which ports they open, and rules that are resources of their own.

The lab lets through only what a group's ingress rules name; egress is not enforced.
"""

from collections.abc import Iterable

from deploy.lab.cloud.border import (
    Created,
    Internals,
    Json,
    RefusedError,
    ResourceType,
    add_resource_type,
    records,
)

EC2 = Internals("services.ec2", "_security_groups")
CFN = Internals("services.cloudformation.provisioners", "_ec2_sg_permissions")

# A rule for more ports than this opens them for connections that the lab does not imitate
# (ephemeral ranges, "all traffic"); only ports that a template names one by one get a listener.
WIDEST_RANGE = 16


def open_ports(groups: Iterable[Json], *, to_the_world: bool = False) -> list[int]:
    """The ports that the ingress rules name; with `to_the_world`, not those for other groups."""
    ports: set[int] = set()
    for group in groups:
        for rule in group["IpPermissions"]:
            cidrs = rule.get("IpRanges", []) + rule.get("Ipv6Ranges", [])
            if rule.get("IpProtocol") != "tcp" or (to_the_world and not cidrs):
                continue
            first, last = int(rule.get("FromPort", 0)), int(rule.get("ToPort", 65535))
            if last - first < WIDEST_RANGE:
                ports.update(range(first, last + 1))
    return sorted(ports)


def groups_of(instance: Json) -> list[Json]:
    """The security groups of an instance."""
    known = records(EC2.security_groups)
    ids = [group["GroupId"] for group in instance.get("SecurityGroups", [])]
    return [known[group_id] for group_id in ids if group_id in known]


def install() -> None:
    """Add the two rule types."""
    for kind, permissions, prefix in (
        ("Ingress", "IpPermissions", "sgr-in"),
        ("Egress", "IpPermissionsEgress", "sgr-out"),
    ):
        add_resource_type(f"AWS::EC2::SecurityGroup{kind}", _rule_type(permissions, prefix))


def _rule_type(permissions: str, prefix: str) -> ResourceType:
    def create(logical_id: str, properties: Json, stack: str) -> Created:
        group = records(EC2.security_groups).get(properties.get("GroupId", ""))
        if group is None:
            raise RefusedError(f"The security group '{properties.get('GroupId')}' does not exist")
        (rule,) = _rules(properties)
        rule["SecurityGroupRuleId"] = f"{prefix}-{stack}-{logical_id}-{len(group[permissions])}"
        group[permissions].append(rule)
        return rule["SecurityGroupRuleId"], {"Id": rule["SecurityGroupRuleId"]}

    def delete(physical_id: str, properties: Json) -> None:
        if group := records(EC2.security_groups).get(properties.get("GroupId", "")):
            group[permissions] = [
                rule
                for rule in group[permissions]
                if rule.get("SecurityGroupRuleId") != physical_id
            ]

    return ResourceType(create=create, delete=delete)


def _rules(properties: Json) -> list[Json]:
    rules: list[Json] = CFN.ec2_sg_permissions([properties])
    return rules
