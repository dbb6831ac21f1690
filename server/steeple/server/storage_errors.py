"""Errors of object storage in Steeple's words: what has to be mended, and what may be tried again.

What fsspec's drivers raise is told apart by the names of classes and by S3's error codes: nothing is imported, for no
driver needs to be installed. Nothing that is told has a secret in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from steeple.errors import FailedPreconditionError, ResourceExhaustedError, SteepleError, UnavailableError

_DRIVERS: Final = frozenset({"botocore", "aiobotocore", "aiohttp", "s3fs", "fsspec", "gcsfs", "adlfs", "azure"})

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; numbers are of answers that have no body (HEAD).
_NO_BUCKET: Final = frozenset({"NoSuchBucket"})
_REFUSED: Final = frozenset({
    "403", "401", "AccessDenied", "AccountProblem", "AllAccessDisabled", "CredentialsNotSupported", "ExpiredToken",
    "Forbidden", "InvalidAccessKeyId", "InvalidSecurity", "InvalidToken", "NotSignedUp", "RequestExpired",
    "SignatureDoesNotMatch", "TokenRefreshRequired", "Unauthorized", "UnauthorizedAccess",
})  # fmt: skip
_CLOCK: Final = frozenset({"RequestTimeTooSkewed"})
_WRONG_PLACE: Final = frozenset({
    "301", "307", "400", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "InvalidBucketName",
    "InvalidLocationConstraint", "PermanentRedirect", "Redirect", "TemporaryRedirect",
})  # fmt: skip
_FULL: Final = frozenset({
    "507", "EntityTooLarge", "InsufficientCapacity", "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull",
    "XMinioAdminBucketQuotaExceeded",
})  # fmt: skip

_NO_CREDENTIALS: Final = frozenset({
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "NoAuthTokenError",
    "TokenRetrievalError", "UnknownCredentialError", "MetadataRetrievalError", "SSOError", "LoginError",
    "RefreshWithMFAUnsupportedError",
})  # fmt: skip
_MISCONFIGURED: Final = frozenset({
    "ProfileNotFound", "ConfigParseError", "ConfigNotFound", "InvalidConfigError", "ValidationError",
    "ParamValidationError", "BaseEndpointResolverError", "EndpointProviderError", "InvalidEndpointConfigurationError",
    "InvalidProxiesConfigError", "InvalidRetryConfigurationError", "InvalidDefaultsMode", "InvalidChecksumConfigError",
    "UnsupportedS3ConfigurationError", "InvalidS3AddressingStyleError", "MissingDependencyException", "SSLError",
    "InvalidIMDSEndpointError", "InvalidIMDSEndpointModeError",
})  # fmt: skip

_USERINFO: Final = re.compile(r"(?<=://)[^/@\s\"']*@")


def translated(error: Exception, what: str) -> SteepleError | None:
    """An error of a driver of object storage, as ours; None if it is not one of theirs.

    Args:
        error: What was raised.
        what: That is kept there, in the plural: "photos".

    Returns:
        ResourceExhaustedError where the storage is full, FailedPreconditionError where credentials, permissions, the
        bucket, region or endpoint have to be mended, UnavailableError where trying again may help.
    """
    for one in _causes(error):
        code = _code(one)
        if code is not None:
            return _of_code(code, _told(one), what)
        if type(one).__module__.partition(".")[0] in _DRIVERS:
            return _of_class(one, what)
    return None


def code_of(error: BaseException) -> str:
    """S3's code of an error, or the HTTP status of an answer without a body; empty: it is no answer of S3's."""
    return next((code for one in _causes(error) if (code := _code(one)) is not None), "")


def without_credentials(text: str) -> str:
    """A text in which no URL has a user or a password any more."""
    return _USERINFO.sub("***@", text)


def _of_code(code: str, told: str, what: str) -> SteepleError:
    if code in _NO_BUCKET:
        return FailedPreconditionError(
            f"the bucket of the {what} does not exist ({code}): make it, or correct the setting and AWS_ENDPOINT_URL"
        )
    if code in _REFUSED:
        return FailedPreconditionError(
            f"the object storage of the {what} refuses access ({told}): check the credentials of this process, and "
            "what their policy allows in the bucket"
        )
    if code in _CLOCK:
        return FailedPreconditionError(
            f"the object storage of the {what} finds that the clock of this machine is wrong ({code}): set it"
        )
    if code in _WRONG_PLACE:
        return FailedPreconditionError(
            f"the object storage of the {what} does not take such requests ({told}): check the name of the bucket, "
            "AWS_ENDPOINT_URL and AWS_DEFAULT_REGION, and whether the credentials have expired"
        )
    if code in _FULL:
        return ResourceExhaustedError(f"the object storage of the {what} is full ({told}); make room and try again")
    return UnavailableError(f"the object storage of the {what} failed ({told}); try again")


def _of_class(error: BaseException, what: str) -> SteepleError:
    names = {cls.__name__ for cls in type(error).__mro__}
    kind = type(error).__name__
    if names & _NO_CREDENTIALS:
        # What it says is not told: a program that gets credentials may have said anything.
        return FailedPreconditionError(
            f"there are no credentials for the object storage of the {what} ({kind}): set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or give the machine a role"
        )
    if names & _MISCONFIGURED:
        return FailedPreconditionError(
            f"the object storage of the {what} cannot be used as it is configured: {_text(error)}"
        )
    return UnavailableError(f"the object storage of the {what} cannot be reached ({_text(error)}); try again")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it was raised from."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        yield current
        current = current.__cause__


def _code(error: BaseException) -> str | None:
    response: Any = getattr(error, "response", None)
    if not isinstance(response, dict) or not isinstance(response.get("Error"), dict):
        return None
    code = str(response["Error"].get("Code", ""))
    if code in ("", "Unknown"):
        code = str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    return code or "unknown"


def _told(error: BaseException) -> str:
    response: Any = getattr(error, "response", {})
    message = str(response["Error"].get("Message") or "")
    code = _code(error) or ""
    return without_credentials(f"{code}: {message}" if message and message != code else code)


def _text(error: BaseException) -> str:
    return without_credentials(str(error)) or type(error).__name__
