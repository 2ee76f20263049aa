"""Market values of companies: closes as traded, share counts as filed, splits between them."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import log
from typing import Any

from adbc_driver_postgresql import dbapi as adbc

from tasks.derive.debt.ladder_windows import add_months
from tasks.derive.refinancing.company_row import IndexListing
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts
from tasks.derive.xbrl.periods import DAY
from warehouse.connect import arrow

# a price or a share count that is older says nothing of the day
FRESH_DAYS, MAX_SHARE_COUNT_AGE_DAYS = 10, 400
SHARE_COUNT = "shares_outstanding"
COVER_PAGE_COUNT = concepts()[SHARE_COUNT][0]
# beyond these a count is compared with those before: Apple's 10-Q of 2014 has 861,745 shares
PLAUSIBLE_SHARES, UNITS, MAX_CHANGE = (2e6, 3e10), (1e-6, 1e-3, 1e3, 1e6), 2.0


def read_market(
    connection: adbc.Connection, day: date, members: Mapping[int, IndexListing]
) -> dict[int, dict[str, Any]]:
    """Return filer to its instrument, close as traded, and total return over two years.

    By instrument, under any ticker. The return uses only splits and dividends within the two
    years, so later ones do not change it; None where the size of one is unknown.
    """
    before = add_months(day, -24)
    instruments = ",".join(str(listing.instrument_id) for listing in members.values())
    bar = """
        select bar.session_date, bar.close from core.daily_price as bar
        where bar.instrument_id = member.instrument_id
            and bar.session_date <= {day} and bar.session_date > {day} - {fresh}
        order by bar.session_date desc limit 1
    """
    rows = arrow.read(
        connection,
        f"""
        select
            member.instrument_id, now.close, now.close / (past.close * paid.step) as total_return
        from unnest('{{{instruments}}}'::integer[]) as member (instrument_id)
        cross join lateral ({bar.format(day=f"date '{day}'", fresh=FRESH_DAYS)}) as now
        left join lateral ({bar.format(day=f"date '{before}'", fresh=FRESH_DAYS)}) as past on true
        cross join lateral (
            -- the product would pass over a NULL
            select case
                when not coalesce(bool_or(factor.dividend_multiplier is null), false)
                    then as_of.product(factor.split_multiplier * factor.dividend_multiplier order
                    by ex_date)
            end as step
            from derived.adjustment_factor as factor
            where factor.instrument_id = member.instrument_id
                and factor.ex_date > past.session_date and factor.ex_date <= now.session_date
        ) as paid
        """,
    )
    found = {row["instrument_id"]: row for row in rows.iter_rows(named=True)}
    return {
        cik: found[member.instrument_id]
        for cik, member in members.items()
        if member.instrument_id in found
    }


def read_splits(connection: adbc.Connection) -> dict[int, list[tuple[date, float]]]:
    """Return instrument to its splits: ex-date and new shares per old one."""
    rows = arrow.read(
        connection,
        """
        select instrument_id, ex_date, value from core.corporate_action
        where kind = 'split' and value is not null order by instrument_id, ex_date
        """,
    )
    found: dict[int, list[tuple[date, float]]] = {}
    for instrument, ex_date, value in rows.iter_rows():
        found.setdefault(instrument, []).append((ex_date, value))
    return found


def market_value(
    market: Mapping[str, Any],
    known: PointInTimeFacts,
    splits: Mapping[int, Sequence[tuple[date, float]]],
    day: date,
) -> float | None:
    """Return close times the newest share count, later splits applied; None where unknown."""
    count = known.newest_instant(SHARE_COUNT, day)
    if not market or count is None or (day - count.end).days > MAX_SHARE_COUNT_AGE_DAYS:
        return None
    if not PLAUSIBLE_SHARES[0] <= count.value <= PLAUSIBLE_SHARES[1] and _is_unit_error(
        count, _earlier_counts(known, count)
    ):
        return None
    shares = count.value
    for ex_date, ratio in splits.get(market["instrument_id"], []):
        if count.end < ex_date <= day and not _includes_split(known, count, ex_date, ratio):
            shares *= ratio
    value: float = shares * market["close"]
    return value if value > 0 else None


def _earlier_counts(known: PointInTimeFacts, count: Fact) -> list[Fact]:
    """Return the share counts of a year before a count, newest first."""
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


def _includes_split(known: PointInTimeFacts, count: Fact, ex_date: date, ratio: float) -> bool:
    """Return whether a count of a day before a split is stated after it.

    Balance sheets filed after a split state earlier days in new shares; a cover page has the count
    of its own day. A count filed before the split, that is near one of both readings, decides.
    """
    if count.value_known_since < ex_date:
        return False
    old = [each for each in _earlier_counts(known, count) if each.value_known_since < ex_date]
    if count.superseded is not None:
        old.insert(0, count.superseded)
    before = next((each.value for each in old if each.value > 0), None)
    if before is None or count.value <= 0:
        return count.tag != COVER_PAGE_COUNT
    change = log(count.value / before)
    return abs(change - log(ratio)) < abs(change)
