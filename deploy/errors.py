"""What can go wrong and be understood: each error says what, why (likely) and what to do.

The command prints these three sentences and ends with the error's exit code. Anything else that
is raised, and that `deploy.explain` cannot name either, is a bug and keeps its traceback.
"""

from collections.abc import Sequence


class NinewaysError(Exception):
    """The one base of every error that we expect."""

    exit_code = 1

    def __init__(self, message: str, *, cause: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.remedy = remedy


class BadInputError(NinewaysError):
    """What was typed cannot be done."""

    exit_code = 2


class PlaceNotThereError(NinewaysError):
    """The lab is not up, or there is no way into the AWS account."""

    exit_code = 3


class DeclinedError(NinewaysError):
    """The change set was shown and refused."""

    exit_code = 4


class InterruptedByUserError(NinewaysError):
    """Ctrl-C: what is said is what remains."""

    exit_code = 130  # 128 + SIGINT, as shells have it


class StackError(NinewaysError):
    """A stack cannot be, or was not, brought where we want it."""


class TemplateError(NinewaysError):
    """CloudFormation would not take the template."""


class TookTooLongError(NinewaysError):
    """Something that was waited for did not happen in time."""

    def __init__(self, what: str, timeout_s: float, *, remedy: str = "") -> None:
        super().__init__(f"waited {timeout_s:g} s for {what}, in vain", remedy=remedy)
        self.what = what
        self.timeout_s = timeout_s


class SeveralFailedError(NinewaysError):
    """Side by side, more than one variant failed."""

    def __init__(self, failures: Sequence[Exception]) -> None:
        super().__init__("; ".join(str(failure) for failure in failures))
        self.failures = tuple(failures)
