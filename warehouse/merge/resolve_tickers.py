"""Resolve the tickers of staged rows to the warehouse's instruments."""

from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Contract
from warehouse.connect import arrow
from warehouse.merge.ticker_map import CURRENT_MAPPING_SQL, MAPPING_ON_DATE_SQL, TickerMapWriter
from warehouse.merge.ticker_renames import find_renames
from warehouse.merge.ticker_reuse import extend_valid_from, find_reuses


def resolve(
    connection: adbc.Connection, contract: Contract, incoming: str, run_id: int, loaded_at: str
) -> str:
    """Resolve the tickers of staged rows; the caller has called `merge.lock_tables`.

    Bars can show that a ticker was renamed or reused. The ticker map then changes, and in the same
    transaction the memberships stored under the ticker and the filers of its members.

    Returns:
        The relation of the rows with their `instrument_id`, one row per key.
    """
    writer = TickerMapWriter(connection, run_id, loaded_at)
    writer.insert_missing_tickers(incoming)
    if contract.identity_columns:
        same_bar = contract.repeats_identity
        changed = [
            *find_reuses(writer, incoming, same_bar),
            *find_renames(writer, incoming, same_bar),
            *extend_valid_from(writer, incoming),
        ]
        if changed:
            writer.reassign_memberships(changed)
            writer.record_filer_change(changed)
    if "ticker" in contract.column_names:
        return _resolve_by_day(writer, contract, incoming)
    return _resolve_by_company(connection, contract, incoming)


def _resolve_by_company(connection: adbc.Connection, contract: Contract, incoming: str) -> str:
    """Resolve a provider's rows: all rows of a ticker belong to the company that has it now."""
    arrow.create_temporary(
        connection,
        f"mapped_{contract.table}",
        f"""
        select listing.ticker, mapping.instrument_id,
            row_number() over (
                partition by mapping.instrument_id order by mapping.valid_from desc
            ) as rank
        from (select distinct ticker from {incoming}) as listing
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="listing.ticker")} as mapping
        """,
    )
    # a batch may have an instrument under two of its tickers: the newer ticker's rows count
    same_key = " and ".join(
        f"newer.{name} = incoming.{name}"
        for name in contract.natural_key_or_key
        if name != "ticker"
    )
    arrow.create_temporary(
        connection,
        f"resolved_{contract.table}",
        f"""
        select mapped.instrument_id, incoming.*
        from {incoming} as incoming
        join mapped_{contract.table} as mapped using (ticker)
        where mapped.rank = 1 or not exists (
            select
            from mapped_{contract.table} as other
            join {incoming} as newer on newer.ticker = other.ticker
            where other.instrument_id = mapped.instrument_id and other.rank < mapped.rank
                and {same_key}
        )
        """,
    )
    return f"resolved_{contract.table}"


def _resolve_by_day(writer: TickerMapWriter, contract: Contract, incoming: str) -> str:
    """Resolve rows of dated files by the ticker map on the file's date.

    Two tickers of one instrument in one file mean two companies. The ticker without a mapping on
    that date gets a new instrument for the period in which the map has no row for it.
    """
    date_column = _date_column(contract)
    mapping = MAPPING_ON_DATE_SQL.format(ticker="incoming.ticker", day=f"incoming.{date_column}")
    snapshot = ", ".join(name for name in contract.natural_key_or_key if name != "ticker")
    resolved = f"resolved_{contract.table}"
    arrow.create_temporary(
        writer.connection,
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
        writer.connection,
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
        arrow.execute(writer.connection, f"drop table {resolved}")
        return _resolve_by_day(writer, contract, incoming)
    return resolved


def _date_column(contract: Contract) -> str:
    return next(c.name for c in contract.columns if c.name in contract.key and c.sql_type == "date")
