"""What is behind a variant while it is loaded: how many copies, how busy, and what scaling did.

A lab shows it in its state document and in the files of its parts; an account shows nothing here.
"""

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from deploy.lab.scaling.metrics import growth
from deploy.lab.scaling.processors import Processors
from deploy.lab.scaling.wanted import vcpus, wanted
from loadtest.timeline import Event

if TYPE_CHECKING:
    from deploy.account import AccountPlace
    from deploy.model import Variant

Json: TypeAlias = Mapping[str, Any]

_TIMEOUT_S = 2


@dataclass(frozen=True)
class Capacity:
    """How many copies there are now. None is what nobody can say."""

    # group/… or service/… where it scales.
    name: str
    desired: int
    running: int
    healthy: int | None = None
    cpu_percent: float | None = None


class Behind(Protocol):
    """What is behind one variant."""

    # Groups and services that scale; there may be none.
    scaled: Sequence[str]
    # Machines that were there at the first look.
    there_before: frozenset[str]

    def look(self) -> Sequence[Capacity]:
        """How it is now."""
        ...

    def events(self) -> Sequence[Event]:
        """What scaling has written down since the first look."""
        ...


class Unseen:
    """Behind what is not in a lab."""

    scaled: Sequence[str] = ()
    there_before: frozenset[str] = frozenset()

    def look(self) -> Sequence[Capacity]:
        """See `Behind`."""
        return ()

    def events(self) -> Sequence[Event]:
        """See `Behind`."""
        return ()


class BehindInLab:
    """Behind a variant in a lab, whose folder is given."""

    def __init__(
        self, folder: Path, emulator_url: str, slug: str, resources: frozenset[str]
    ) -> None:
        self._folder = folder
        self._state_url = f"{emulator_url}/_lab/state?since=-1&wait=0"
        self._slug = slug
        self._lines = folder / "scaling.jsonl"
        self._read_bytes = self._lines.stat().st_size if self._lines.exists() else 0
        self._events: list[Event] = []
        self._processors = Processors(folder)
        self._used: tuple[float, Mapping[str, float]] = (0.0, {})
        document = self._document()
        self.scaled: Sequence[str] = [key for key in _keys(document) if key in resources]
        self.there_before = frozenset(wanted(document).machines)
        self._owners: Mapping[str, str] = _owners(document)

    def look(self) -> Sequence[Capacity]:
        """See `Behind`."""
        # A part that is just being restarted shows nothing for a moment.
        with suppress(OSError, ValueError, KeyError):
            document = self._document()
            self._owners = {**self._owners, **_owners(document)}
            if self.scaled:
                view = self._read("scaling.json")["scaled"]
                served = _with_targets(document)
                return [
                    _capacity(key, view[key], has_targets=key in served)
                    for key in self.scaled
                    if key in view
                ]
            return self._fixed(document)
        return ()

    def events(self) -> Sequence[Event]:
        """See `Behind`."""
        if not self._lines.exists():
            return ()
        with self._lines.open("rb") as file:
            file.seek(self._read_bytes)
            # Half a line is for the next time.
            whole = b"".join(file.read().rpartition(b"\n")[:2])
        events = [_event(json.loads(line), self._owners) for line in whole.splitlines()]
        self._events += [event for event in events if event.scaled in self.scaled]
        self._read_bytes += len(whole)
        return self._events

    def _fixed(self, document: Json) -> Sequence[Capacity]:
        """Count copies of which nobody changes the number."""
        known = wanted(document).machines
        ids = [one for one in _of_variant(document, self._slug) if one in known]
        if not ids:
            return ()
        fleet, health = self._read("fleet.json"), self._health(document)
        available = sum(vcpus(known[one]) for one in ids)
        return [
            Capacity(
                name="copies",
                desired=len(ids),
                running=sum(fleet.get(one, {}).get("state") == "running" for one in ids),
                healthy=sum(health.get(one, False) for one in ids) if health.keys() & ids else None,
                cpu_percent=self._cpu_percent(ids, available),
            )
        ]

    def _health(self, document: Json) -> dict[str, bool]:
        """What balancers and Route 53 find, of each machine that one of them checks."""
        edge = self._read("edge.json")
        found = {
            self._owners[target]: health["state"] == "healthy"
            for group in edge.get("targets", {}).values()
            for target, health in group.items()
            if target in self._owners
        }
        by_address = {one["address"]: one["id"] for one in document["instances"]}
        checks = edge.get("dns", {}).get("health_checks", {})
        for check in document.get("health_checks") or []:
            if check["id"] in checks and check["address"] in by_address:
                found[by_address[check["address"]]] = checks[check["id"]]["healthy"]
        return found

    def _cpu_percent(self, ids: Sequence[str], available: float) -> float | None:
        before_s, before = self._used
        now_s, used_s = time.monotonic(), self._processors.used_s(ids)
        self._used = now_s, used_s
        if not before:
            return None
        return 100 * sum(growth(used_s, before).values()) / (available * (now_s - before_s))

    def _document(self) -> Json:
        with urllib.request.urlopen(self._state_url, timeout=_TIMEOUT_S) as answer:  # noqa: S310  our own emulator
            document: Json = json.load(answer)
        return document

    def _read(self, name: str) -> Json:
        found: Json = json.loads((self._folder / name).read_text(encoding="utf-8"))
        return found


def behind_in_lab(
    variant: "Variant", place: "AccountPlace", folder: Path, emulator_url: str
) -> BehindInLab:
    """Look behind a variant that stands."""
    pages = place.cloudformation.client.get_paginator("list_stack_resources").paginate(
        StackName=variant.url.stack
    )
    resources = [one for page in pages for one in page["StackResourceSummaries"]]
    names = {
        scaled_name(one["ResourceType"], one.get("PhysicalResourceId", "")) for one in resources
    }
    return BehindInLab(folder, emulator_url, variant.slug, frozenset(names))


def scaled_name(resource_type: str, physical_id: str) -> str:
    """What the lab's scaling calls a resource of a stack; empty when it never scales.

    >>> scaled_name("AWS::ECS::Service", "arn:aws:ecs:us-east-1:000000000000:service/c/web")
    'service/c/web'
    >>> scaled_name("AWS::AutoScaling::AutoScalingGroup", "web")
    'group/web'
    """
    match resource_type:
        case "AWS::AutoScaling::AutoScalingGroup":
            return f"group/{physical_id}"
        case "AWS::ECS::Service":
            return physical_id.rpartition(":")[2]
        case _:
            return ""


def _keys(document: Json) -> Iterator[str]:
    for group in document.get("auto_scaling_groups") or []:
        yield f"group/{group['name']}"
    for target in document.get("scalable_targets") or []:
        yield target["resource_id"]


def _of_variant(document: Json, slug: str) -> list[str]:
    instances = [one["id"] for one in document["instances"] if one["tags"].get("variant") == slug]
    tasks = [
        one["id"] for one in document["tasks"] if one["environment"].get("NINEWAYS_VARIANT") == slug
    ]
    return [*tasks, *instances]


def _owners(document: Json) -> dict[str, str]:
    """Which instance or task each target is."""
    owners = {one["address"]: one["id"] for one in document["instances"]}
    for task in document["tasks"]:
        ports = (task.get("host_ports") or {}).values()
        # Either a port of its instance's address, or an address of its own.
        places = [f"{task['address']}:{port}" for port in ports] or [task["address"]]
        owners |= dict.fromkeys(places, task["id"])
    targets = [target for group in document["target_groups"] for target in group["targets"]]
    named = [(f"{one['address']}:{one['port']}", one["address"]) for one in targets]
    return {
        target: owner
        for target, address in named
        if (owner := owners.get(target) or owners.get(address))
    }


def _with_targets(document: Json) -> set[str]:
    """What scales and serves: all but groups of instances on which somebody else's tasks run."""
    groups = document.get("auto_scaling_groups") or []
    return set(_keys(document)) - {
        f"group/{group['name']}" for group in groups if not group["target_group_arns"]
    }


def _capacity(name: str, now: Json, *, has_targets: bool) -> Capacity:
    if not has_targets:
        # In a lab such an instance idles, for its tasks run beside it.
        return Capacity(name, now["desired"], now["running"])
    return Capacity(name, now["desired"], now["running"], now["healthy"], now["cpu_percent"])


def _event(line: Mapping[str, Any], owners: Mapping[str, str]) -> Event:
    """Read a line; a target is known by the machine it is now, for ports are used again."""
    facts = {key: value for key, value in line.items() if key not in {"at", "scaled", "event"}}
    if target := facts.get("target"):
        facts["machine"] = owners.get(target, target)
    return Event(line["at"], line["scaled"], line["event"], facts)
