"""Puts the gateway into the emulator."""

from collections.abc import Callable

from deploy.lab.cloud.gateway import declared, functions, resources
from deploy.lab.cloud.gateway.backends import Emulator
from deploy.lab.cloud.gateway.front import App, Front
from deploy.lab.cloud.gateway.integrations import Integrations
from deploy.lab.cloud.gateway.pipeline import Pipeline
from deploy.lab.cloud.gateway.snapshots import Snapshots
from deploy.lab.cloud.gateway.vpc_links import VpcLinks


def install(queue_fails: Callable[[], bool]) -> Callable[[App], App]:
    """Complete the control plane; gives what puts the request path before another app.

    `queue_fails` says whether a call of SQS shall fail now, for those do not go over the network.
    """
    snapshots, links = Snapshots(), VpcLinks()
    snapshots.install()
    links.install()
    functions.install()
    resources.install()
    declared.install()
    pipeline = Pipeline(snapshots, Integrations(links, Emulator(queue_fails).ask))
    return lambda otherwise: Front(pipeline, otherwise)
