"""Name the errors of botocore and of the operating system that a user can do something about."""

import errno

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004  botocore's own, for an endpoint that does not answer
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from deploy.artifacts.errors import BuildError, NoSuchTargetError
from deploy.errors import BadInputError, NinewaysError, PlaceNotThereError

_NO_CREDENTIALS = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_NOT_ALLOWED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def explained(error: BaseException) -> NinewaysError | None:  # noqa: PLR0911  one for each
    """Turn a known error of somebody else's into one of ours, or None."""
    match error:
        case NinewaysError():
            return error
        case NoSuchTargetError():
            return BadInputError(str(error))
        case BuildError():
            return NinewaysError(str(error))
        case NoCredentialsError() | PartialCredentialsError() | TokenRetrievalError():
            return _no_credentials(str(error))
        case ClientError():
            return _client_error(error)
        case NoRegionError():
            return PlaceNotThereError(
                "no AWS region is chosen", remedy="pass --region, or set AWS_REGION"
            )
        case ProfileNotFound():
            return PlaceNotThereError(str(error), remedy="`aws configure list-profiles` lists them")
        case HTTPClientError() | ConnectionError():
            return PlaceNotThereError(
                str(error),
                cause="the lab's emulator ended, or there is no network",
                remedy="`nineways lab status` says how the lab is",
            )
        case OSError():
            return _os_error(error)
        case _:
            return None


def _os_error(error: OSError) -> NinewaysError | None:
    where = f": {error.filename}" if error.filename else ""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return NinewaysError(
                f"the disk is full{where}",
                remedy="free some space (`.build/` and `.lab/` may be deleted when no lab is up)",
            )
        case errno.EADDRINUSE:
            return PlaceNotThereError(
                f"a port is taken{where}",
                cause="another program, or a lab of another folder, listens there",
                remedy="`nineways lab up --octet N` uses other addresses",
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return NinewaysError(f"not allowed to use a file{where}", cause=error.strerror or "")
        case _:
            return None


def _client_error(error: ClientError) -> NinewaysError:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code in _NO_CREDENTIALS:
        return _no_credentials(message)
    if code in _NOT_ALLOWED:
        return NinewaysError(
            f"AWS does not allow {error.operation_name}",
            cause=message,
            remedy="ask for that permission, or use other credentials (--profile)",
        )
    return NinewaysError(f"{error.operation_name} was refused: {message}", cause=code)


def _no_credentials(detail: str) -> NinewaysError:
    return PlaceNotThereError(
        "AWS does not know who you are",
        cause=detail,
        remedy="`aws configure` or `aws sso login`, or set AWS_PROFILE; "
        "without an account, leave out --on aws and use the lab",
    )
