"""Test that the fast date parser agrees with fredapi's."""

import pytest
from fredapi import Fred

from tasks.extract.fred.client import _FastFred

KEY = "a" * 32


@pytest.mark.parametrize("text", ["2024-02-29", "1776-07-04", "9999-12-31", "1600-01-01", "", None])
def test_dates_equal_those_of_fredapi(text: str | None) -> None:
    found, expected = _FastFred(KEY, 1.0)._parse(text), Fred(api_key=KEY)._parse(text)
    assert type(found) is type(expected)
    assert found == expected or (found != found and expected != expected)


@pytest.mark.parametrize(
    "text", ["2023-02-29", "2024-13-01", "2024-W01-1", "20240102", "2024-1-2x", "yesterday"]
)
def test_invalid_dates_are_rejected_alike(text: str) -> None:
    for fred in (Fred(api_key=KEY), _FastFred(KEY, 1.0)):
        with pytest.raises(ValueError, match=r"\w"):
            fred._parse(text)
