import errno
import os

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
)

from deploy.artifacts import BuildError
from deploy.errors import StackError
from deploy.explain import explained


def refusal(code: str, message: str = "because") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateChangeSet")


def disk(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize(
    ("error", "exit_code", "message", "remedy"),
    [
        (NoCredentialsError(), 3, "AWS does not know who you are", "aws configure"),
        (refusal("ExpiredToken"), 3, "AWS does not know who you are", "aws sso login"),
        (ProfileNotFound(profile="x"), 3, "profile (x)", "list-profiles"),
        (refusal("AccessDenied"), 1, "AWS does not allow CreateChangeSet", "permission"),
        (refusal("LimitExceeded", "Too many"), 1, "CreateChangeSet was refused: Too many", ""),
        (EndpointConnectionError(endpoint_url="http://127.9.0.1"), 3, "127.9.0.1", "lab status"),
        (ReadTimeoutError(endpoint_url="http://127.9.0.1"), 3, "127.9.0.1", "lab status"),
        (disk(errno.ENOSPC, "/x/bundle"), 1, "the disk is full: /x/bundle", "free some space"),
        (disk(errno.EDQUOT), 1, "the disk is full", "free some space"),
        (disk(errno.EADDRINUSE), 3, "a port is taken", "--octet"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "not allowed", ""),
        (BuildError("no wheel for httptools"), 1, "no wheel for httptools", ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_known_error_says_what_and_what_to_do(
    error: Exception, exit_code: int, message: str, remedy: str
) -> None:
    ours = explained(error)

    assert ours
    assert message in ours.message
    assert remedy in ours.remedy
    assert ours.exit_code == exit_code


def test_our_own_errors_explain_themselves() -> None:
    error = StackError("it failed")

    assert explained(error) is error


@pytest.mark.parametrize("error", [ValueError("bug"), FileNotFoundError(2, "gone"), KeyError("x")])
def test_anything_else_is_a_bug_and_keeps_its_traceback(error: Exception) -> None:
    assert explained(error) is None
