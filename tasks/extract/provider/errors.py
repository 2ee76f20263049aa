"""Define the error of a failed request, and build its two retryable kinds."""

from typing import Literal

from warehouse.base_error import RotationError

Status = Literal[
    "loaded", "empty", "unreadable", "not_found", "delisted", "throttled", "outage", "refused"
]


class FetchError(RotationError):
    """Report a request that returned no rows.

    Attributes:
        status: The status of the fetch record if this was the last attempt.
        reason: The reason code of the fetch record.
        detail: A sentence for people; it must hold no secret.
        is_retryable: Whether another attempt may succeed.
        retry_after_seconds: The wait that the provider requested; 0 if it requested none.
        is_fatal: Whether every other request of the run would fail alike (invalid API key).
    """

    def __init__(
        self,
        status: Status,
        reason: str,
        detail: str,
        *,
        is_retryable: bool = False,
        retry_after_seconds: float = 0.0,
        is_fatal: bool = False,
    ) -> None:
        """Store the attributes."""
        super().__init__(detail)
        self.status: Status = status
        self.reason = reason
        self.detail = detail
        self.is_retryable = is_retryable
        self.retry_after_seconds = retry_after_seconds
        self.is_fatal = is_fatal


def outage(reason: str, detail: str) -> FetchError:
    """Return the error of a reply that is missing or unusable; retryable."""
    return FetchError("outage", reason, detail, is_retryable=True)


def throttled(
    detail: str,
    *,
    reason: str = "throttled",
    retry_after_seconds: float = 0.0,
    is_retryable: bool = True,
) -> FetchError:
    """Return the error of a request that the provider, or its cooldown, rejected."""
    return FetchError(
        "throttled",
        reason,
        detail,
        is_retryable=is_retryable,
        retry_after_seconds=retry_after_seconds,
    )
