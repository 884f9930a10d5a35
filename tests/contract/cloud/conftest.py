"""One control plane for the session, and the agents it would have in a lab."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, overload
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from types_boto3_apigateway import APIGatewayClient
from types_boto3_autoscaling import AutoScalingClient
from types_boto3_cloudformation import CloudFormationClient
from types_boto3_ec2 import EC2Client
from types_boto3_ecs import ECSClient
from types_boto3_elbv2 import ElasticLoadBalancingv2Client
from types_boto3_lambda import LambdaClient
from types_boto3_logs import CloudWatchLogsClient
from types_boto3_s3 import S3Client
from types_boto3_sqs import SQSClient
from types_boto3_stepfunctions import SFNClient

from deploy.lab.addresses import Addresses

Json = dict[str, Any]
T = TypeVar("T")
Status = Literal["SUCCESS", "FAILURE"]


def until(what: str, look: Callable[[], T | None], *, within_s: float = 10) -> T:
    """What `look` gives, once it gives anything."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        time.sleep(0.02)
    return found


@dataclass(frozen=True)
class Cloud:
    """A control plane that runs."""

    addresses: Addresses
    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return self.addresses.emulator_url

    @overload
    def client(self, service: Literal["apigateway"]) -> APIGatewayClient: ...
    @overload
    def client(self, service: Literal["autoscaling"]) -> AutoScalingClient: ...
    @overload
    def client(self, service: Literal["cloudformation"]) -> CloudFormationClient: ...
    @overload
    def client(self, service: Literal["ec2"]) -> EC2Client: ...
    @overload
    def client(self, service: Literal["ecs"]) -> ECSClient: ...
    @overload
    def client(self, service: Literal["elbv2"]) -> ElasticLoadBalancingv2Client: ...
    @overload
    def client(self, service: Literal["lambda"]) -> LambdaClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(
        self, service: Literal["application-autoscaling", "cloudwatch", "route53", "wafv2"]
    ) -> Any: ...  # noqa: ANN401 - no stubs are installed
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["sqs"]) -> SQSClient: ...
    @overload
    def client(self, service: Literal["stepfunctions"]) -> SFNClient: ...
    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - nothing checks it
            config=Config(retries={"max_attempts": 0}, read_timeout=30),
        )

    def get(self, path: str, **headers: str) -> str:
        return self.request("GET", path, headers=headers)

    def request(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> str:
        data = None if body is None else json.dumps(body).encode()
        url = self.url + path
        request = urllib.request.Request(url, data, headers or {}, method=method)  # noqa: S310 - ours
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - ours
            answer: bytes = response.read()
        return answer.decode()

    def state(self, since: int = -1, wait_s: float = 0) -> Json:
        document: Json = json.loads(self.get(f"/_lab/state?since={since}&wait={wait_s}"))
        return document

    def report(self, **report: Json) -> None:
        """What the fleet (machines) or the edge (targets) would post."""
        self.request("POST", "/_lab/observed", report)

    # ---- stacks ----

    def create(self, resources: Json, outputs: Json | None = None) -> str:
        """Begin to create a stack; its name."""
        name = f"s{uuid4().hex[:8]}"
        self.client("cloudformation").create_stack(
            StackName=name,
            TemplateBody=json.dumps(template(resources, outputs or {})),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        return name

    def created(self, resources: Json, outputs: Json | None = None) -> "Stack":
        """A stack that stands."""
        stack = self.finished(self.create(resources, outputs))
        assert stack.status == "CREATE_COMPLETE", self.reasons(stack.name)
        return stack

    def updated(self, name: str, resources: Json, outputs: Json | None = None) -> "Stack":
        self.client("cloudformation").update_stack(
            StackName=name,
            TemplateBody=json.dumps(template(resources, outputs or {})),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        return self.finished(name)

    def deleted(self, name: str) -> str:
        """Delete a stack; the state it ends in."""
        client = self.client("cloudformation")
        arn = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        client.delete_stack(StackName=name)
        return self.finished(arn).status

    def finished(self, name: str) -> "Stack":
        client = self.client("cloudformation")

        def look() -> Stack | None:
            stack = client.describe_stacks(StackName=name)["Stacks"][0]
            if stack["StackStatus"].endswith("IN_PROGRESS"):
                return None
            outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
            return Stack(name, stack["StackStatus"], outputs)

        return until(f"stack {name} to finish", look, within_s=20)

    def reasons(self, name: str) -> list[str]:
        """Why resources of a stack failed."""
        events = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return [
            f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}"
            for event in events
            if event.get("ResourceStatus", "").endswith("FAILED")
        ]


@dataclass(frozen=True)
class Stack:
    name: str
    status: str
    outputs: Mapping[str, str]


def template(resources: Json, outputs: Json) -> Json:
    return {
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def ref(name: str) -> Json:
    return {"Ref": name}


def att(name: str, attribute: str) -> Json:
    return {"Fn::GetAtt": [name, attribute]}


def free_octet() -> int:
    """An address range where nobody listens; tests may run side by side."""
    for octet in range(130 + os.getpid() % 60, 250):
        with socket.socket() as probe:
            try:
                probe.bind((f"127.{octet}.0.1", 4566))
            except OSError:
                continue
            return octet
    raise AssertionError("no address range is free")


@contextmanager
def running(directory: Path) -> Iterator[Cloud]:
    """A control plane of one's own."""
    addresses = Addresses(free_octet())
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "cloud.log").open("wb") as log:
        arguments = ["--octet", str(addresses.octet), "--state", str(directory), "--speed", "1000"]
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.lab.cloud", *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    cloud = Cloud(addresses, directory, process)

    def ready() -> bool:
        assert process.poll() is None, (directory / "cloud.log").read_text()
        try:
            cloud.state()
        except OSError:
            return False
        return True

    try:
        until("the control plane to be ready", ready)
        yield cloud
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            raise


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("lab")) as cloud:
        yield cloud


@dataclass
class Agents:
    """A fleet and an edge that do what they are asked, for the images they like."""

    cloud: Cloud
    # Tasks of images with this name never start, end at once, or never become healthy.
    STUCK = "stuck"
    CRASHING = "crashing"
    UNHEALTHY = "unhealthy"
    # Ids of instances whose machine ended, and addresses whose targets fail.
    broken: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)

    def serve(self, stopping: threading.Event) -> None:
        version = -1
        while not stopping.is_set():
            state = self.cloud.state(since=version, wait_s=0.5)
            version = state["version"]
            machines = {task["id"]: self._machine(task) for task in state["tasks"]}
            machines |= {i["id"]: self._instance(i) for i in state["instances"]}
            self.cloud.report(
                machines={key: seen for key, seen in machines.items() if seen},
                targets={
                    group["arn"]: self._group(group, state)
                    for group in state["target_groups"]
                    # What other tests register, they report themselves.
                    if {t["address"] for t in group["targets"]} <= _machines_of_mine(state)
                },
            )

    def _instance(self, instance: Json) -> Json | None:
        """Of an Auto Scaling group's instances; those of other tests report themselves."""
        if "aws:autoscaling:groupName" not in instance["tags"] or instance["state"] != "running":
            return None
        if instance["id"] in self.broken:
            return {"state": "exited", "exit_code": 1, "pid": None}
        return {"state": "running", "exit_code": None, "pid": 1}

    def _machine(self, task: Json) -> Json | None:
        image = task["image"].partition(":")[0]
        if task["stopping"] or image == self.CRASHING:
            return {"state": "exited", "exit_code": 3, "pid": None}
        if image == self.STUCK:
            return None
        return {"state": "running", "exit_code": None, "pid": 1}

    def _group(self, group: Json, state: Json) -> Json:
        bad = {t["address"] for t in state["tasks"] if t["image"] == self.UNHEALTHY}
        bad |= self.failing
        return {
            f"{target['address']}:{target['port']}": {
                "state": "unhealthy" if target["address"] in bad else "healthy"
            }
            for target in group["targets"]
            if not target["draining"]
        }


class signalling:  # noqa: N801 - reads as a statement
    """Signal for every instance of the stack, as its user data would."""

    def __init__(self, cloud: Cloud, name: str, status: Status = "SUCCESS") -> None:
        self._cloud, self._name, self._status = cloud, name, status
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _serve(self) -> None:
        client, done = self._cloud.client("cloudformation"), set()
        while not self._enough.wait(0.05):
            for machine in self._cloud.state()["instances"]:
                tags = machine["tags"]
                mine = tags.get("aws:cloudformation:stack-name") == self._name
                if mine and machine["id"] not in done:
                    done.add(machine["id"])
                    client.signal_resource(
                        StackName=self._name,
                        LogicalResourceId=tags["aws:cloudformation:logical-id"],
                        UniqueId=machine["id"],
                        Status=self._status,
                    )


def _machines_of_mine(state: Json) -> set[str]:
    """Addresses of tasks and of groups' instances."""
    grouped = [i for i in state["instances"] if "aws:autoscaling:groupName" in i["tags"]]
    return {machine["address"] for machine in [*state["tasks"], *grouped]}


@pytest.fixture(scope="session")
def agents(cloud: Cloud) -> Iterator[Agents]:
    agents, stopping = Agents(cloud), threading.Event()
    thread = threading.Thread(target=agents.serve, args=[stopping])
    thread.start()
    yield agents
    stopping.set()
    thread.join()
