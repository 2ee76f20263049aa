"""valuation: trailing price/earnings and price/sales of each index and sector by quarter-end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.valuation import CONTRACT
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.incremental.index_members import ALL_SECTORS
from tasks.derive.refinancing.index_membership import IndexMembership, read_members
from tasks.derive.refinancing.inputs_sql import quarterly_price_inputs
from tasks.derive.refinancing.market_value import market_value, read_market, read_splits
from tasks.derive.refinancing.read import read_quarter_ends
from warehouse.connect import arrow

# percent of the weight for which figures must be known
MIN_COVERAGE_PCT = 60


@dataclass(frozen=True, slots=True)
class CompanyValue:
    """A company's market value and trailing figures in USD; None where unknown."""

    market_value_usd: float | None
    net_income_usd: float | None
    revenue_usd: float | None


@dataclass(frozen=True, slots=True)
class ValuedMember:
    """An index member: all share classes of a company, with their weight together."""

    weight_pct: float
    value: CompanyValue | None


def valuation_row(members: Sequence[ValuedMember]) -> dict[str, Any]:
    """Return the valuation of a group of members.

    Sums are exact (`math.fsum`), so they do not depend on the order of members.

    Args:
        members: All companies of an index, or of a sector of it.
    """
    valued = [(m.weight_pct, m.value) for m in members if m.value and m.value.market_value_usd]
    earning = [
        (weight, value.market_value_usd or 0, value.net_income_usd)
        for weight, value in valued
        if value.net_income_usd is not None
    ]
    selling = [
        (weight, value.market_value_usd or 0, value.revenue_usd)
        for weight, value in valued
        if value.revenue_usd is not None
    ]
    profitable = [each for each in earning if each[2] >= 0]
    weight = fsum(member.weight_pct for member in members)
    earnings_coverage, sales_coverage = (
        100 * fsum(each[0] for each in group) / weight if weight else 0.0
        for group in (earning, selling)
    )
    value, income = _totals(earning)
    value_ex_losers, income_ex_losers = _totals(profitable)
    value_with_sales, revenue = _totals(selling)
    has_earnings, has_sales = (
        coverage >= MIN_COVERAGE_PCT for coverage in (earnings_coverage, sales_coverage)
    )
    return {
        "members": len(members),
        "members_with_earnings": len(earning),
        "loss_makers": len(earning) - len(profitable),
        "market_value_usd": value,
        "net_income_ttm_usd": income,
        "net_income_ttm_ex_losers_usd": income_ex_losers,
        "price_to_earnings": _ratio(value, income) if has_earnings else None,
        "price_to_earnings_ex_losers": (
            _ratio(value_ex_losers, income_ex_losers) if has_earnings else None
        ),
        "earnings_yield": income / value if has_earnings and value else None,
        "earnings_coverage_pct": earnings_coverage,
        "revenue_ttm_usd": revenue,
        "price_to_sales": _ratio(value_with_sales, revenue) if has_sales else None,
        "sales_coverage_pct": sales_coverage,
    }


def _totals(group: Iterable[tuple[float, float, float]]) -> tuple[float, float]:
    """Return the sums of market value and of the trailing figure."""
    rows = list(group)
    return fsum(row[1] for row in rows), fsum(row[2] for row in rows)


def _ratio(value: float, figure: float) -> float | None:
    """Return value over figure; None where the figure is not above zero: no multiple exists."""
    return value / figure if figure > 0 and value > 0 else None


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Derive all valuations from the first quarter-end that a change reaches."""
    start = min(changes.dirty_from.values())
    days = read_quarter_ends(connection, start)
    rows = []
    if days:
        membership = read_members(connection, days)
        values = _read_values(connection, membership, days)
        rows = [
            {
                "index_code": index_code,
                "sector": sector,
                "as_of_date": day,
                "membership_as_of": membership_as_of,
                "is_backcast": is_backcast,
                **valuation_row(group),
            }
            for day in days
            for index_code, membership_as_of, is_backcast, groups in _groups(
                membership, values[day], day
            )
            for sector, group in groups.items()
        ]
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedRows(frame, f"old.as_of_date >= '{start.isoformat()}'")


def _groups(
    membership: IndexMembership, values: Mapping[int, CompanyValue], day: date
) -> Iterator[tuple[str, date, bool, dict[str, list[ValuedMember]]]]:
    """Yield each index with its members by sector; a listing without a filer is one company."""
    for index_code in membership.indexes:
        listed, is_backcast = membership.listed(index_code, day)
        weights: dict[int, float] = {}
        for cik, weight_pct in listed.select("cik", "weight_pct").iter_rows():
            if cik is not None:
                weights[cik] = weights.get(cik, 0.0) + weight_pct
        groups: dict[str, list[ValuedMember]] = {ALL_SECTORS: []}
        for cik, weight_pct, sector in listed.select("cik", "weight_pct", "sector").iter_rows():
            if cik is None:
                member = ValuedMember(weight_pct, None)
            elif cik in weights:
                member = ValuedMember(weights.pop(cik), values.get(cik))
            else:
                continue
            groups[ALL_SECTORS].append(member)
            if sector is not None:
                groups.setdefault(sector, []).append(member)
        yield index_code, listed["as_of_date"][0], is_backcast, groups


def _read_values(
    connection: adbc.Connection, membership: IndexMembership, days: Sequence[date]
) -> dict[date, dict[int, CompanyValue]]:
    """Return the value of each company with a row of `company_refinancing`, by day."""
    splits = read_splits(connection)
    found: dict[date, dict[int, CompanyValue]] = {}
    for day in days:
        markets = read_market(connection, day, membership.on(day))
        found[day] = {
            row["cik"]: CompanyValue(
                market_value(markets.get(row["cik"], {}), row, splits, day),
                row["net_income_ttm_usd"],
                row["revenue_ttm_usd"],
            )
            for row in _read_figures(connection, day)
        }
    return found


def _read_figures(connection: adbc.Connection, day: date) -> Iterator[dict[str, Any]]:
    """Yield the figures of each company and its net income of four quarters."""
    rows = arrow.read(
        connection,
        """
        select stored.net_income_ttm_usd, figures.*
        from derived.company_refinancing as stored
        join derived.company_figures as figures using (cik, as_of_date)
        where stored.as_of_date = $1
        """,
        (day,),
    )
    return rows.iter_rows(named=True)


TABLE = DerivedTable(
    CONTRACT,
    quarterly_price_inputs(CONTRACT.table),
    _derive,
    logic_version=3,
    reference_files=("fund",),
)
