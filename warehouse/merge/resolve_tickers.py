"""Resolve the tickers of a batch to the warehouse's instruments."""

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Contract
from warehouse.connect import arrow
from warehouse.merge.ticker_map import CURRENT_MAPPING_SQL, MAPPING_ON_DATE_SQL, TickerMapWriter
from warehouse.merge.ticker_renames import find_renames
from warehouse.merge.ticker_reuse import extend_valid_from, find_reuses
from warehouse.merge.ticker_search import TickerSearch


def resolve_by_company(
    connection: adbc.Connection,
    contract: Contract,
    batch: pl.DataFrame,
    run_id: int,
    loaded_at: str,
) -> pl.DataFrame:
    """Resolve a provider's rows to the companies that have the tickers now.

    Bars can show that a ticker was renamed or reused. The ticker map then changes, and in the same
    transaction the memberships stored under the ticker and the filers of its members. The temporary
    table `mapped_<table>` has the instrument of each ticker, and its first and last date.

    Args:
        connection: A connection of the loader, after `merge.lock_tables`.
        contract: The table's contract.
        batch: Rows with their `ticker`.
        run_id: The run that loads.
        loaded_at: The time that `lock_tables` returned.

    Returns:
        The rows with their `instrument_id`, one per key.
    """
    writer = TickerMapWriter(connection, run_id, loaded_at)
    ticker_dates = f"ticker_dates_{contract.table}"
    date = pl.col(_date_column(contract))
    dates = (date.min().alias("first_date"), date.max().alias("last_date"))
    arrow.stage(connection, ticker_dates, batch.group_by("ticker").agg(dates).to_arrow())
    writer.insert_missing_tickers(ticker_dates)
    if contract.identity_columns:
        search = TickerSearch(writer, contract, ticker_dates, batch)
        if changed := [*find_reuses(search), *find_renames(search), *extend_valid_from(search)]:
            writer.reassign_memberships(changed)
            writer.record_filer_change(changed)
    mapped = f"mapped_{contract.table}"
    arrow.create_temporary(
        connection,
        mapped,
        f"""
        select listing.*, mapping.instrument_id,
            row_number() over (
                partition by mapping.instrument_id order by mapping.valid_from desc
            ) as rank
        from {ticker_dates} as listing
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="listing.ticker")} as mapping
        """,
    )
    mapping = arrow.read(connection, f"select ticker, instrument_id, rank from {mapped}")
    rows = batch.join(mapping, on="ticker", maintain_order="left")
    # an instrument under two of its tickers: the newer ticker's rows count
    is_newest = pl.col("rank") == pl.col("rank").min().over(contract.key)
    return (rows.filter(is_newest) if (mapping["rank"] > 1).any() else rows).drop("rank")


def resolve_by_day(
    connection: adbc.Connection, contract: Contract, incoming: str, run_id: int, loaded_at: str
) -> str:
    """Resolve staged rows of dated files by the ticker map on the file's date.

    Two tickers of one instrument in one file mean two companies. The ticker without a mapping on
    that date gets a new instrument for the period in which the map has no row for it.

    Returns:
        The relation of the rows with their `instrument_id`, one row per key.
    """
    writer = TickerMapWriter(connection, run_id, loaded_at)
    writer.insert_missing_tickers(incoming)
    date_column = _date_column(contract)
    mapping = MAPPING_ON_DATE_SQL.format(ticker="incoming.ticker", day=f"incoming.{date_column}")
    snapshot = ", ".join(name for name in contract.natural_key_or_key if name != "ticker")
    resolved = f"resolved_{contract.table}"
    arrow.create_temporary(
        connection,
        resolved,
        f"""
        select mapping.instrument_id, incoming.*, mapping.is_exact,
            row_number() over (
                partition by mapping.instrument_id, {snapshot}
                order by mapping.is_exact desc, mapping.valid_from desc
            ) as rank
        from {incoming} as incoming cross join lateral {mapping} as mapping
        """,
    )
    unmatched_tickers = arrow.read(
        connection,
        f"""
        select unmatched.ticker,
            coalesce(
                (
                    select max(valid_to) from core.ticker as mapping
                    where mapping.ticker = unmatched.ticker
                        and mapping.valid_to <= unmatched.{date_column}
                ),
                '-infinity'
            )::text as valid_from,
            coalesce(
                (
                    select min(valid_from) from core.ticker as mapping
                    where mapping.ticker = unmatched.ticker
                        and mapping.valid_from > unmatched.{date_column}
                ),
                'infinity'
            )::text as valid_to
        from {resolved} as unmatched
        where rank > 1 and not is_exact
        group by 1, 2, 3
        """,
    )
    for ticker, valid_from, valid_to in unmatched_tickers.iter_rows():
        writer.insert_new_instrument(ticker, valid_from, valid_to)
    if len(unmatched_tickers):
        arrow.execute(connection, f"drop table {resolved}")
        return resolve_by_day(connection, contract, incoming, run_id, loaded_at)
    return resolved


def _date_column(contract: Contract) -> str:
    return next(c.name for c in contract.columns if c.name in contract.key and c.sql_type == "date")
