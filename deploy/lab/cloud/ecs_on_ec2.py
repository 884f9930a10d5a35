"""ECS on EC2 in the API and in stacks: container instances and capacity providers."""

import json
from collections.abc import Callable
from typing import TypeAlias

from deploy.lab.cloud.border import (
    Created,
    Internals,
    Json,
    RefusedError,
    ResourceType,
    Response,
    add_resource_type,
    records,
    refuse_unknown,
)
from deploy.lab.cloud.container_instances import ContainerInstances
from deploy.lab.cloud.groups import Groups

ECS = Internals(
    "services.ecs",
    "_ACTION_MAP",
    "_capacity_providers",
    "_clusters",
    "_create_capacity_provider",
    "_delete_capacity_provider",
    "_put_cluster_capacity_providers",
    "_recount_cluster",
    "_resolve_cluster_name",
    "error_response_json",
    "json_response",
)
CFN = Internals(
    "services.cloudformation.provisioners",
    "_REPLACING_PROPERTIES",
    "_STACK_TAG_PROPERTY",
    "_pascal_to_camel",
    "_physical_name",
)

Act: TypeAlias = Callable[[Json], Response]
PROVIDER = frozenset({"AutoScalingGroupProvider", "Name", "Tags"})
ASSOCIATIONS = frozenset({"CapacityProviders", "Cluster", "DefaultCapacityProviderStrategy"})
# Defaults of ManagedScaling and of a provider (API reference, 2026-11).
MANAGED_SCALING = {
    "status": "DISABLED",
    "targetCapacity": 100,
    "minimumScalingStepSize": 1,
    "maximumScalingStepSize": 10000,
    "instanceWarmupPeriod": 300,
}
STATES = frozenset({"ACTIVE", "DRAINING"})


def install(instances: ContainerInstances, groups: Groups) -> None:
    """Add the actions and the resource types."""
    api = Api(instances)
    ECS.ACTION_MAP["DescribeContainerInstances"] = api.describe
    ECS.ACTION_MAP["ListContainerInstances"] = api.list_arns
    ECS.ACTION_MAP["UpdateContainerInstancesState"] = api.update_state
    stock_recount = ECS.recount_cluster

    def recount(cluster: str) -> None:
        stock_recount(cluster)
        if known := ECS.clusters.get(cluster):
            known["registeredContainerInstancesCount"] = len(instances.of_cluster(cluster))

    ECS.replace("recount_cluster", recount)
    types = Types(groups)
    add_resource_type(
        "AWS::ECS::CapacityProvider",
        ResourceType(types.create, types.delete, types.update),
    )
    add_resource_type(
        "AWS::ECS::ClusterCapacityProviderAssociations",
        ResourceType(types.associate, types.dissociate, types.reassociate),
    )
    CFN.REPLACING_PROPERTIES["AWS::ECS::CapacityProvider"] = ("Name",)
    CFN.REPLACING_PROPERTIES["AWS::ECS::ClusterCapacityProviderAssociations"] = ("Cluster",)
    CFN.STACK_TAG_PROPERTY["AWS::ECS::CapacityProvider"] = ("Tags", "list")


def wanted() -> list[Json]:
    """The capacity providers for the state document."""
    found = []
    for name, provider in records(ECS.capacity_providers).items():
        of_group = provider["autoScalingGroupProvider"]
        scaling = {**MANAGED_SCALING, **(of_group.get("managedScaling") or {})}
        found.append(
            {
                "name": name,
                "asg_name": of_group["autoScalingGroupArn"].rsplit("/", 1)[-1],
                "target_capacity": int(scaling["targetCapacity"]),
                "managed_scaling": scaling["status"] == "ENABLED",
                "minimum_scaling_step_size": int(scaling["minimumScalingStepSize"]),
                "maximum_scaling_step_size": int(scaling["maximumScalingStepSize"]),
                "instance_warmup_period_s": int(scaling["instanceWarmupPeriod"]),
            }
        )
    return found


class Api:
    """The actions about container instances."""

    def __init__(self, instances: ContainerInstances) -> None:
        self._instances = instances

    def list_arns(self, request: Json) -> Response:
        """ListContainerInstances."""
        cluster = ECS.resolve_cluster_name(request.get("cluster", "default"))
        status = request.get("status")
        arns = [
            self._instances.arn(instance_id, cluster)
            for instance_id in self._instances.of_cluster(cluster)
            if status in {None, self._instances.describe(instance_id)["status"]}
        ]
        return _answer({"containerInstanceArns": arns})

    def describe(self, request: Json) -> Response:
        """DescribeContainerInstances."""
        cluster = ECS.resolve_cluster_name(request.get("cluster", "default"))
        found, failures = self._find(cluster, request)
        return _answer(
            {"containerInstances": [self._instances.describe(i) for i in found], **failures}
        )

    def update_state(self, request: Json) -> Response:
        """UpdateContainerInstancesState: the tasks of a draining one are moved."""
        if request.get("status") not in STATES:
            message = f"status must be ACTIVE or DRAINING, not {request.get('status')}"
            refusal: Response = ECS.error_response_json("InvalidParameterException", message, 400)
            return refusal
        cluster = ECS.resolve_cluster_name(request.get("cluster", "default"))
        found, failures = self._find(cluster, request)
        for instance_id in found:
            self._instances.drain(instance_id, really=request["status"] == "DRAINING")
        return _answer(
            {"containerInstances": [self._instances.describe(i) for i in found], **failures}
        )

    def _find(self, cluster: str, request: Json) -> tuple[list[str], Json]:
        asked = request.get("containerInstances") or []
        found = {one: self._instances.with_arn(cluster, one) for one in asked}
        failures = [{"arn": one, "reason": "MISSING"} for one, known in found.items() if not known]
        return [known for known in found.values() if known], {"failures": failures}


class Types:
    """What CloudFormation does with the two types."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    def create(self, logical_id: str, properties: Json, stack: str) -> Created:
        """Create a capacity provider."""
        refuse_unknown(properties, PROVIDER, "AWS::ECS::CapacityProvider")
        name = properties.get("Name") or CFN.physical_name(stack, logical_id)
        _checked(
            ECS.create_capacity_provider(
                {
                    "name": name,
                    "autoScalingGroupProvider": self._of_group(properties),
                    "tags": CFN.pascal_to_camel(properties.get("Tags") or []),
                }
            )
        )
        return self._settled(name, properties)

    def update(self, physical_id: str, old: Json, new: Json, stack: str) -> Created:
        """Change how a capacity provider scales."""
        del old, stack
        refuse_unknown(new, PROVIDER, "AWS::ECS::CapacityProvider")
        return self._settled(physical_id, new)

    def delete(self, physical_id: str, properties: Json) -> None:
        """Delete a capacity provider."""
        del properties
        if physical_id in ECS.capacity_providers:
            _checked(ECS.delete_capacity_provider({"capacityProvider": physical_id}))

    def associate(self, logical_id: str, properties: Json, stack: str) -> Created:
        """Give a cluster its capacity providers."""
        del logical_id, stack
        refuse_unknown(properties, ASSOCIATIONS, "AWS::ECS::ClusterCapacityProviderAssociations")
        request = CFN.pascal_to_camel(properties)
        for name in request["capacityProviders"]:
            if not name.startswith("FARGATE") and name not in ECS.capacity_providers:
                raise RefusedError(f"The specified capacity provider '{name}' was not found.")
        _checked(ECS.put_cluster_capacity_providers(request))
        return properties["Cluster"], {}

    def reassociate(self, physical_id: str, old: Json, new: Json, stack: str) -> Created:
        """Change them."""
        del physical_id, old
        return self.associate("", new, stack)

    def dissociate(self, physical_id: str, properties: Json) -> None:
        """Take them away."""
        del properties
        if physical_id in ECS.clusters:
            ECS.put_cluster_capacity_providers({"cluster": physical_id})

    def _settled(self, name: str, properties: Json) -> Created:
        provider = ECS.capacity_providers[name]
        provider["autoScalingGroupProvider"] = self._of_group(properties)
        return name, {"Arn": provider["capacityProviderArn"]}

    def _of_group(self, properties: Json) -> Json:
        given: Json = CFN.pascal_to_camel(properties["AutoScalingGroupProvider"])
        scaling = {**MANAGED_SCALING, **(given.get("managedScaling") or {})}
        return {
            "managedTerminationProtection": "DISABLED",
            "managedDraining": "ENABLED",
            **given,
            # A template may name the group instead of giving its ARN.
            "autoScalingGroupArn": self._groups.find(given["autoScalingGroupArn"]).arn,
            "managedScaling": {
                key: value if key == "status" else int(value) for key, value in scaling.items()
            },
        }


def _answer(content: Json) -> Response:
    response: Response = ECS.json_response(content)
    return response


def _checked(response: Response) -> None:
    if response[0] >= 400:  # noqa: PLR2004 - the first HTTP status that is an error
        raise RefusedError(json.loads(response[2]).get("message", str(response[2])))
