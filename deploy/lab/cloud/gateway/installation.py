"""Puts the gateway into the emulator."""

from collections.abc import Callable

from deploy.lab.cloud.gateway import functions, resources
from deploy.lab.cloud.gateway.front import App, Front
from deploy.lab.cloud.gateway.integrations import Integrations
from deploy.lab.cloud.gateway.pipeline import Pipeline
from deploy.lab.cloud.gateway.snapshots import Snapshots
from deploy.lab.cloud.gateway.vpc_links import VpcLinks


def install() -> Callable[[App], App]:
    """Complete the control plane; gives what puts the request path before another app."""
    snapshots, links = Snapshots(), VpcLinks()
    snapshots.install()
    links.install()
    functions.install()
    resources.install()
    pipeline = Pipeline(snapshots, Integrations(links))
    return lambda otherwise: Front(pipeline, otherwise)
