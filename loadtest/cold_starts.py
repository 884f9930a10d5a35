"""Meet new Lambda environments on purpose, to see what their start costs the caller.

Under a steady load cold starts are too rare to measure. So the function is told that its
configuration changed, which makes Lambda drop its environments, and one request is sent.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Protocol

import httpx2

from deploy.waiting import Patience
from loadtest.run import ColdStart

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

TIMES = 5
WARM_REQUESTS = 5
TIMEOUT_S = 35.0
UPDATED_WITHIN_S = 60.0
# Read by nobody; its change is all that matters.
MARK = "NINEWAYS_RENEWED"


class Environments(Protocol):
    """The places in which a function runs, which somebody else starts and ends."""

    def renew(self) -> None:
        """Return when the next request must start a new one."""

    def restore(self) -> None:
        """Leave no trace."""


@dataclass
class LambdaEnvironments:
    """The environments of one Lambda function."""

    client: "LambdaClient"
    function: str
    patience: Patience
    times: int = 0

    def renew(self) -> None:
        """See `Environments`."""
        self.times += 1
        self._set({**self._variables(), MARK: str(self.times)})

    def restore(self) -> None:
        """See `Environments`."""
        self._set({name: value for name, value in self._variables().items() if name != MARK})

    def _variables(self) -> Mapping[str, str]:
        return self._configuration().get("Environment", {}).get("Variables", {})

    def _configuration(self) -> "FunctionConfigurationResponseTypeDef":
        return self.client.get_function_configuration(FunctionName=self.function)

    def _set(self, variables: Mapping[str, str]) -> None:
        self.client.update_function_configuration(
            FunctionName=self.function, Environment={"Variables": variables}
        )
        self.patience.until(
            lambda: self._configuration().get("LastUpdateStatus") != "InProgress",
            what=f"function {self.function} to be updated",
            timeout_s=UPDATED_WITHIN_S,
        )


def measure(
    client: httpx2.Client,
    environments: Environments,
    *,
    tell: Callable[[str], None],
    times: int = TIMES,
) -> Sequence[ColdStart]:
    """Start cold so many times; after each cold request, see what warm ones take.

    A time at which somebody else's request came first is left out, and told.
    """
    starts: list[ColdStart] = []
    # The connection shall be there already: it is not part of a cold start.
    ask(client)
    try:
        for _ in range(times):
            environments.renew()
            cold_ms, was_cold = ask(client)
            warm = [ask(client) for _ in range(WARM_REQUESTS)]
            if was_cold:
                warm_ms = median(took_ms for took_ms, _ in warm)
                starts.append(ColdStart(cold_ms=cold_ms, warm_ms=warm_ms))
    finally:
        environments.restore()
    if len(starts) < times:
        tell(f"{times - len(starts)} of {times} cold starts were met by somebody else's request")
    return starts


def ask(client: httpx2.Client) -> tuple[float, bool]:
    """Ask who answers: milliseconds it took, and whether the environment was new."""
    began = time.perf_counter()
    response = client.get("/whoami")
    took_ms = (time.perf_counter() - began) * 1000
    return took_ms, bool(response.raise_for_status().json()["cold_start"])
