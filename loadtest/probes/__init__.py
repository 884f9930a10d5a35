"""What a variant adds to the contract, one module a concern, each a list of checks like its own.

A probe works on the lab and on AWS, leaves nothing behind, and gives back what it uses up.
"""

from collections.abc import Mapping

from deploy.model import Feature
from loadtest.examination import Examine
from loadtest.probes import authorizers, keys

PROBES: Mapping[Feature, tuple[Examine, ...]] = {
    Feature.API_KEY: keys.PROBES,
    Feature.AUTHORIZER: authorizers.PROBES,
}
