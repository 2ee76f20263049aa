"""zombie_status: zombie companies by each of the published definitions."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.zombie_status import CONTRACT
from tasks.derive.debt.ladder_windows import add_months
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.refinancing.company_row import IndexListing, is_financial
from tasks.derive.refinancing.index_membership import read_members
from tasks.derive.refinancing.inputs_sql import ALL_COMPANIES, quarterly_inputs
from tasks.derive.refinancing.read import read_facts, read_quarter_ends
from tasks.derive.refinancing.zombie_definitions import (
    CompanyProfile,
    classify,
    read_balance,
    read_years,
)
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts
from warehouse.connect import arrow

INPUTS = quarterly_inputs(CONTRACT.table)
WHERE_MEMBER_SQL = """
    from change
    where exists (
        select from derived.loaded_index join core.index_membership as member using (index_code)
        where member.instrument_id = change.instrument_id
    )
"""
# unlike the other refinancing tables, this one reads members' prices
INPUTS["daily_price"] += f"""
    union all
    select '{ALL_COMPANIES}' as subject, from_date as first_date {WHERE_MEMBER_SQL}
"""
# A split's change is dated before any bar. What it moves here is no older than its ex-date: that of
# the oldest action that the runs wrote or withdrew.
INPUTS["corporate_action"] = f"""
    select '{ALL_COMPANIES}' as subject, coalesce(
        (
            select min(action.ex_date)
            from (
                select instrument_id, ex_date, run_id from core.corporate_action
                union all
                select instrument_id, ex_date, run_id from history.corporate_action
                union all
                select instrument_id, ex_date, superseded_by from history.corporate_action
            ) as action
            where action.instrument_id = change.instrument_id
                and action.run_id = any (change.run_ids)
        ),
        change.from_date
    ) as first_date
    {WHERE_MEMBER_SQL}
"""
# a price or a share count that is older says nothing of the day
FRESH_DAYS, MAX_SHARE_COUNT_AGE_DAYS = 10, 400


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Classify all companies from the first quarter-end that a change reaches.

    Returns:
        The rows to publish; None where nothing changed.
    """
    start = min(changes.dirty_from.values())
    days = [day for day in read_quarter_ends(connection) if day >= start]
    profiles = _read_profiles(connection, days) if days else {}
    rows = [
        {
            "cik": cik,
            "as_of_date": day,
            "definition": definition,
            "sector": profiles[day][cik].sector,
            "is_zombie": is_zombie,
            "missing_reason": reason,
        }
        for day in days
        for cik, definition, is_zombie, reason in classify(profiles[day])
    ]
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedRows(frame, f"old.as_of_date >= '{start:%Y-%m-%d}'")


def _read_profiles(
    connection: adbc.Connection, days: list[date]
) -> dict[date, dict[int, CompanyProfile]]:
    """Return the profile of each company with a row of `company_refinancing`, by day."""
    stored = {day: _read_companies(connection, day) for day in days}
    found: dict[date, dict[int, CompanyProfile]] = {day: {} for day in days}
    ciks = sorted({cik for rows in stored.values() for cik in rows})
    members = read_members(connection, days)
    markets = {day: _read_market(connection, day, members.on(day)) for day in days}
    splits = _read_splits(connection)
    for cik, facts in read_facts(connection, ciks):
        first = min((fact.filed for fact in facts), default=None)
        known = PointInTimeFacts(facts)
        for day in days:
            known.advance_to(day)
            row = stored[day].get(cik)
            if row is None:
                continue
            balance = read_balance(known, row["period_end"])
            market = markets[day].get(cik, {})
            first_filed = min(
                (d for d in (row["first_filed_date"], first) if d is not None), default=None
            )
            count = known.newest_instant("shares_outstanding", day)
            value = _market_value(market, count, splits, day)
            liabilities, assets = balance["liabilities"], balance["assets"]
            found[day][cik] = CompanyProfile(
                sector=row["sector"],
                index_code=row["index_code"],
                **read_years(known, row["period_end"]),
                age_years=None if first_filed is None else (day - first_filed).days / 365.25,
                leverage=balance["leverage"],
                tobins_q=(
                    (value + liabilities) / assets
                    if value is not None and liabilities is not None and assets
                    else None
                ),
                total_return=market.get("total_return"),
                net_income=row["net_income_ttm_usd"],
            )
    return found


def _read_companies(connection: adbc.Connection, day: date) -> dict[int, dict[str, Any]]:
    rows = arrow.read(
        connection,
        """
        select
            stored.cik, stored.sector, stored.index_code, stored.period_end,
            stored.net_income_ttm_usd,
            company.first_filed_date, company.sic
        from derived.company_refinancing as stored
        left join core.company as company using (cik)
        where stored.as_of_date = $1
        """,
        (day,),
    )
    return {
        row["cik"]: row
        for row in rows.iter_rows(named=True)
        if not is_financial(row["sector"], row["sic"])
    }


def _read_market(
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


def _read_splits(connection: adbc.Connection) -> dict[int, list[tuple[date, float]]]:
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


def _market_value(
    market: dict[str, Any],
    count: Fact | None,
    splits: dict[int, list[tuple[date, float]]],
    day: date,
) -> float | None:
    """Return close times the shares of the latest cover page, later splits applied."""
    if not market or count is None or (day - count.end).days > MAX_SHARE_COUNT_AGE_DAYS:
        return None
    shares = count.value
    for ex_date, ratio in splits.get(market["instrument_id"], []):
        if count.end < ex_date <= day:
            shares *= ratio
    value: float = shares * market["close"]
    return value if value > 0 else None


TABLE = DerivedTable(
    CONTRACT, INPUTS, _derive, logic_version=3, reference_files=("concept", "filing_form")
)
