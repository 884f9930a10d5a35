"""Makes MiniStack's CloudFormation honour the CreationPolicy of instances and groups."""

import logging
import math
from collections.abc import Callable
from typing import Any, TypeAlias

from deploy.lab.cloud.border import Created, Internals, Json, Parameters, Response
from deploy.lab.cloud.signals import SignalError, Signals, last_of_all, signallers_first
from deploy.lab.cloud.template_policies import definition, policy

STACKS = Internals(
    "services.cloudformation.stacks",
    "_add_event",
    "_extract_deps",
    "_provision_keeping_seed",
    "_runs_on_worker_thread",
    "_topological_sort",
    "_update_keeping_seed",
)
HANDLERS = Internals(
    "services.cloudformation.handlers",
    "_ACTION_HANDLERS",
    "_error",
    "_p",
    "_resolve_stack",
    "_xml",
)
PROVISIONERS = Internals("services.cloudformation.provisioners", "_delete_resource")
SIGNALLING = "AWS::EC2::Instance"
# Its update waits for signals too (group_stacks.py).
GROUP = "AWS::AutoScaling::AutoScalingGroup"
# A resource, and the seed of its generated name.
Made: TypeAlias = tuple[Created, str]

log = logging.getLogger("lab.creation_policy")


def install(signals: Signals) -> None:
    """Hook into the order of resources, their provisioning, and SignalResource."""
    policies = CreationPolicies(signals)
    STACKS.replace("add_event", policies.add_event)
    STACKS.replace("topological_sort", policies.sort)
    STACKS.replace("runs_on_worker_thread", policies.runs_on_thread)
    STACKS.replace("provision_keeping_seed", policies.provision)
    STACKS.replace("update_keeping_seed", policies.update)
    HANDLERS.ACTION_HANDLERS["SignalResource"] = policies.signal


class CreationPolicies:
    """Our steps around those of MiniStack's stack operations."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._stock_add_event = STACKS.add_event
        self._stock_sort = STACKS.topological_sort
        self._stock_runs_on_thread = STACKS.runs_on_worker_thread
        self._stock_provision = STACKS.provision_keeping_seed
        self._stock_update = STACKS.update_keeping_seed
        # Signallers that nothing comes after, so that nothing else would wait for them.
        self._closing: set[str] = set()
        # Events that are true only when the signal has come, by stack and resource.
        self._held: dict[tuple[str, str], tuple[Any, ...]] = {}

    def sort(self, resources: Json, conditions: Json) -> list[str]:
        """Resources in the order of their creation, those that signal early."""
        order: list[str] = self._stock_sort(resources, conditions)
        needs = {name: STACKS.extract_deps(resources[name], set(order)) for name in order}
        order = signallers_first(order, needs, [n for n in order if _signals(resources[n])])
        # An instance of a group signals when its target is healthy, for which listeners and
        # rules have to be there. CloudFormation would create them meanwhile.
        groups = [n for n in order if resources[n].get("Type") == GROUP]
        order = last_of_all(order, needs, groups)
        if order and _signals(resources[order[-1]]):
            self._closing.add(order[-1])
        return order

    def runs_on_thread(self, resource_type: str) -> bool:
        """Waiting must not hold up the loop that has to receive the signal."""
        return (
            resource_type in {SIGNALLING, GROUP}
            or self._signals.pending()
            or bool(self._stock_runs_on_thread(resource_type))
        )

    def provision(self, resource_type: str, logical_id: str, properties: Json, stack: str) -> Made:
        """Create a resource of a new stack or a new resource of a stack."""

        def act() -> Made:
            # Before what is made can signal.
            self._begin(_expected(resource_type, stack, logical_id), stack, logical_id)
            made: Made = self._stock_provision(resource_type, logical_id, properties, stack)
            return made

        return self._waiting(resource_type, stack, logical_id, act)

    def update(self, resource_type: str, physical_id: str, *rest: Any) -> Made:  # noqa: ANN401 - passed on
        """Update a resource; one that is replaced signals anew."""
        _, _, stack, logical_id, _ = rest

        def act() -> Made:
            expected = _expected(resource_type, stack, logical_id)
            made: Made = self._stock_update(resource_type, physical_id, *rest)
            if made[0][0] != physical_id:
                self._begin(expected, stack, logical_id)
            return made

        return self._waiting(resource_type, stack, logical_id, act)

    def add_event(self, stack_id: str, stack: str, *rest: Any, **more: Any) -> None:  # noqa: ANN401 - passed on
        """Add a stack event; an instance is complete when it has signalled."""
        logical_id, resource_type, status = rest[:3]
        complete = resource_type == SIGNALLING and status.endswith("_COMPLETE")
        if complete and self._signals.expects(stack, logical_id):
            self._held[stack, logical_id] = (stack_id, stack, *rest[:3], "", more["physical_id"])
        else:
            self._stock_add_event(stack_id, stack, *rest, **more)

    def signal(self, parameters: Parameters) -> Response:
        """SignalResource. A signal that nobody waits for any more is taken and does nothing."""
        stack = HANDLERS.resolve_stack(HANDLERS.p(parameters, "StackName"))
        logical_id = HANDLERS.p(parameters, "LogicalResourceId")
        unique_id, status = HANDLERS.p(parameters, "UniqueId"), HANDLERS.p(parameters, "Status")
        if not stack or stack["StackStatus"] == "DELETE_COMPLETE":
            return _refuse(f"Stack [{HANDLERS.p(parameters, 'StackName')}] does not exist")
        if status not in {"SUCCESS", "FAILURE"} or not unique_id:
            return _refuse("Status must be SUCCESS or FAILURE, and UniqueId must be given")
        if self._signals.receive(stack["StackName"], logical_id, unique_id, status):
            STACKS.add_event(
                stack["StackId"],
                stack["StackName"],
                logical_id,
                definition(stack["StackName"], logical_id).get("Type", SIGNALLING),
                stack["StackStatus"].partition("_")[0] + "_IN_PROGRESS",
                f"Received {status} signal with UniqueId {unique_id}",
            )
            if not self._signals.expects(stack["StackName"], logical_id):
                self._release(stack["StackName"], logical_id)
        else:
            # A machine that the lab starts again may run its first boot again.
            log.info("%s (%s) signalled %s; nothing waits for it", logical_id, unique_id, status)
        answer: Response = HANDLERS.xml(200, "SignalResourceResponse", "")
        return answer

    def _waiting(
        self, resource_type: str, stack: str, logical_id: str, act: Callable[[], Made]
    ) -> Made:
        if resource_type != SIGNALLING:
            self._wait(stack)
        try:
            made = act()
        except Exception:
            self._signals.forget(stack)
            raise
        if logical_id in self._closing or resource_type == GROUP:
            try:
                self._wait(stack)
            except SignalError:
                # CloudFormation has not recorded it yet, so nobody else would delete it.
                PROVISIONERS.delete_resource(resource_type, made[0][0], {})
                raise
        return made

    def _wait(self, stack: str) -> None:
        try:
            self._signals.wait_for_all(stack)
        except SignalError as error:
            held = {key: event for key, event in self._held.items() if key[0] == stack}
            self._held = {k: event for k, event in self._held.items() if k not in held}
            if event := held.get((stack, error.logical_id)):
                *where, status, _, physical_id = event
                failed = status.replace("COMPLETE", "FAILED")
                self._stock_add_event(*where, failed, error.reason, physical_id)
            raise

    def _release(self, stack: str, logical_id: str) -> None:
        if held := self._held.pop((stack, logical_id), None):
            self._stock_add_event(*held)

    def _begin(self, expected: tuple[Json, int] | None, stack: str, logical_id: str) -> None:
        if expected:
            signal, tolerated = expected
            self._signals.expect(stack, logical_id, signal, tolerated=tolerated)


def _expected(resource_type: str, stack: str, logical_id: str) -> tuple[Json, int] | None:
    """The signals that a resource has to send, and how many of them may fail."""
    if resource_type not in {SIGNALLING, GROUP}:
        return None
    creation = policy(stack, logical_id, "CreationPolicy")
    signal: Json = creation.get("ResourceSignal") or {}
    count = int(str(signal.get("Count", 1)))
    if not signal or not count:
        return None
    how = creation.get("AutoScalingCreationPolicy") or {}
    percent = float(how.get("MinSuccessfulInstancesPercent", 100))
    return signal, count - math.ceil(count * percent / 100)


def _signals(resource: Json) -> bool:
    """Whether it is an instance that signals."""
    return resource.get("Type") == SIGNALLING and bool(
        (resource.get("CreationPolicy") or {}).get("ResourceSignal")
    )


def _refuse(message: str) -> Response:
    response: Response = HANDLERS.error("ValidationError", message)
    return response
