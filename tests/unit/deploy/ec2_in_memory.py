"""EC2 in memory: two instances and an address that is with one of them."""

# boto3's argument names are what is imitated here.
# ruff: noqa: N803

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client


@dataclass
class EC2InMemory:
    holder: str | None = "i-active"
    states: dict[str, str] = field(
        default_factory=lambda: {"i-active": "running", "i-standby": "running"}
    )
    impaired: set[str] = field(default_factory=set)

    @property
    def client(self) -> "EC2Client":
        return cast("EC2Client", self)

    def describe_addresses(self, *, AllocationIds: list[str]) -> dict[str, Any]:
        held = {} if self.holder is None else {"InstanceId": self.holder}
        return {"Addresses": [{"AllocationId": AllocationIds[0], **held}]}

    def describe_instance_status(
        self, *, InstanceIds: list[str], IncludeAllInstances: bool
    ) -> dict[str, Any]:
        # AWS shows only those that run unless it is asked for all.
        shown = [each for each in InstanceIds if IncludeAllInstances or self._runs(each)]
        return {
            "InstanceStatuses": [
                {
                    "InstanceState": {"Name": self.states[each]},
                    "InstanceStatus": {"Status": "impaired" if each in self.impaired else "ok"},
                }
                for each in shown
                if each in self.states
            ]
        }

    def _runs(self, instance_id: str) -> bool:
        return self.states.get(instance_id) == "running"

    def associate_address(
        self, *, AllocationId: str, InstanceId: str, AllowReassociation: bool
    ) -> None:
        assert AllocationId == "eipalloc-1"
        # AWS refuses to take an address away from an instance unless it is told that it may.
        assert AllowReassociation or self.holder is None
        self.holder = InstanceId
