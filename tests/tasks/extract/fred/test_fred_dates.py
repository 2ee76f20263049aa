"""Dates in FRED's replies mean what fredapi says that they mean, however they are parsed."""

import pytest
from fredapi import Fred

from tasks.extract.fred.client import _FastFred

KEY = "a" * 32


@pytest.mark.parametrize("text", ["2024-02-29", "1776-07-04", "9999-12-31", "1600-01-01", "", None])
def test_a_date_is_what_fredapi_makes_of_it(text: str | None) -> None:
    found, expected = _FastFred(api_key=KEY)._parse(text), Fred(api_key=KEY)._parse(text)
    assert type(found) is type(expected)
    assert found == expected or (found != found and expected != expected)


@pytest.mark.parametrize(
    "text", ["2023-02-29", "2024-13-01", "2024-W01-1", "20240102", "2024-1-2x", "yesterday"]
)
def test_what_is_no_date_is_refused_alike(text: str) -> None:
    for fred in (Fred(api_key=KEY), _FastFred(api_key=KEY)):
        with pytest.raises(ValueError, match=r"\w"):
            fred._parse(text)
