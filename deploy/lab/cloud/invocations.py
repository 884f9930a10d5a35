"""Functions as services invoke them: waited for, and counted in the function's metrics."""

import asyncio
import time

from deploy.lab.cloud.border import Internals, Json

LAMBDA = Internals(
    "services.lambda_svc",
    "_emit_lambda_metrics",
    "_execute_function_with_config_scope",
    "_execution_record_for_config",
    "_run_with_function_config_scope",
)
CONCURRENCY = Internals("core.concurrency", "run_reentrant")


def start(function: Json, config: Json, event: Json) -> "asyncio.Task[Json]":
    """Invoke a function, given its record and the configuration of the version that is meant.

    It has a thread of its own, for it may call the emulator. The result is MiniStack's.
    """
    record: Json = LAMBDA.execution_record_for_config(function, config)

    async def run() -> Json:
        result: Json = await CONCURRENCY.run_reentrant(
            _counted, record, event, thread_name="lab-invoke"
        )
        return result

    return asyncio.ensure_future(run())


def _counted(record: Json, event: Json) -> Json:
    began = time.monotonic()
    result: Json = LAMBDA.execute_function_with_config_scope(record, event)
    # What is throttled has been counted by who throttled it.
    if not result.get("throttle"):
        LAMBDA.run_with_function_config_scope(
            record["config"],
            LAMBDA.emit_lambda_metrics,
            record["config"]["FunctionName"],
            duration_ms=(time.monotonic() - began) * 1000,
            error=bool(result.get("error")),
            throttle=False,
        )
    return result
