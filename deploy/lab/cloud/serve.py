"""Puts the additions into MiniStack and serves it."""

import shutil
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import uvicorn

from deploy.lab.cloud import (
    amendments,
    application_autoscaling,
    autoscaling,
    buckets,
    conditions,
    creation_policy,
    ec2,
    ecs,
    ecs_on_ec2,
    elastic_ip,
    elbv2,
    group_answers,
    group_stacks,
    lambda_,
    listener_rules,
    logs,
    machine_images,
    metrics,
    pin,
    queues,
    route53,
    route53_resources,
    security_groups,
    service_scaling_resources,
    stack_deletion,
    step_functions,
    topics,
    web_acls,
    weighted_forwards,
)
from deploy.lab.cloud.agents import Agents
from deploy.lab.cloud.alb_functions import AlbFunctions
from deploy.lab.cloud.application_autoscaling import ApplicationAutoScaling
from deploy.lab.cloud.border import Internals, Json, Response
from deploy.lab.cloud.container_instances import ContainerInstances
from deploy.lab.cloud.environment import OWN_NAME
from deploy.lab.cloud.faults import Faults, FaultyCloud
from deploy.lab.cloud.gateway import installation as gateway
from deploy.lab.cloud.group_life import Life
from deploy.lab.cloud.groups import Groups
from deploy.lab.cloud.lab import Lab
from deploy.lab.cloud.rest_apis import RestApis
from deploy.lab.cloud.signals import Signals
from deploy.lab.cloud.state import State

APP = Internals("app", "app", "SERVICE_HANDLERS")
SQS = Internals("services.sqs", "DEFAULT_HOST", "_CANONICAL_NETLOC")

# The services that what should exist is read from.
DESCRIBED = (
    "apigateway",
    "application-autoscaling",
    "autoscaling",
    "cloudformation",
    "ec2",
    "ecs",
    "elasticloadbalancing",
    "route53",
    "wafv2",
)
Handler: TypeAlias = Callable[..., Awaitable[Response]]

# A request that is still running when we are told to stop is a long poll.
STOP_WITHIN_S = 1


def serve(lab: Lab) -> None:
    """Serve until SIGTERM.

    Raises:
        PinError: another MiniStack is installed.
    """
    pin.check()
    host, port = lab.addresses.emulator_url.removeprefix("http://").split(":")
    _fresh_temporary_folder(lab)
    # Queue URLs must lead here and not to localhost.
    SQS.replace("DEFAULT_HOST", host)
    SQS.replace("CANONICAL_NETLOC", f"{host}:{port}")
    faults = Faults()
    state = State(faults.added_to(install(lab)))
    with_rest_apis = gateway.install(faults.queue_fails_now)
    for service in DESCRIBED:
        APP.SERVICE_HANDLERS[service] = _touching(APP.SERVICE_HANDLERS[service], state)
    cloud = FaultyCloud(faults, Agents(lab, state, APP.app), changed=state.touch)
    config = uvicorn.Config(
        # Outermost, for a client's path is never one of the emulator's.
        AlbFunctions(with_rest_apis(cloud)),
        host=host,
        port=int(port),
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    # The server stops in peace and then gives itself the signal again.
    signal.signal(signal.SIGTERM, _leave)
    try:
        uvicorn.Server(config).run()
    finally:
        lambda_.stop()
        shutil.rmtree(lab.directory / "tmp", ignore_errors=True)


def install(lab: Lab) -> Callable[[], Json]:
    """Put the additions into MiniStack; gives what describes all that should exist."""
    security_groups.install()
    ec2.install(lab)
    machine_images.install(lab)
    elastic_ip.install(lab)
    elbv2.install(lab)
    listener_rules.install()
    weighted_forwards.install()
    instances = ContainerInstances(lab)
    fleet = ecs.install(lab, OWN_NAME, instances)
    lambda_.install(lab)
    logs.install()
    metrics.install()
    route53.install(lab)
    route53_resources.install()
    amendments.install()
    buckets.install()
    queues.install()
    step_functions.install()
    topics.install()
    conditions.install()
    signals = Signals(cancelled=lab.cancelled)
    creation_policy.install(signals)
    groups = Groups()
    groups.holders.append(instances.holds)
    ecs_on_ec2.install(instances, groups)
    autoscaling.install(groups)
    group_stacks.install(groups, signals, lab.cancelled)
    services = ApplicationAutoScaling()
    application_autoscaling.install(services)
    service_scaling_resources.install(services)
    stack_deletion.install(lab)
    web_acls.install()
    apis = RestApis(lab)
    life = Life(lab, groups)
    threading.Thread(target=life.look_after_all, name="lab-groups", daemon=True).start()
    return lambda: {
        "instances": ec2.wanted(lab),
        "tasks": ecs.describe(fleet),
        "addresses": elastic_ip.wanted(),
        "load_balancers": elbv2.load_balancers(),
        "target_groups": elbv2.target_groups(lab),
        "rest_apis": apis.describe(),
        "health_checks": route53.health_checks(),
        "hosted_zones": route53.hosted_zones(),
        "auto_scaling_groups": group_answers.wanted(groups),
        "scalable_targets": services.wanted(),
        "web_acls": web_acls.describe(),
        "capacity_providers": ecs_on_ec2.wanted(),
    }


def _touching(handler: Handler, state: State) -> Handler:
    """The handler, and after each of its requests a look at what changed."""

    async def handle(*request: object) -> Response:
        try:
            return await handler(*request)
        finally:
            state.touch()

    return handle


def _leave(*_: object) -> None:
    raise SystemExit(0)


def _fresh_temporary_folder(lab: Lab) -> None:
    """What a killed predecessor left behind goes."""
    folder = lab.directory / "tmp"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
