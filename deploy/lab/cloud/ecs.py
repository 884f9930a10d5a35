"""The ECS service scheduler: MiniStack's, made to wait for what really happens.

MiniStack rolls deployments, counts failures for the circuit breaker and rolls back. Here a task
runs when the fleet says so, a deployment is steady when the load balancer finds its tasks
healthy, and a task that fails its health checks is replaced.
"""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from deploy.lab.cloud.amendments import numbers
from deploy.lab.cloud.border import (
    Created,
    Internals,
    Json,
    RefusedError,
    amend_resource_type,
    scope,
    scoped_records,
)
from deploy.lab.cloud.container_instances import ContainerInstances
from deploy.lab.cloud.lab import Lab
from deploy.lab.cloud.tasks import Fleet

ECS = Internals(
    "services.ecs",
    "_cleanup_task_resources",
    "_complete_service_deployment",
    "_delete_service",
    "_deployment_needs_first_task",
    "_docker",
    "_make_deployment",
    "_mark_task_activating",
    "_mark_task_pending",
    "_mark_task_stopped",
    "_primary_deployment",
    "_reconcile_service_tasks",
    "_record_service_task_failure",
    "_record_service_task_healthy",
    "_sanitize",
    "_services",
    "_sync_service_targets",
    "_task_ip",
    "_tasks",
    "_update_service",
)
ALB = Internals("services.alb", "_tgs", "set_targets_for_group")
STACKS = Internals("services.cloudformation.stacks", "_runs_on_worker_thread")

LOOK_EVERY_S = 0.25
# A task without a health check that has run this long is taken to work.
STEADY_AFTER_S = 2.0
# The deployment of tasks that have to leave their instance: none, so that others replace them.
MOVED = "moved"

log = logging.getLogger("lab.ecs")


def install(lab: Lab, own_name: str, instances: ContainerInstances) -> Fleet:
    """Hook into the scheduler and start the thread that looks after services."""
    fleet = Fleet(lab, own_name, instances)
    scheduler = Scheduler(lab, fleet, instances)
    ECS.replace("docker", fleet)
    ECS.replace("deployment_needs_first_task", lambda *_: False)
    ECS.replace("make_deployment", scheduler.make_deployment)
    ECS.replace("mark_task_activating", scheduler.keep_pending)
    ECS.replace("mark_task_pending", scheduler.place)
    ECS.replace("reconcile_service_tasks", scheduler.reconcile)
    ECS.replace("record_service_task_healthy", scheduler.record_healthy)
    ECS.replace("sanitize", scheduler.sanitize)
    ECS.replace("sync_service_targets", scheduler.sync_targets)
    stock_runs_on_thread = STACKS.runs_on_worker_thread
    STACKS.replace(
        "runs_on_worker_thread",
        lambda kind: kind == "AWS::ECS::Service" or stock_runs_on_thread(kind),
    )
    amend_resource_type(
        "AWS::ECS::Service", before=scheduler.prepare, after=scheduler.finish_stack_resource
    )
    threading.Thread(target=scheduler.look_after_services, name="lab-ecs", daemon=True).start()
    return fleet


class Scheduler:
    """Our steps around those of MiniStack's scheduler."""

    def __init__(self, lab: Lab, fleet: Fleet, instances: ContainerInstances) -> None:
        self._instances = instances
        self._observed = lab.observed
        self._cancelled = lab.cancelled
        self._fleet = fleet
        self._stock_make = ECS.make_deployment
        self._stock_pend = ECS.mark_task_pending
        self._stock_reconcile = ECS.reconcile_service_tasks
        self._stock_record_healthy = ECS.record_service_task_healthy
        self._stock_sanitize = ECS.sanitize
        # MiniStack reconciles from several threads; two at once would start a task too many.
        self._one_at_a_time = threading.RLock()

    def make_deployment(self, task_definition: str, desired_count: int, **rest: Any) -> Json:  # noqa: ANN401 - passed on
        """A deployment is in progress until its tasks are steady, the first one too."""
        deployment: Json = self._stock_make(task_definition, desired_count, **rest)
        deployment["rolloutState"] = "IN_PROGRESS"
        deployment["rolloutStateReason"] = f"ECS deployment {deployment['id']} in progress."
        return deployment

    def keep_pending(self, task_arn: str, task: Json) -> bool:
        """A task stays PENDING, and is counted so, until the fleet runs it."""
        del task_arn
        task["pullStartedAt"] = task.get("pullStartedAt") or datetime.now(UTC).isoformat()
        return True

    def place(self, task_arn: str, task: Json) -> bool:
        """A task on EC2 stays PROVISIONING until an instance has room for it."""
        on_ec2 = task.get("launchType") == "EC2"
        if on_ec2 and not self._instances.await_room(task_arn, task):
            return False
        return bool(self._stock_pend(task_arn, task))

    def sync_targets(self, cluster: str, service: Json) -> None:
        """Register the service's running tasks in its target groups."""
        del cluster
        published = service.setdefault("_published_targets", {})
        for balancer in service.get("loadBalancers") or []:
            if arn := balancer.get("targetGroupArn"):
                by_instance = ALB.tgs.get(arn, {}).get("TargetType") == "instance"
                running = self._running(service) if service["status"] == "ACTIVE" else ()
                targets = [self._target(task, balancer, by_instance) for task in running]
                ALB.set_targets_for_group(arn, targets, published.get(arn, ()))
                published[arn] = [target_id for target_id, _ in targets]

    def prepare(self, properties: Json) -> Json:
        """Note what the stock type drops and its first tasks need."""
        properties = numbers(properties)
        tags = _tags(properties)
        stack, logical = (
            tags.get(f"aws:cloudformation:{key}") for key in ("stack-name", "logical-id")
        )
        name = properties.get("ServiceName") or f"{stack}-{logical}"
        self._instances.strategies[f"{properties.get('Cluster', 'default')}/{name}"] = [
            (str(strategy["Type"]), str(strategy.get("Field", "")))
            for strategy in properties.get("PlacementStrategies") or []
        ]
        return properties

    def reconcile(self, cluster: str, service_key: str) -> None:
        """Start or stop tasks."""
        with self._one_at_a_time:
            self._stock_reconcile(cluster, service_key)

    def record_healthy(self, service_key: str, task: Json) -> None:
        """A task counts for its deployment once it is known to work.

        With target groups that is when each finds it healthy, else when it has run for a while.
        """
        if (service := ECS.services.get(service_key)) is None:
            return
        states = self._target_states(service, task)
        works = all(state == "healthy" for state in states)
        if works if states else _age_s(task) > STEADY_AFTER_S:
            self._stock_record_healthy(service_key, task)

    def sanitize(self, record: Any) -> Any:  # noqa: ANN401 - any JSON
        """What Describe calls show; a stopped task is stopped when its process has ended."""
        shown = self._stock_sanitize(record)
        if isinstance(record, dict) and "taskArn" in record and "clusterArn" in record:
            container = self._fleet.containers.of_task(record["taskArn"])
            if record.get("lastStatus") == "STOPPED" and container and not container.gone:
                shown["lastStatus"] = "DEACTIVATING" if container.drains else "STOPPING"
                shown.pop("stoppedAt", None)
        return shown

    def finish_stack_resource(
        self, arn: str, properties: Json, attributes: dict[str, str]
    ) -> Created:
        """Set what the stock type drops, then wait for a steady service, as CloudFormation does.

        Raises:
            RefusedError: the circuit breaker gave the deployment up.
        """
        cluster, name = arn.rsplit("/", 2)[1:]
        service = ECS.services[f"{cluster}/{name}"]
        service["healthCheckGracePeriodSeconds"] = properties.get(
            "HealthCheckGracePeriodSeconds", 0
        )
        monitoring = properties.get("Monitoring")
        if service.setdefault("_monitoring", monitoring) != monitoring:
            # Another resolution of its metrics is another deployment.
            service["_monitoring"] = monitoring
            request = {"cluster": cluster, "service": name, "forceNewDeployment": True}
            ECS.update_service(request)
        begun = ECS.primary_deployment(service)
        while service["status"] == "ACTIVE" and not _is_steady(service, begun):
            reason = _stack_of(properties) in self._cancelled and "Resource creation cancelled"
            if begun["rolloutState"] == "FAILED":
                reason = begun["rolloutStateReason"]
            if reason:
                if not service.get("_created"):
                    # CloudFormation has no record of it yet, so nobody else would delete it.
                    ECS.delete_service({"cluster": cluster, "service": name, "force": True})
                raise RefusedError(reason)
            time.sleep(LOOK_EVERY_S / 5)
        service["_created"] = True
        return arn, attributes

    def look_after_services(self) -> None:
        """Look at every active service, again and again."""
        while True:
            time.sleep(LOOK_EVERY_S)
            for account, region, _, task in list(scoped_records(ECS.tasks)):
                with scope(account, region), self._one_at_a_time:
                    self._look_after_placement(task)
            for account, region, key, service in list(scoped_records(ECS.services)):
                if service["status"] == "ACTIVE":
                    try:
                        with scope(account, region), self._one_at_a_time:
                            self._look_after(key, service)
                    except Exception:
                        log.exception("could not look after %s", key)

    def _look_after_placement(self, task: Json) -> None:
        """A task ends with its instance; its room is free when it has really ended."""
        arn = task["taskArn"]
        if (placement := self._instances.placement(arn)) is None:
            return
        container = self._fleet.containers.of_task(arn)
        if self._instances.is_lost(placement.instance_id):
            reason = f"Host EC2 (instance {placement.instance_id}) terminated."
            if ECS.mark_task_stopped(arn, task, reason, "TerminationNotice"):
                ECS.cleanup_task_resources(task, self._fleet)
            if container:
                container.lost = True
        ended = "STOPPED" in {task["lastStatus"], task["desiredStatus"]}
        if ended and (container is None or container.gone):
            self._instances.release(arn)

    def _leave_draining_instances(self, service: Json) -> None:
        """Replace tasks on instances that drain, as a deployment would: new ones first."""
        leaving = [
            task
            for task in self._running(service)
            if (placement := self._instances.placement(task["taskArn"]))
            and self._instances.is_draining(placement.instance_id)
            and task.get("_deployment_id") != MOVED
        ]
        if leaving and (primary := ECS.primary_deployment(service)):
            for task in leaving:
                task["_deployment_id"] = MOVED
            primary.update(rolloutState="IN_PROGRESS", failedTasks=0)

    def _look_after(self, key: str, service: Json) -> None:
        cluster = key.split("/", 1)[0]
        self._leave_draining_instances(service)
        for task in self._running(service):
            if self._failed_health_checks(service, task):
                self._replace(task)
            elif not task.get("_startup_stable"):
                self.record_healthy(key, task)
        self.reconcile(cluster, key)
        ECS.complete_service_deployment(cluster, key)

    def _running(self, service: Json) -> Iterator[Json]:
        for task in list(ECS.tasks.values()):
            if (
                task.get("group") == f"service:{service['serviceName']}"
                and task.get("clusterArn") == service["clusterArn"]
                and task.get("lastStatus") == "RUNNING"
            ):
                yield task

    def _failed_health_checks(self, service: Json, task: Json) -> bool:
        grace_s = float(service.get("healthCheckGracePeriodSeconds") or 0)
        return _age_s(task) > grace_s and "unhealthy" in self._target_states(service, task)

    def _target_states(self, service: Json, task: Json) -> list[str]:
        """What the edge says of the task in each target group of its service."""
        states = []
        for balancer in service.get("loadBalancers") or []:
            address, port = self._target(task, balancer, by_instance=False)
            seen = self._observed.target(balancer["targetGroupArn"], address, port)
            states.append(str(seen.get("state", "initial")))
        return states

    def _target(self, task: Json, balancer: Json, by_instance: bool) -> tuple[str, int]:  # noqa: FBT001 - named by its callers
        """Where a load balancer reaches the task: its own address, or a port of its instance."""
        inside = int(balancer["containerPort"])
        placement = self._instances.placement(task["taskArn"])
        if placement and inside in placement.ports:
            target_id = placement.instance_id if by_instance else placement.address
            return target_id, placement.ports[inside]
        return str(ECS.task_ip(task)), inside

    def _replace(self, task: Json) -> None:
        arn = task["taskArn"]
        log.info("%s fails its health checks; it is replaced", arn)
        reason = "Task failed ELB health checks"
        if ECS.mark_task_stopped(arn, task, reason, "ServiceSchedulerInitiated"):
            ECS.cleanup_task_resources(task, self._fleet)
            ECS.record_service_task_failure(task)


def _tags(properties: Json) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}


def _stack_of(properties: Json) -> str:
    """The stack's name, which CloudFormation adds to every resource that has tags."""
    return _tags(properties).get("aws:cloudformation:stack-name", "")


def _age_s(task: Json) -> float:
    """Seconds since the task runs."""
    started = datetime.fromisoformat(str(task["startedAt"]))
    return (datetime.now(UTC) - started).total_seconds()


def _is_steady(service: Json, deployment: Json) -> bool:
    return bool(
        deployment["rolloutState"] == "COMPLETED"
        and service["runningCount"] == service["desiredCount"]
    )


def describe(fleet: Fleet) -> list[Json]:
    """The tasks for the state document."""
    return fleet.containers.describe()
