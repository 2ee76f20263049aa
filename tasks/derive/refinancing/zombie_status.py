"""zombie_status: zombie companies by each of the published definitions."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.zombie_status import CONTRACT
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.refinancing.company_figures import EBIT_BELOW_INTEREST
from tasks.derive.refinancing.company_row import is_financial
from tasks.derive.refinancing.index_membership import read_members
from tasks.derive.refinancing.inputs_sql import quarterly_price_inputs
from tasks.derive.refinancing.market_value import market_value, read_market, read_splits
from tasks.derive.refinancing.read import read_quarter_ends
from tasks.derive.refinancing.zombie_definitions import (
    CompanyProfile,
    classify,
    debt_over_assets,
)
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
    members, splits = read_members(connection, days), read_splits(connection)
    found: dict[date, dict[int, CompanyProfile]] = {}
    for day in days:
        markets = read_market(connection, day, members.on(day))
        found[day] = {
            cik: _profile(row, markets.get(cik, {}), splits, day)
            for cik, row in _read_companies(connection, day).items()
        }
    return found


def _profile(
    row: Mapping[str, Any],
    market: Mapping[str, Any],
    splits: Mapping[int, Sequence[tuple[date, float]]],
    day: date,
) -> CompanyProfile:
    """Return the profile of a company on a day, of its stored row and its market data."""
    value = market_value(market, row, splits, day)
    liabilities, assets = row["liabilities_usd"], row["assets_usd"]
    return CompanyProfile(
        sector=row["sector"],
        index_code=row["index_code"],
        ebit_below_interest=tuple(row[name] for name in EBIT_BELOW_INTEREST),
        ebitda_less_interest_3y=row["ebitda_less_interest_3y_usd"],
        sales_change=row["revenue_change_3y_usd"],
        age_years=(day - row["first_filed"]).days / 365.25,
        leverage=debt_over_assets(row["total_debt_usd"], row["total_debt_confidence"], assets),
        tobins_q=(
            (value + liabilities) / assets
            if value is not None and liabilities is not None and assets
            else None
        ),
        total_return=market.get("total_return"),
        net_income=row["net_income_ttm_usd"],
    )


def _read_companies(connection: adbc.Connection, day: date) -> dict[int, dict[str, Any]]:
    rows = arrow.read(
        connection,
        """
        select
            stored.sector, stored.index_code, stored.net_income_ttm_usd, stored.total_debt_usd,
            stored.total_debt_confidence, company.sic, figures.*,
            least(figures.first_filed_date, company.first_filed_date) as first_filed
        from derived.company_refinancing as stored
        join derived.company_figures as figures using (cik, as_of_date)
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


TABLE = DerivedTable(CONTRACT, INPUTS, _derive, logic_version=5)
