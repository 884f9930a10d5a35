"""What the additions share: this lab's addresses, its folder, and what its agents saw."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from deploy.lab.addresses import Addresses
from deploy.lab.cloud.draining import Draining
from deploy.lab.cloud.observed import Observed


@dataclass(frozen=True)
class Lab:
    """One lab, as seen by its control plane."""

    addresses: Addresses
    directory: Path
    observed: Observed = field(default_factory=Observed)
    draining: Draining = field(default_factory=Draining)
    # Names of stacks that are being created and shall be deleted: nothing waits for them.
    cancelled: set[str] = field(default_factory=set)
    # How many times faster than AWS; for tests, no wait of AWS's takes any time.
    speed: float = math.inf
