"""What is known of a lab, kept in its folder for whoever asks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias

import deploy
from deploy.errors import PlaceNotThereError
from deploy.lab.addresses import Addresses

# Where labs keep their files. Not in a temporary folder, which a reboot empties half-way.
LABS = Path(deploy.__file__).parents[1] / ".lab"

PartState: TypeAlias = Literal["starting", "running", "restarting", "given up", "stopped"]
LabState: TypeAlias = Literal["down", "starting", "up", "degraded", "lost", "failed", "dead"]


@dataclass(frozen=True)
class Part:
    """One of the lab's processes."""

    pid: int | None
    restarts: int
    state: PartState


@dataclass(frozen=True)
class LabInfo:
    """What the supervisor writes down."""

    name: str
    octet: int
    speed: float
    pid: int
    started_at: str
    state: LabState = "starting"
    # What happened and what to do about it, when something did.
    advice: str = ""
    parts: Mapping[str, Part] = field(default_factory=dict)

    @property
    def endpoint_url(self) -> str:
        """Where AWS is, for the lab's clients."""
        return Addresses(self.octet).emulator_url

    def write(self, folder: Path) -> None:
        """Replace what was there in one move."""
        draft = folder / "lab.draft"
        draft.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        draft.replace(folder / "lab.json")

    @classmethod
    def read(cls, folder: Path) -> "LabInfo | None":
        """Read it, if a supervisor has come so far."""
        try:
            values = json.loads((folder / "lab.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        parts = {name: Part(**part) for name, part in values.pop("parts").items()}
        return cls(**values, parts=parts)


@dataclass(frozen=True)
class EdgeStatus:
    """What the edge has to say besides being up."""

    # Who does not answer it.
    complaints: Sequence[str] = ()
    # What templates want and the lab's load balancers, names and addresses do not do.
    unsupported: Sequence[str] = ()
    # How often Envoy refused what the edge wrote for it, by kind.
    rejected: Mapping[str, int] = field(default_factory=dict)
    # What load balancers find of their targets: `state` and `reason`, by target group's ARN and
    # by address and port.
    targets: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "EdgeStatus":
        """Read what the edge wrote down last."""
        written = _document(folder / "edge.json")
        return cls(
            **{each.name: written[each.name] for each in fields(cls) if each.name in written}
        )


@dataclass(frozen=True)
class LabStatus:
    """What `nineways lab status` shows."""

    name: str
    state: LabState
    advice: str = ""
    info: LabInfo | None = None
    # By id: kind, address, state, pid, exit_code, reason, fault, fault_problem.
    machines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    edge: EdgeStatus = EdgeStatus()
    # What was made to go wrong: `machines` by id, and the `queue`.
    faults: Mapping[str, Any] = field(default_factory=dict)

    def must_be_up(self) -> LabInfo:
        """Say where it is, for whoever cannot do without it.

        Raises:
            LabNotUpError: it is not up.
        """
        if self.info is None or self.state not in {"up", "degraded"}:
            raise LabNotUpError(self)
        return self.info


class LabNotUpError(PlaceNotThereError):
    """There is no lab of that name to talk to."""

    def __init__(self, status: LabStatus) -> None:
        super().__init__(
            f"the lab {status.name} is {status.state}",
            cause=status.advice,
            remedy="`nineways lab up` starts it",
        )
        self.status = status


def machines(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """Read what the fleet wrote down last."""
    return _document(folder / "fleet.json")


def _document(path: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def tail(log: Path, lines: int = 8) -> str:
    """Read a log's last words."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
