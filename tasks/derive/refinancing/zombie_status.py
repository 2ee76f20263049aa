"""zombie_status: zombie companies by each of the published definitions."""

from datetime import date
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.zombie_status import CONTRACT
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.refinancing.company_row import is_financial
from tasks.derive.refinancing.index_membership import read_members
from tasks.derive.refinancing.inputs_sql import quarterly_price_inputs
from tasks.derive.refinancing.market_value import market_value, read_market, read_splits
from tasks.derive.refinancing.read import read_facts, read_quarter_ends
from tasks.derive.refinancing.zombie_definitions import (
    CompanyProfile,
    classify,
    read_balance,
    read_years,
)
from tasks.derive.xbrl.facts import PointInTimeFacts
from warehouse.connect import arrow

INPUTS = quarterly_price_inputs(CONTRACT.table)


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Classify all companies from the first quarter-end that a change reaches.

    Returns:
        The rows to publish; None where nothing changed.
    """
    start = min(changes.dirty_from.values())
    days = read_quarter_ends(connection, start)
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
    return DerivedRows(frame, f"old.as_of_date >= '{start.isoformat()}'")


def _read_profiles(
    connection: adbc.Connection, days: list[date]
) -> dict[date, dict[int, CompanyProfile]]:
    """Return the profile of each company with a row of `company_refinancing`, by day."""
    stored = {day: _read_companies(connection, day) for day in days}
    found: dict[date, dict[int, CompanyProfile]] = {day: {} for day in days}
    ciks = sorted({cik for rows in stored.values() for cik in rows})
    members = read_members(connection, days)
    markets = {day: read_market(connection, day, members.on(day)) for day in days}
    splits = read_splits(connection)
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
            value = market_value(market, known, splits, day)
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


TABLE = DerivedTable(
    CONTRACT, INPUTS, _derive, logic_version=5, reference_files=("concept", "filing_form")
)
