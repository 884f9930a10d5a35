"""What a variant adds to the contract, one module a concern, each a list of checks like its own.

A probe works on the lab and on AWS, leaves nothing behind, and gives back what it uses up.
"""

from collections.abc import Mapping

from deploy.model import Feature
from loadtest.examination import Examine
from loadtest.probes import (
    authorizers,
    caches,
    concurrency,
    events,
    executions,
    hybrid,
    keys,
    mapping,
    objects,
    sizes,
    throttles,
    timeouts,
    validation,
    waf,
)

PROBES: Mapping[Feature, tuple[Examine, ...]] = {
    Feature.API_KEY: keys.PROBES,
    Feature.AUTHORIZER: authorizers.PROBES,
    Feature.CACHE: caches.PROBES,
    Feature.VALIDATION: validation.PROBES,
    Feature.METHOD_THROTTLE: throttles.PROBES,
    Feature.PAYLOAD_10_MB: sizes.PAYLOAD_10_MB,
    Feature.TIMEOUT_29_S: timeouts.PROBES,
    Feature.PAYLOAD_1_MB: sizes.PAYLOAD_1_MB,
    Feature.CONCURRENCY: concurrency.PROBES,
    Feature.WAF: waf.PROBES,
    Feature.HYBRID: hybrid.PROBES,
    Feature.EVENTS: events.PROBES,
    Feature.EXECUTIONS: executions.PROBES,
    Feature.OBJECTS: objects.PROBES,
    Feature.MAPPING: mapping.PROBES,
}
