"""Market values of companies: closes as traded, share counts as filed, splits between them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from adbc_driver_postgresql import dbapi as adbc

from tasks.derive.debt.ladder_windows import add_months
from tasks.derive.refinancing.company_row import IndexListing
from tasks.derive.refinancing.share_count import MAX_SHARE_COUNT_AGE_DAYS, includes_split
from warehouse.connect import arrow

# an older price says nothing of the day
FRESH_DAYS = 10


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
    shares: Mapping[str, Any],
    splits: Mapping[int, Sequence[tuple[date, float]]],
    day: date,
) -> float | None:
    """Return close times the newest share count, later splits applied; None where unknown.

    Args:
        market: The line of `read_market`; empty if there is none.
        shares: The count, as `read_shares` returned it.
        splits: As `read_splits` returns them.
        day: The quarter-end.
    """
    count, as_of = shares["shares_outstanding"], shares["shares_as_of"]
    if not market or count is None or (day - as_of).days > MAX_SHARE_COUNT_AGE_DAYS:
        return None
    of_instrument = splits.get(market["instrument_id"], ())
    for ex_date, ratio in of_instrument:
        if as_of < ex_date <= day and not includes_split(shares, of_instrument, ex_date, ratio):
            count *= ratio
    value: float = count * market["close"]
    return value if value > 0 else None
