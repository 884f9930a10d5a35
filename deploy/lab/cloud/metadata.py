"""The metadata service of each instance (IMDSv2), under the instance's own path.

On AWS it is 169.254.169.254 for everybody; here the machine's environment names the path.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from deploy.lab.cloud import ec2
from deploy.lab.cloud.border import Internals, Json, records
from deploy.lab.cloud.observed import now

IAM = Internals("services.iam", "_instance_profiles")
EC2 = Internals("services.ec2", "_instances")

LONGEST_TOKEN_S = 21600
Answer = tuple[int, str]
NOT_FOUND: Answer = (404, "Not Found")


class Metadata:
    """Answers for all instances. Without a token, which only a PUT gives out, it is silent."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, float]] = {}

    def answer(
        self, method: str, instance_id: str, path: str, headers: Mapping[str, str]
    ) -> Answer:
        """Status and text for `latest/...` of one instance."""
        instance = records(EC2.instances).get(instance_id)
        if instance is None:
            return NOT_FOUND
        if path == "latest/api/token":
            return self._new_token(method, instance_id, headers)
        if not self._knows(headers.get("x-aws-ec2-metadata-token", ""), instance_id):
            return 401, "Unauthorized"
        if method != "GET":
            return 405, "Method Not Allowed"
        return _value(instance, path.rstrip("/").removeprefix("latest").strip("/"))

    def _new_token(self, method: str, instance_id: str, headers: Mapping[str, str]) -> Answer:
        ttl = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if method != "PUT":
            return 405, "Method Not Allowed"
        if not ttl.isdigit() or not 1 <= int(ttl) <= LONGEST_TOKEN_S:
            return 400, "Bad Request"
        token = secrets.token_urlsafe(32)
        self._tokens = {key: kept for key, kept in self._tokens.items() if kept[1] > now()}
        self._tokens[token] = instance_id, now() + int(ttl)
        return 200, token

    def _knows(self, token: str, instance_id: str) -> bool:
        owner, until = self._tokens.get(token, ("", 0.0))
        return owner == instance_id and until > now()


def _value(instance: Json, path: str) -> Answer:
    values = _values(instance)
    if path in values:
        return 200, values[path]
    prefix = f"{path}/" if path else ""
    below = {key.removeprefix(prefix) for key in values if key.startswith(prefix)}
    names = {name.split("/")[0] + ("/" if "/" in name else "") for name in below}
    return (200, "\n".join(sorted(names))) if names else NOT_FOUND


def _values(instance: Json) -> dict[str, str]:
    zone = instance["Placement"]["AvailabilityZone"]
    identity = {
        "availabilityZone": zone,
        "imageId": instance["ImageId"],
        "instanceId": instance["InstanceId"],
        "instanceType": instance["InstanceType"],
        "privateIp": instance["PrivateIpAddress"],
        "region": zone[:-1],
    }
    values = {
        "meta-data/ami-id": instance["ImageId"],
        "meta-data/hostname": instance["PrivateDnsName"],
        "meta-data/instance-id": instance["InstanceId"],
        "meta-data/instance-type": instance["InstanceType"],
        "meta-data/local-hostname": instance["PrivateDnsName"],
        "meta-data/local-ipv4": instance["PrivateIpAddress"],
        "meta-data/placement/availability-zone": zone,
        "meta-data/placement/region": zone[:-1],
        "meta-data/public-ipv4": instance["PublicIpAddress"],
        "dynamic/instance-identity/document": json.dumps(identity),
    }
    if state := instance.get("_target_lifecycle_state"):
        values["meta-data/autoscaling/target-lifecycle-state"] = state
    if data := ec2.user_data(instance):
        values["user-data"] = data
    if role := _role(instance):
        values[f"meta-data/iam/security-credentials/{role}"] = json.dumps(_credentials())
    return values


def _role(instance: Json) -> str:
    """Name of the role that the instance profile carries."""
    arn = (instance.get("IamInstanceProfile") or {}).get("Arn", "")
    for name, profile in records(IAM.instance_profiles).items():
        if arn.rsplit("/", 1)[-1] == name:
            roles = profile.get("Roles") or []
            return str(roles[0]["RoleName"] if isinstance(roles[0], dict) else roles[0])
    return ""


def _credentials() -> Json:
    moment = datetime.now(UTC)
    return {
        "Code": "Success",
        "LastUpdated": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "Type": "AWS-HMAC",
        # The emulator checks no signature; these only have the right shape.
        "AccessKeyId": "ASIALABLABLABLABLABL",
        "SecretAccessKey": secrets.token_urlsafe(30),
        "Token": secrets.token_urlsafe(60),
        "Expiration": f"{moment + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}",
    }
