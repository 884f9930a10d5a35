"""Which machines somebody means who names one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.errors import BadInputError


@dataclass(frozen=True)
class Machine:
    """An instance or a task, as far as it can be named."""

    id: str
    address: str
    # As it is typed: ec2-eip.
    variant: str
    is_task: bool
    # The Elastic IP that leads to it.
    public_ip: str | None = None
    # The instance a task is on, when it is on one.
    host: str | None = None
    # Its plug was pulled, which AWS may not have noticed yet.
    is_dead: bool = False

    def __str__(self) -> str:
        leads = f", {self.public_ip} leads to it" if self.public_ip else ""
        return f"{self.id} ({self.address}{leads})"


def machines(document: Mapping[str, Any]) -> list[Machine]:
    """Read the state document; instances first, so that an address means the instance."""
    leads = {
        entry["instance_id"]: entry["public_ip"]
        for entry in document["addresses"]
        if entry["instance_id"]
    }
    return [
        *(
            Machine(
                id=entry["id"],
                address=entry["address"],
                variant=_typed(entry["tags"].get("variant", "")),
                is_task=False,
                public_ip=leads.get(entry["id"]),
            )
            for entry in document["instances"]
            if entry["state"] == "running"
        ),
        *(
            Machine(
                id=entry["id"],
                address=entry["address"],
                variant=_typed(entry["environment"].get("NINEWAYS_VARIANT", "")),
                is_task=True,
                host=entry.get("instance_id"),
            )
            for entry in document["tasks"]
            if not entry["stopping"]
        ),
    ]


def choose(
    target: str, among: Sequence[Machine], *, one: bool = False, every: bool = False
) -> list[Machine]:
    """Find the machines that are meant by an id or its beginning, an address, or a variant.

    A variant means the machines that serve it: its tasks, or its instances when it has no tasks.
    Of those the dead are meant when no other is left.

    Raises:
        BadInputError: nothing is called that, or several are and none was chosen.
    """
    if found := [machine for machine in among if target in {machine.id, machine.address}][:1]:
        return found
    of_variant = [machine for machine in among if machine.variant == _typed(target)]
    of_variant = [machine for machine in of_variant if not machine.is_dead] or of_variant
    tasks = [machine for machine in of_variant if machine.is_task]
    found = tasks or of_variant
    if not found:
        found = [machine for machine in among if machine.id.startswith(target)]
        # More letters say which; a beginning is never meant for several.
        one = every = False
    if not found:
        raise BadInputError(
            f"no machine or variant here is called {target!r}",
            remedy=f"there are: {', '.join(map(str, among)) or 'none'}",
        )
    # The one that an Elastic IP leads to serves; of others each does.
    found.sort(key=lambda machine: (machine.public_ip is None, machine.id))
    if len(found) > 1 and not (one or every):
        raise BadInputError(
            f"{target} is {len(found)} machines: {', '.join(map(str, found))}",
            remedy="name one of them" + (", or add --one or --all" if of_variant else ""),
        )
    return found[:1] if one else found


def _typed(variant: str) -> str:
    return variant.replace("_", "-")
