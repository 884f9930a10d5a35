"""Was every message that was acknowledged really in the queue, and once? Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from loadtest.queue_probe import Received
from loadtest.run import Accounting
from loadtest.scenarios import IDEMPOTENCY_KEY


def account(acknowledged: Mapping[str, str], found: Iterable[Received]) -> Accounting:
    """Hold what was acknowledged (idempotency key to message id) against what was found.

    Lost: acknowledged, and its id is not in the queue. Duplicated: each time more than once
    that a key was found, whether the service sent it again or SQS delivered it again.
    """
    found = list(found)
    ids = {message.id for message in found}
    times = Counter(message.attributes.get(IDEMPOTENCY_KEY, message.id) for message in found)
    return Accounting(
        acknowledged=len(acknowledged),
        found=len(times),
        lost=sum(id_ not in ids for id_ in acknowledged.values()),
        duplicated=times.total() - len(times),
        unanswered=sum(key not in acknowledged for key in times),
    )
