"""Gives staged rows the warehouse's own key: which instrument each row's ticker stands for."""

from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Contract
from expectations.tables import daily_price
from warehouse.connect import arrow
from warehouse.merge.ticker_map import CURRENT_MAPPING_SQL, MAPPING_ON_DATE_SQL, TickerMapWriter
from warehouse.merge.ticker_renames import find_renames
from warehouse.merge.ticker_reuse import extend_valid_from, find_reuses


def resolve(
    connection: adbc.Connection, contract: Contract, incoming: str, run_id: int, instant: str
) -> str:
    """Resolves the tickers of staged rows; the caller holds the locks that `merge.begin` takes.

    Bars may reveal that a symbol was renamed or reused: the map then changes, and the memberships
    that were loaded under the symbol change with it, in the same transaction, as does what the
    SEC's list is taken to say of the members.

    Returns:
        The relation of the rows with their `instrument_id`, one per key.
    """
    writing = TickerMapWriter(connection, run_id, instant)
    writing.insert_missing_tickers(incoming)
    if contract.table == daily_price.CONTRACT.table:
        touched = [
            *find_reuses(writing, incoming),
            *find_renames(writing, incoming),
            *extend_valid_from(writing, incoming),
        ]
        if touched:
            writing.reassign_memberships(touched)
            writing.record_filer_change(touched)
    if "ticker" in contract.column_names:
        return _resolve_by_day(writing, contract, incoming)
    return _resolve_by_company(connection, contract, incoming)


def _resolve_by_company(connection: adbc.Connection, contract: Contract, incoming: str) -> str:
    """Rows of vendors' replies: all rows of a ticker are the company's that has it now."""
    arrow.execute(
        connection,
        f"""
        create temporary table named_{contract.table} on commit drop as
        select listing.ticker, names.instrument_id,
            row_number() over (partition by names.instrument_id order by names.valid_from desc)
                as turn
        from (select distinct ticker from {incoming}) as listing
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="listing.ticker")} as names
        """,
    )
    # a batch that holds an instrument under two of its symbols: the newer one's rows count
    same_key = " and ".join(
        f"newer.{name} = incoming.{name}"
        for name in contract.natural_key_or_key
        if name != "ticker"
    )
    arrow.execute(
        connection,
        f"""
        create temporary table resolved_{contract.table} on commit drop as
        select named.instrument_id, incoming.*
        from {incoming} as incoming
        join named_{contract.table} as named using (ticker)
        where named.turn = 1 or not exists (
            select
            from named_{contract.table} as other
            join {incoming} as newer on newer.ticker = other.ticker
            where other.instrument_id = named.instrument_id and other.turn < named.turn
                and {same_key}
        )
        """,
    )
    return f"resolved_{contract.table}"


def _resolve_by_day(writing: TickerMapWriter, contract: Contract, incoming: str) -> str:
    """Rows of files that name companies as they were called on the file's day.

    A file that names one instrument by two symbols means two companies: the symbol that was not in
    force that day gets an instrument of its own for the time in which it named none.
    """
    day = _day(contract)
    names = MAPPING_ON_DATE_SQL.format(ticker="incoming.ticker", day=f"incoming.{day}")
    snapshot = ", ".join(name for name in contract.natural_key_or_key if name != "ticker")
    resolved = f"resolved_{contract.table}"
    arrow.execute(
        writing.connection,
        f"""
        create temporary table {resolved} on commit drop as
        select names.instrument_id, incoming.*, names.is_exact,
            row_number() over (
                partition by names.instrument_id, {snapshot}
                order by names.is_exact desc, names.valid_from desc
            ) as turn
        from {incoming} as incoming cross join lateral {names} as names
        """,
    )
    unmatched_tickers = arrow.read(
        writing.connection,
        f"""
        select stranger.ticker,
            coalesce(
                (
                    select max(valid_to) from core.ticker as held
                    where held.ticker = stranger.ticker and held.valid_to <= stranger.{day}
                ),
                '-infinity'
            )::text as valid_from,
            coalesce(
                (
                    select min(valid_from) from core.ticker as held
                    where held.ticker = stranger.ticker and held.valid_from > stranger.{day}
                ),
                'infinity'
            )::text as valid_to
        from {resolved} as stranger
        where turn > 1 and not is_exact
        group by 1, 2, 3
        """,
    )
    for ticker, valid_from, valid_to in unmatched_tickers.iter_rows():
        writing.insert_new_instrument(ticker, valid_from, valid_to)
    if len(unmatched_tickers):
        arrow.execute(writing.connection, f"drop table {resolved}")
        return _resolve_by_day(writing, contract, incoming)
    return resolved


def _day(contract: Contract) -> str:
    return next(c.name for c in contract.columns if c.name in contract.key and c.sql_type == "date")
