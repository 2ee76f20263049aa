"""Share counts as filed: which one counts, and whether it is stated after a later split."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import log
from typing import Any

import polars as pl

from tasks.derive.xbrl.concepts import tags_of_kind
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts
from tasks.derive.xbrl.periods import DAY

SHARE_COUNT = "shares_outstanding"
# an older count says nothing of the day
MAX_SHARE_COUNT_AGE_DAYS = 400
# a count in thousands: Apple's 10-Q of March 2014 has 861,745 shares
UNITS, MAX_CHANGE = (1e-6, 1e-3, 1e3, 1e6), 2.0
COLUMNS = {
    "shares_outstanding": pl.Float64(),
    "shares_as_of": pl.Date(),
    "shares_known_since": pl.Date(),
    "is_cover_page_count": pl.Boolean(),
    "shares_before": pl.Float64(),
    "shares_before_known_since": pl.Date(),
}


def read_shares(known: PointInTimeFacts, day: date) -> dict[str, Any]:
    """Return the newest share count of a company, and the one known on the day of that count.

    No count is returned that is about a thousandth or a thousandfold, or a millionth or a
    millionfold, of most of those before.

    Args:
        known: The facts of the company as known on the day.
        day: The quarter-end.
    """
    count = known.newest_instant(SHARE_COUNT, day)
    if count is None:
        return dict.fromkeys(COLUMNS)
    earlier = _earlier_counts(known, count)
    if _is_unit_error(count, earlier):
        return dict.fromkeys(COLUMNS)
    # what was known by then is stated before any split after the day
    before = next(
        (each for each in earlier if each.value > 0 and each.value_known_since <= count.end), None
    )
    return {
        "shares_outstanding": count.value,
        "shares_as_of": count.end,
        "shares_known_since": count.value_known_since,
        "is_cover_page_count": count.tag in tags_of_kind(SHARE_COUNT, "cover_page"),
        "shares_before": None if before is None else before.value,
        "shares_before_known_since": None if before is None else before.value_known_since,
    }


def includes_split(
    shares: Mapping[str, Any], splits: Sequence[tuple[date, float]], ex_date: date, ratio: float
) -> bool:
    """Return whether a count of a day before a split is stated after it.

    Balance sheets filed after a split state earlier days in new shares; a cover page has the count
    of its own day. The reading nearer to the count that was known on that day is taken.

    Args:
        shares: A count, as `read_shares` returns it.
        splits: Ex-date and new shares per old one of all splits, in order.
        ex_date: The first session after the split, later than the day of the count.
        ratio: New shares per old one.
    """
    if shares["shares_known_since"] < ex_date:
        return False
    before = shares["shares_before"]
    if before is None or shares["shares_outstanding"] <= 0:
        return not shares["is_cover_page_count"]
    for earlier, step in splits:
        if shares["shares_before_known_since"] < earlier <= shares["shares_as_of"]:
            before *= step
    change = log(shares["shares_outstanding"] / before)
    return abs(change - log(ratio)) < abs(change)


def _earlier_counts(known: PointInTimeFacts, count: Fact) -> list[Fact]:
    """Return the share counts of about a year before a count, newest first."""
    found: list[Fact] = []
    before = known.newest_instant(SHARE_COUNT, count.end - DAY)
    while before is not None and (count.end - before.end).days <= MAX_SHARE_COUNT_AGE_DAYS:
        found.append(before)
        before = known.newest_instant(SHARE_COUNT, before.end - DAY)
    return found


def _is_unit_error(count: Fact, earlier: Sequence[Fact]) -> bool:
    """Return whether a count is about a thousandth or a thousandfold of most counts before."""
    found = [
        any(abs(log(count.value / each.value) - log(unit)) < log(MAX_CHANGE) for unit in UNITS)
        for each in earlier
        if count.value > 0 and each.value > 0
    ]
    return 2 * sum(found) > len(found)
