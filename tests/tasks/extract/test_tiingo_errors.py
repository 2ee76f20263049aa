"""What a fetch record says about Tiingo's refusals."""

import httpx
import pytest

from tasks.extract.tiingo.errors import reply_error


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Tiingo replied to the request for IWM: 429."),
        ("Slow down", "Tiingo replied to the request for IWM: Slow down with status 429."),
    ],
)
def test_throttling_names_its_status_once(text: str, sentence: str) -> None:
    error = reply_error("IWM", httpx.Response(429, text=text), "key")
    assert error is not None
    assert (error.status, error.detail) == ("throttled", sentence)
