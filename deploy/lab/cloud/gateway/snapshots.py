"""What a deployment of a REST API froze: the requests of a stage are served from nothing else.

https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.lab.cloud.border import RESPONSES, Internals, Json, Response
from deploy.lab.cloud.gateway import routing

API_GATEWAY = Internals(
    "services.apigateway_v1",
    "_authorizers_v1",
    "_create_deployment",
    "_delete_deployment",
    "_deployments_v1",
    "_gateway_responses",
    "_models",
    "_request_validators",
    "_resources",
    "_rest_apis",
    "_stages_v1",
    "_v1_error",
)


@dataclass(frozen=True)
class Snapshot:
    """An API as it was when it was deployed. The values are MiniStack's records, copied."""

    account: str
    region: str
    api: Json
    root: routing.Node
    authorizers: Mapping[str, Json]
    models: Mapping[str, Json]
    validators: Mapping[str, Json]
    gateway_responses: Mapping[str, Json]

    @property
    def api_id(self) -> str:
        """The API's id."""
        return str(self.api["id"])


class Snapshots:
    """The snapshots of all deployments, taken when MiniStack makes one."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str], Snapshot] = {}

    def install(self) -> None:
        """Take a snapshot with each deployment."""
        stock_create = API_GATEWAY.create_deployment
        stock_delete = API_GATEWAY.delete_deployment

        def create(api_id: str, data: Json) -> Response:
            if problem := _problem(api_id):
                refused: Response = API_GATEWAY.v1_error("BadRequestException", problem, 400)
                return refused
            # A stage that the deployment names must not be seen before the snapshot is there.
            known = set(_deployments(api_id))
            answer: Response = stock_create(api_id, data)
            for deployment_id in set(_deployments(api_id)) - known:
                self._taken[api_id, deployment_id] = snapshot(api_id)
            return answer

        def delete(api_id: str, deployment_id: str) -> Response:
            if _is_active(api_id, deployment_id):
                message = "Active stages pointing to this deployment must be moved or deleted"
                refused: Response = API_GATEWAY.v1_error("BadRequestException", message, 400)
                return refused
            self._taken.pop((api_id, deployment_id), None)
            answer: Response = stock_delete(api_id, deployment_id)
            return answer

        API_GATEWAY.replace("create_deployment", create)
        API_GATEWAY.replace("delete_deployment", delete)

    def of(self, api_id: str, stage_name: str) -> tuple[Snapshot, Json] | None:
        """What a stage serves, and the stage's own record, whose settings take effect at once."""
        for (_, _, key), stages in API_GATEWAY.stages_v1.all_items():
            if key == api_id and (stage := stages.get(stage_name)) is not None:
                taken = self._taken.get((api_id, str(stage.get("deploymentId"))))
                return (taken, stage) if taken else None
        return None


def snapshot(api_id: str) -> Snapshot:
    """Freeze an API of the account and region that the request is for."""
    return Snapshot(
        account=str(RESPONSES.get_account_id()),
        region=str(RESPONSES.get_region()),
        api=copy.deepcopy(API_GATEWAY.rest_apis[api_id]),
        root=routing.tree(copy.deepcopy(API_GATEWAY.resources[api_id]).values()),
        authorizers=copy.deepcopy(API_GATEWAY.authorizers_v1.get(api_id, {})),
        models=copy.deepcopy(API_GATEWAY.models.get(api_id, {})),
        validators=copy.deepcopy(API_GATEWAY.request_validators.get(api_id, {})),
        gateway_responses=copy.deepcopy(API_GATEWAY.gateway_responses.get(api_id, {})),
    )


def _problem(api_id: str) -> str:
    """Why the API cannot be deployed, in AWS's words, or nothing."""
    resources = API_GATEWAY.resources.get(api_id, {}).values()
    methods = [m for r in resources for m in (r.get("resourceMethods") or {}).values()]
    if api_id in API_GATEWAY.rest_apis and not methods:
        return "The REST API doesn't contain any methods"
    if any(not method.get("methodIntegration") for method in methods):
        return "No integration defined for method"
    return ""


def _deployments(api_id: str) -> Mapping[str, Json]:
    found: Mapping[str, Json] = API_GATEWAY.deployments_v1.get(api_id, {})
    return found


def _is_active(api_id: str, deployment_id: str) -> bool:
    stages = API_GATEWAY.stages_v1.get(api_id, {}).values()
    return any(stage.get("deploymentId") == deployment_id for stage in stages)
