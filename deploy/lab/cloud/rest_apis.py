"""REST APIs: each gets an address, which stands in for its execute-api host name."""

from deploy.lab.cloud.border import Internals, Json, records
from deploy.lab.cloud.lab import Lab
from deploy.lab.cloud.numbering import Numbering

API_GATEWAY = Internals("services.apigateway_v1", "_rest_apis", "_stages_v1")


class RestApis:
    """Remembers which address an API has."""

    def __init__(self, lab: Lab) -> None:
        self._numbering = Numbering(lab.addresses.rest_api)
        self._addresses: dict[str, str] = {}

    def describe(self) -> list[Json]:
        """The REST APIs for the state document."""
        apis, stages = records(API_GATEWAY.rest_apis), records(API_GATEWAY.stages_v1)
        known = {key: at for key, at in self._addresses.items() if key in apis}
        for api_id in sorted(apis.keys() - known.keys()):
            known[api_id] = self._numbering.next(taken=known.values())
        self._addresses = known
        return [
            {
                "id": api_id,
                "name": api.get("name", ""),
                "address": known[api_id],
                "stages": sorted(stages.get(api_id, {})),
            }
            for api_id, api in apis.items()
        ]
