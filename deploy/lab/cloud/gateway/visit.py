"""One request on its way through a stage, with all that is known of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import routing, throttling
from deploy.lab.cloud.gateway.exchange import Request
from deploy.lab.cloud.gateway.functions import Caller
from deploy.lab.cloud.gateway.integrations import Call
from deploy.lab.cloud.gateway.snapshots import Snapshot


@dataclass(frozen=True)
class Visit:
    """One request on its way, with all that is known of it."""

    snapshot: Snapshot
    stage: Json
    matched: routing.Match
    request: Request
    context: Mapping[str, object]
    trace: str

    @property
    def api_id(self) -> str:
        """The API's id."""
        return self.snapshot.api_id

    @property
    def stage_name(self) -> str:
        """The stage's name."""
        return str(self.stage["stageName"])

    @property
    def method(self) -> Json:
        """The method that serves it."""
        return self.matched.method

    @property
    def target(self) -> throttling.Target:
        """Which method it is for, as limits are counted."""
        return throttling.Target(
            self.api_id, self.stage_name, self.request.resource_path, self.request.method
        )

    def arn(self, resource: str) -> str:
        """An execute-api ARN of this API."""
        of = self.snapshot
        return f"arn:aws:execute-api:{of.region}:{of.account}:{of.api_id}/{resource}"

    def knowing(self, name: str, value: object) -> "Visit":
        """The same, with more in its context."""
        return replace(self, context={**self.context, name: value})

    def call(self) -> Call:
        """What the integration gets."""
        # A function's policy names method and resource, with `*` for each parameter of the path.
        pattern = routing.PARAMETER.sub("*", self.request.resource_path)
        return Call(
            integration=self.method["methodIntegration"],
            method=self.method,
            request=self.request,
            context=self.context,
            stage_variables=self.stage.get("variables") or {},
            stage_name=self.stage_name,
            trace=self.trace,
            binary_media_types=tuple(self.snapshot.api.get("binaryMediaTypes") or ()),
            caller=Caller(
                self.snapshot.account,
                self.snapshot.region,
                self.arn(f"{self.stage_name}/{self.request.method}{pattern}"),
                has_role=bool(self.method["methodIntegration"].get("credentials")),
            ),
        )
