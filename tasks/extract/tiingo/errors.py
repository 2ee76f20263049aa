"""Map Tiingo's replies to fetch errors, without the API key."""

import json

from tasks.extract.provider.errors import FetchError, outage, throttled
from tasks.http_client import Response

# "You have run over your hourly request allocation", "... your 500 symbol look up for this month":
# with status 200 or 429, as JSON or as plain text
QUOTA = "run over your"
QUOTA_REASONS = {
    "hourly": "hourly_limit",
    "daily": "daily_limit",
    "month": "monthly_limit",
}


def reply_error(ticker: str, response: Response, key: str) -> FetchError | None:
    """Return the error that a reply states; None if it may hold prices.

    No error is retryable within the run: a quota ends after an hour, a day or a month, and the
    daily run does not wait for a second source.

    Args:
        ticker: For the sentence.
        response: The reply.
        key: Is removed from what the reply says.
    """
    status = response.status_code
    sentence = _sentence(response.text).replace(key, "***")[:200]
    said = f"Tiingo replied to the request for {ticker}: {sentence or status}"
    if QUOTA in sentence:
        reason = next((QUOTA_REASONS[word] for word in QUOTA_REASONS if word in sentence), "quota")
        return throttled(
            f"{said} Lower ROTATION_TIINGO_SAMPLE_TICKERS if it recurs.",
            reason=reason,
            is_retryable=False,
        )
    if status == 429:
        return throttled(f"{said}{' with status 429.' if sentence else '.'}", is_retryable=False)
    if status == 401 or (status != 200 and "token" in sentence.lower()):
        return invalid_api_key(f"Tiingo replied: {sentence or status}")
    if sentence and (status == 404 or sentence.lower().rstrip(".").endswith("not found")):
        return FetchError("not_found", "unknown_symbol", said)
    if sentence and status in (400, 403):
        return FetchError("refused", f"http_{status}", said, is_fatal=status == 403)
    if not response.is_success:
        return outage(f"http_{status}", said)
    return outage("malformed", said) if sentence else None


def invalid_api_key(cause: str) -> FetchError:
    """Return the error of an API key that Tiingo refuses; fatal for the run."""
    detail = (
        f"Tiingo refuses the API key ({cause}). Correct TIINGO_API_KEY, or unset it: prices are"
        " then not compared with a second source."
    )
    return FetchError("refused", "invalid_api_key", detail, is_fatal=True)


def _sentence(text: str) -> str:
    """Return what a reply says in words: a detail in JSON, or plain text; empty for all others."""
    if text.lstrip()[:1] in ("<", "["):
        return ""
    try:
        content = json.loads(text)
    except ValueError:
        return " ".join(text.split()) if text.lstrip()[:1] != "{" else ""
    detail = content.get("detail") if isinstance(content, dict) else content
    return detail if isinstance(detail, str) else ""
