"""What an Auto Scaling group is made of, and its decisions: whom to end, how full its pool is."""

import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploy.lab.cloud.border import RESPONSES, Json
from deploy.lab.cloud.observed import now

# What the lifecycle states are called: "Amazon EC2 Auto Scaling instance lifecycle", 2026-11.
IN_SERVICE = "InService"
TERMINATING = "Terminating"
# DescribeScalingActivities answers with the activities of six weeks; this many are enough here.
ACTIVITIES_KEPT = 200


@dataclass
class Activity:
    """One line of DescribeScalingActivities."""

    description: str
    cause: str
    status: str = "InProgress"
    message: str = ""
    activity_id: str = field(default_factory=lambda: str(RESPONSES.new_uuid()))
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None

    def end(self, status: str = "Successful", message: str = "") -> None:
        """Say how it went; the first word stands."""
        if self.ended is None:
            self.status, self.message, self.ended = status, message, datetime.now(UTC)


@dataclass(frozen=True)
class Hook:
    """A lifecycle hook that a member waits in."""

    name: str
    until: float
    default_result: str


@dataclass
class Member:
    """One instance of a group or of its warm pool."""

    instance_id: str
    zone: str
    template: Json
    state: str
    activity: Activity
    protected: bool = False
    health: str = "Healthy"
    launched: float = field(default_factory=time.time)
    # On the clock of `now`, for the grace period; and as the clock on the wall has it.
    in_service_at: float | None = None
    in_service_since: float | None = None
    hook: Hook | None = None
    # Whether its machine was seen since it was launched or started: what was said before
    # is about its earlier life.
    booted: bool = False
    # When its machine was found to have ended by itself.
    ended_at: float | None = None
    # What CompleteLifecycleAction said.
    result: str = ""

    @property
    def is_leaving(self) -> bool:
        """Whether it counts no more."""
        return self.state.startswith(TERMINATING)

    def enter_service(self) -> None:
        """It is up."""
        self.state, self.hook, self.result = IN_SERVICE, None, ""
        self.in_service_at, self.in_service_since = now(), time.time()
        self.activity.end()


@dataclass(frozen=True)
class Settings:
    """The properties of a group, typed: a template's scalars may be text."""

    template: Json
    subnets: tuple[str, ...]
    zones: tuple[str, ...]
    min_size: int
    max_size: int
    cooldown_s: int
    warmup_s: int | None
    target_group_arns: tuple[str, ...]
    health_check_type: str
    grace_s: float
    termination_policies: tuple[str, ...]
    protected: bool
    tags: tuple[Json, ...]

    @classmethod
    def of(cls, properties: Json) -> "Settings":
        """Read CloudFormation's words, which are those of the API too."""
        subnets = properties.get("VPCZoneIdentifier") or []
        warmup = properties.get("DefaultInstanceWarmup")
        return cls(
            template=properties.get("LaunchTemplate") or {},
            subnets=tuple(subnets.split(",") if isinstance(subnets, str) else subnets),
            zones=tuple(properties.get("AvailabilityZones") or ()),
            min_size=int(properties.get("MinSize") or 0),
            max_size=int(properties.get("MaxSize") or 0),
            # CloudFormation's word and the API's.
            cooldown_s=int(properties.get("Cooldown") or properties.get("DefaultCooldown") or 300),
            warmup_s=None if warmup in {None, ""} else int(str(warmup)),
            target_group_arns=tuple(properties.get("TargetGroupARNs") or ()),
            health_check_type=str(properties.get("HealthCheckType") or "EC2"),
            grace_s=float(properties.get("HealthCheckGracePeriod") or 0),
            termination_policies=tuple(properties.get("TerminationPolicies") or ("Default",)),
            protected=is_true(properties.get("NewInstancesProtectedFromScaleIn")),
            tags=tuple(
                {
                    "Key": str(tag["Key"]),
                    "Value": str(tag.get("Value", "")),
                    # Tags of the stack come without; CloudFormation propagates them.
                    "PropagateAtLaunch": is_true(tag.get("PropagateAtLaunch", True)),
                }
                for tag in properties.get("Tags") or []
            ),
        )


@dataclass
class Group:
    """An Auto Scaling group."""

    name: str
    arn: str
    settings: Settings
    desired: int = 0
    # What a difference between the capacity and the desired one is due to; nothing when an
    # instance was lost.
    why: str = ""
    members: list[Member] = field(default_factory=list)
    pool: list[Member] = field(default_factory=list)
    # PutWarmPool's parameters, when there is a pool.
    warm: Json | None = None
    suspended: set[str] = field(default_factory=set)
    activities: deque[Activity] = field(default_factory=lambda: deque(maxlen=ACTIVITIES_KEPT))
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    # After a failed launch, the next one waits until then.
    retry_at: float = 0.0

    @property
    def account(self) -> str:
        """The account it is in."""
        return self.arn.split(":")[4]

    @property
    def region(self) -> str:
        """The region it is in."""
        return self.arn.split(":")[3]

    @property
    def active(self) -> list[Member]:
        """Who counts for the capacity."""
        return [member for member in self.members if not member.is_leaving]

    def resize(self, desired: int, why: str) -> None:
        """Change the desired capacity and remember the reason."""
        if desired != self.desired:
            self.why = (
                f"At {stamp()} {why} changing the desired capacity from "
                f"{self.desired} to {desired}."
            )
            self.desired = desired

    def begin(self, description: str, cause: str) -> Activity:
        """Begin a scaling activity."""
        activity = Activity(description, cause)
        self.activities.appendleft(activity)
        return activity


def pool_size(warm: Json | None, *, max_size: int, desired: int) -> int:
    """How many instances a warm pool holds.

    >>> pool_size({"MinSize": 1}, max_size=4, desired=2)
    2
    >>> pool_size({"MinSize": 1, "MaxGroupPreparedCapacity": 2}, max_size=9, desired=2)
    1
    """
    if warm is None:
        return 0
    prepared = int(str(warm.get("MaxGroupPreparedCapacity", -1)))
    wanted = (max_size if prepared < 0 else prepared) - desired
    return max(int(str(warm.get("MinSize") or 0)), wanted)


def next_zone(zones: Sequence[str], members: Iterable[Member]) -> str:
    """The zone with the fewest instances; the first of several."""
    taken = Counter(member.zone for member in members)
    return min(zones, key=lambda zone: taken[zone])


def victims(
    members: Sequence[Member], count: int, *, version: str, policies: Sequence[str] = ()
) -> list[Member]:
    """Whom a scale-in ends: the default termination policy, one instance after the other.

    The zone with the most instances first, in it those of an outdated template, then the oldest.
    (AWS then looks at the billing hour; per-second billing has left that without effect.)
    """
    left = [member for member in members if not member.protected]
    chosen: list[Member] = []
    for _ in range(min(count, len(left))):
        in_zone = Counter(member.zone for member in members if member not in chosen)
        fullest = max(in_zone[member.zone] for member in left)
        candidates = [member for member in left if in_zone[member.zone] == fullest]
        newest_first = "NewestInstance" in policies[:1]
        victim = min(
            candidates,
            key=lambda m: (
                m.template.get("Version") == version and not newest_first,
                -m.launched if newest_first else m.launched,
            ),
        )
        chosen.append(victim)
        left.remove(victim)
    return chosen


def is_true(value: object) -> bool:
    """Yes or no of a template or of the Query API."""
    return str(value).lower() == "true"


def stamp(moment: datetime | None = None) -> str:
    """A moment as the causes of activities have it."""
    return f"{moment or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
