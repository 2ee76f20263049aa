"""Test that the fast parsers agree with fredapi's."""

from xml.etree import ElementTree

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


def both(xml: str) -> tuple[Fred, _FastFred]:
    """Return fredapi's client and ours, each with one reply."""

    def reply(self: Fred, url: str) -> ElementTree.Element:
        assert url == (
            "https://api.stlouisfed.org/fred/series/observations?series_id=CPIAUCSL"
            "&realtime_start=2024-01-01&realtime_end=9999-12-31"
        )
        return ElementTree.fromstring(xml)

    slow, fast = (
        type("Canned", (each,), {"_Fred__fetch_data": reply}) for each in (Fred, _FastFred)
    )
    return slow(api_key=KEY), fast(KEY, 1.0)


def test_releases_equal_those_of_fredapi() -> None:
    rows = "".join(
        f'<observation realtime_start="{start}" date="{day}" value="{value}"/>'
        for start, day, value in (
            ("2024-02-13", "2024-01-01", "308.417"),
            ("2024-03-12", "2024-02-01", "."),
            ("1776-07-04", "1947-01-01", "-0.1e2"),
        )
    )
    expected, found = (
        fred.get_series_all_releases("CPIAUCSL", "2024-01-01", "9999-12-31")
        for fred in both(f"<observations>{rows}</observations>")
    )
    for name in ("realtime_start", "date"):
        assert list(found[name]) == list(expected[name])
    # between two timestamps, fredapi's missing value is a NaT
    assert list(found["value"].isna()) == list(expected["value"].isna()) == [False, True, False]
    assert list(found["value"].dropna()) == list(expected["value"].dropna()) == [308.417, -10.0]


@pytest.mark.parametrize("xml", ["<html><p>down</p></html>", "<observations/>"])
def test_replies_without_observations_are_alike(xml: str) -> None:
    outcomes = []
    for fred in both(xml):
        try:
            frame = fred.get_series_all_releases("CPIAUCSL", "2024-01-01", "9999-12-31")
            outcomes.append(len(frame))
        except TypeError:
            outcomes.append("no value")
    assert outcomes[0] == outcomes[1]
