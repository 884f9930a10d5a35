"""What every variant stands on: the network, the queue, where artifacts are kept."""

from deploy.model import FOUNDATION, Output


def of_foundation(key: str) -> Output:
    """Name an output of the foundation.

    >>> of_foundation("VpcId")
    Output(stack='nineways-foundation', key='VpcId')
    """
    return Output(FOUNDATION.name, key)
