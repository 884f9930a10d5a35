from typing import Any

import pytest

ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123abcd"


@pytest.fixture
def target_group() -> dict[str, Any]:
    return {
        "arn": ARN,
        "name": "web",
        "port": 8000,
        "protocol": "HTTP",
        "target_type": "ip",
        "health_check": {
            "path": "/readyz",
            "port": "traffic-port",
            "interval_s": 5,
            "timeout_s": 2,
            "healthy_threshold": 2,
            "unhealthy_threshold": 3,
            "matcher": "200",
        },
        "attributes": {},
        "targets": [
            {"id": "127.9.30.1", "address": "127.9.30.1", "port": 8000, "draining": False},
            {"id": "127.9.30.2", "address": "127.9.30.2", "port": 8000, "draining": True},
        ],
    }


@pytest.fixture
def state(target_group: dict[str, Any]) -> dict[str, Any]:
    """A state document with one of everything, as the emulator sends it."""
    forward = {"Type": "forward", "TargetGroupArn": ARN}
    return {
        "version": 7,
        "instances": [],
        "tasks": [],
        "addresses": [
            {"public_ip": "127.9.52.1", "instance_id": None, "target": None, "ports": [8080]}
        ],
        "load_balancers": [
            {
                "arn": "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/lb/1",
                "name": "lb",
                "address": "127.9.40.1",
                "attributes": {},
                "listeners": [
                    {
                        "arn": "listener",
                        "port": 8080,
                        "protocol": "HTTP",
                        "default_actions": [forward],
                        "rules": [],
                    }
                ],
            }
        ],
        "target_groups": [target_group],
        "rest_apis": [
            {"id": "abc12345", "name": "api", "address": "127.9.60.1", "stages": ["live"]}
        ],
    }
