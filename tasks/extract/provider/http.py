"""Download files over HTTPS, and map HTTP errors to fetch errors."""

from importlib.metadata import version

from tasks.extract.provider.errors import FetchError, outage, throttled
from tasks.extract.provider.rate_limit import RateLimiter
from tasks.http_client import Client, HttpError, Response, error_reason

USER_AGENT = f"great-rotation/{version('great-rotation')}"


def download(client: Client, limiter: RateLimiter, url: str, resource: str) -> Response:
    """Download one file within the rate limit.

    Args:
        client: An open client with a timeout.
        limiter: The provider's rate limiter.
        url: The address; it must hold no secret, as error messages quote it.
        resource: The item, for error messages.

    Raises:
        FetchError: There is no 2xx reply.
    """
    limiter.acquire()
    try:
        response = client.get(url)
    except HttpError as error:
        raise connection_error(url, resource, error) from error
    if response.status_code == 429:
        raise throttled(
            f"{resource}: {url} returned 429; lower the provider's requests_per_second if it"
            " recurs.",
            retry_after_seconds=parse_retry_after(response.headers.get("Retry-After")),
        )
    if not response.is_success:
        status = response.status_code
        raise outage(f"http_{status}", f"{resource}: {url} returned {status}.")
    return response


def connection_error(url: str, resource: str, error: HttpError) -> FetchError:
    """Return the error of a request without a complete reply."""
    reason = error_reason(error)
    return outage(
        reason, f"{resource}: no reply from {url} ({reason}): {type(error).__name__}: {error}"
    )


def parse_retry_after(value: str | None) -> float:
    """Return the seconds of a Retry-After header; 0 if it is absent or a date."""
    return float(value) if value and value.isdigit() else 0.0
