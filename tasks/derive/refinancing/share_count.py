"""Share counts as filed: which one counts, and whether it is stated after a later split."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import log
from typing import Any

import polars as pl

from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts
from tasks.derive.xbrl.periods import DAY

SHARE_COUNT = "shares_outstanding"
COVER_PAGE_COUNT = concepts()[SHARE_COUNT][0]
# an older count says nothing of the day
MAX_SHARE_COUNT_AGE_DAYS = 400
# beyond these a count is compared with those before: Apple's 10-Q of 2014 has 861,745 shares
PLAUSIBLE_SHARES, UNITS, MAX_CHANGE = (2e6, 3e10), (1e-6, 1e-3, 1e3, 1e6), 2.0
COLUMNS = {
    "shares_outstanding": pl.Float64(),
    "shares_as_of": pl.Date(),
    "shares_known_since": pl.Date(),
    "is_cover_page_count": pl.Boolean(),
    "shares_before": pl.Float64(),
    "shares_before_known_since": pl.Date(),
}


def read_shares(known: PointInTimeFacts, day: date) -> dict[str, Any]:
    """Return the newest share count of a company, and the one before it.

    No count is returned that is about a thousandth or a thousandfold of those before.

    Args:
        known: The facts of the company as known on the day.
        day: The quarter-end.
    """
    count = known.newest_instant(SHARE_COUNT, day)
    if count is None:
        return dict.fromkeys(COLUMNS)
    earlier = _earlier_counts(known, count)
    is_plausible = PLAUSIBLE_SHARES[0] <= count.value <= PLAUSIBLE_SHARES[1]
    if not is_plausible and _is_unit_error(count, earlier):
        return dict.fromkeys(COLUMNS)
    if count.superseded is not None:
        earlier.insert(0, count.superseded)
    before = next(
        (
            each
            for each in earlier
            if each.value > 0 and each.value_known_since < count.value_known_since
        ),
        None,
    )
    return {
        "shares_outstanding": count.value,
        "shares_as_of": count.end,
        "shares_known_since": count.value_known_since,
        "is_cover_page_count": count.tag == COVER_PAGE_COUNT,
        "shares_before": None if before is None else before.value,
        "shares_before_known_since": None if before is None else before.value_known_since,
    }


def includes_split(shares: Mapping[str, Any], ex_date: date, ratio: float) -> bool:
    """Return whether a count of a day before a split is stated after it.

    Balance sheets filed after a split state earlier days in new shares; a cover page has the count
    of its own day. The count before, if known before the split, decides by what is nearer.

    Args:
        shares: A count, as `read_shares` returns it.
        ex_date: The first session after the split.
        ratio: New shares per old one.
    """
    if shares["shares_known_since"] < ex_date:
        return False
    before, before_since = shares["shares_before"], shares["shares_before_known_since"]
    if before is None or before_since >= ex_date or shares["shares_outstanding"] <= 0:
        return not shares["is_cover_page_count"]
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
