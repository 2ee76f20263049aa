"""Writes rows straight into the tables that claims and conditions read."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from psycopg import Connection, sql

Row = Mapping[str, Any]

# values of the columns that may not be NULL and do not matter
DEFAULTS: dict[str, Row] = {
    "core.daily_price": {"open": 1, "high": 1, "low": 1, "source": "test"},
    "core.index_membership": {
        **{"name": "name", "market_value_usd": 1, "exchange": "NYSE", "fund": "IWM"},
        **{"known_from": date(2026, 2, 2), "as_of_date": date(2026, 1, 30), "source": "test"},
    },
    "core.macro_observation": {"source": "test"},
    "derived.rotation_metrics": {"ratio": 1, "outperformance_streak": 0, "regime": "undetermined"},
    "derived.sector_breadth": {
        **dict.fromkeys(("priced", "advancers", "decliners", "unchanged"), 0),
        **dict.fromkeys(("advancing_volume", "declining_volume", "ad_line"), 0),
        **dict.fromkeys(("eligible_20", "eligible_200", "eligible_252"), 0),
        **{"new_highs_252": 0, "new_lows_252": 0, "is_backcast": False},
        **{"membership_as_of": date(2026, 1, 30), "sector": "All"},
    },
    "derived.company_refinancing": {
        **{"is_backcast": False, "accession_number": "1", "index_code": "R2000"},
        **{"period_end": date(2020, 1, 1), "filed_date": date(2020, 1, 1)},
    },
    "derived.valuation": {
        **dict.fromkeys(("members", "members_with_earnings", "loss_makers"), 0),
        **dict.fromkeys(("market_value_usd", "net_income_ttm_usd", "revenue_ttm_usd"), 0),
        **{"net_income_ttm_ex_losers_usd": 0, "earnings_coverage_pct": 80, "sector": "All"},
        **{"sales_coverage_pct": 80, "membership_as_of": date(2020, 1, 1), "is_backcast": False},
    },
    "derived.seasonality": {
        **{"season": "january", "year": 2026, "excess_return": 0},
        **{"base_session": date(2025, 12, 31), "last_session": date(2026, 1, 30)},
        "known_from": date(2026, 1, 30),
    },
    "derived.rate_sensitivity": {
        **dict.fromkeys(("n_dgs2_63", "n_dgs2_252", "n_dgs10_63", "n_dgs10_252"), 0),
        **{"kind": "fund", "session_date": date(2026, 2, 13)},
    },
    "derived.release_reaction": {},
    "derived.macro_regime": {},
}


def write_rows(connection: Connection, table: str, rows: Iterable[Row]) -> None:
    """Writes rows of columns to values; tickers become instruments where the table has those."""
    by_columns: dict[tuple[str, ...], list[Row]] = {}
    for given in rows:
        row = dict(DEFAULTS[table]) | dict(given)
        if table == "core.daily_price":
            row["instrument_id"] = _instrument(connection, row.pop("ticker"))
        if table == "core.index_membership":
            row["instrument_id"] = _instrument(connection, row["ticker"])
        if row.get("total_debt_usd") is not None:
            row["total_debt_confidence"] = "sure"
        row |= {"loaded_at": "2026-03-01", "run_id": 1}
        by_columns.setdefault(tuple(row), []).append(row)
    for columns, alike in by_columns.items():
        insert = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(*table.split(".")),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(map(sql.Placeholder, columns)),
        )
        connection.cursor().executemany(insert, alike)


def _instrument(connection: Connection, ticker: str) -> int:
    find = "select instrument_id from core.ticker where ticker = %s"
    if found := connection.execute(find, (ticker,)).fetchone():
        return int(found[0])
    new = connection.execute(
        "insert into core.instrument (first_ticker) values (%s) returning instrument_id", (ticker,)
    ).fetchone()
    assert new is not None
    connection.execute(
        "insert into core.ticker (ticker, instrument_id) values (%s, %s)", (ticker, new[0])
    )
    return int(new[0])
