"""Read the dated ticker map, core.ticker, in SQL, and write it with history.

A provider's reply about a ticker describes the company that has the ticker now. So bars and
actions of any date belong to the instrument of the ticker's newest row (`CURRENT_MAPPING_SQL`). A
holdings file names companies by their tickers on its own date (`MAPPING_ON_DATE_SQL`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from adbc_driver_postgresql import dbapi as adbc

from warehouse.connect import arrow

# Both are lateral subqueries; {ticker} is replaced by a column.
CURRENT_MAPPING_SQL = """(
    select instrument_id, valid_from, valid_to from core.ticker_instrument
    where ticker_instrument.ticker = {ticker} and counts_to = 'infinity'
)"""
# core.ticker_instrument has no gaps: a file may name a ticker before or after the map does.
MAPPING_ON_DATE_SQL = """(
    select instrument_id, valid_from, valid_to, valid_from <= {day} and {day} < valid_to as is_exact
    from core.ticker_instrument
    where ticker_instrument.ticker = {ticker} and counts_from <= {day} and {day} < counts_to
)"""
_ONE_ROW = "ticker = $3 and valid_from = $4::date"


@dataclass(frozen=True)
class TickerMapWriter:
    """Writes the ticker map within a merge.

    Attributes:
        connection: A connection of the loader, in its transaction.
        run_id: The run that loads.
        loaded_at: The time that `merge.lock_tables` returned. Rows with this `loaded_at` were
            added in this transaction, so no reader has seen them.
    """

    connection: adbc.Connection
    run_id: int
    loaded_at: str

    def insert_missing_tickers(self, tickers: str) -> None:
        """Insert a new instrument for every ticker that the map lacks.

        Args:
            tickers: An SQL relation with a column `ticker`.
        """
        self._execute(
            f"""
            with inserted as (
                insert into core.instrument (first_ticker)
                select distinct ticker from {tickers} as incoming
                where not exists (
                    select from core.ticker where core.ticker.ticker = incoming.ticker
                )
                order by ticker
                returning instrument_id, first_ticker
            )
            insert into core.ticker (ticker, instrument_id, loaded_at, run_id)
            select first_ticker, instrument_id, $1::timestamptz, $2 from inserted
            """
        )

    def insert_row(self, ticker: str, valid_from: str, valid_to: str, instrument_id: int) -> None:
        """Insert a row into the map."""
        self._execute(
            """
            insert into core.ticker
                (loaded_at, run_id, ticker, valid_from, valid_to, instrument_id)
            values ($1::timestamptz, $2, $3, $4::date, $5::date, $6)
            """,
            *(ticker, valid_from, valid_to, instrument_id),
        )

    def insert_new_instrument(
        self, ticker: str, valid_from: str, valid_to: str = "infinity"
    ) -> None:
        """Insert a row into the map for a new instrument."""
        inserted = arrow.read(
            self.connection,
            "insert into core.instrument (first_ticker) values ($1) returning instrument_id",
            (ticker,),
        )
        self.insert_row(ticker, valid_from, valid_to, int(inserted["instrument_id"][0]))

    def close_validity(self, ticker: str, valid_from: str, valid_to: str) -> None:
        """End a row's validity before a day; delete the row if no day would be left."""
        self._archive_rows(_ONE_ROW, ticker, valid_from)
        arrow.execute(
            self.connection,
            """
            delete from core.ticker
            where ticker = $1 and valid_from = $2::date and valid_from >= $3::date
            """,
            (ticker, valid_from, valid_to),
        )
        self._execute(
            f"""
            update core.ticker set loaded_at = $1::timestamptz, run_id = $2, valid_to = $5::date
            where {_ONE_ROW}
            """,
            *(ticker, valid_from, valid_to),
        )

    def set_valid_from(self, ticker: str, valid_from: str, new_valid_from: str) -> None:
        """Move the first day of a row of the map."""
        self._archive_rows(_ONE_ROW, ticker, valid_from)
        self._execute(
            f"""
            update core.ticker set loaded_at = $1::timestamptz, run_id = $2, valid_from = $5::date
            where {_ONE_ROW}
            """,
            *(ticker, valid_from, new_valid_from),
        )

    def remove_instrument(self, instrument_id: int) -> None:
        """Remove an instrument without bars from the map; its rows and actions go to history.

        The bars that identify the instrument come with its actions, which are loaded again.
        `reassign_memberships` moves its memberships.
        """
        self._archive_rows("instrument_id = $3", instrument_id)
        self._execute(
            """
            insert into history.corporate_action
            select corporate_action.*, $1::timestamptz, $2
            from core.corporate_action where instrument_id = $3
            """,
            instrument_id,
        )
        for statement in (
            "delete from core.ticker where instrument_id = $1",
            "delete from core.corporate_action where instrument_id = $1",
            "delete from derived.adjustment_factor where instrument_id = $1",
            # only an instrument of this transaction, which no reader has seen
            """
            delete from core.instrument
            where instrument_id = $1 and xmin = pg_current_xact_id()::xid
            """,
        ):
            arrow.execute(self.connection, statement, (instrument_id,))

    def reassign_memberships(self, tickers: Iterable[str]) -> None:
        """Give memberships of these tickers the instruments of the changed map.

        The former rows go to history, and `audit.change` has derived tables recomputed.
        """
        mapping = MAPPING_ON_DATE_SQL.format(ticker="stored.ticker", day="stored.as_of_date")
        arrow.create_temporary(
            self.connection,
            "reassigned",
            f"""
            select stored.index_code, stored.as_of_date, stored.known_from,
                stored.instrument_id as old_id, mapping.instrument_id as new_id
            from core.index_membership as stored
            cross join lateral {mapping} as mapping
            where stored.ticker = any (string_to_array($1, ','))
                and mapping.instrument_id <> stored.instrument_id
                and not exists (
                    select from core.index_membership as other
                    where other.index_code = stored.index_code
                        and other.as_of_date = stored.as_of_date
                        and other.instrument_id = mapping.instrument_id
                )
            """,
            (",".join(tickers),),
        )
        on = """
            stored.index_code = new.index_code and stored.as_of_date = new.as_of_date
            and stored.instrument_id = new.old_id
        """
        for statement in (
            f"""
            insert into history.index_membership
            select stored.*, $1::timestamptz, $2
            from core.index_membership as stored join reassigned as new on {on}
            """,
            f"""
            update core.index_membership as stored
            set instrument_id = new.new_id, loaded_at = $1::timestamptz, run_id = $2
            from reassigned as new where {on}
            """,
            """
            insert into audit.load
                (loaded_at, run_id, table_name, rows_new, rows_changed, rows_same, rows_removed)
            select $1::timestamptz, $2, 'core.index_membership', 0, count(*), 0, 0
            from reassigned having count(*) > 0
            """,
        ):
            self._execute(statement)
        arrow.execute(
            self.connection,
            """
            insert into audit.change (table_name, instrument_id, from_date, run_id)
            select 'index_membership', changed.instrument_id, min(known_from), $1
            from reassigned
            cross join lateral (values (old_id), (new_id)) as changed (instrument_id)
            group by changed.instrument_id
            """,
            (self.run_id,),
        )
        arrow.execute(self.connection, "drop table reassigned")

    def record_filer_change(self, tickers: Iterable[str]) -> None:
        """Record that the SEC's list means other members by these tickers, on any date."""
        arrow.execute(
            self.connection,
            """
            insert into audit.change (table_name, item, from_date, run_id)
            select distinct 'company_ticker', ticker, date '0001-01-01', $1
            from core.company_ticker where ticker = any (string_to_array($2, ','))
            """,
            (self.run_id, ",".join(tickers)),
        )

    def _archive_rows(self, condition: str, *parameters: str | int) -> None:
        """Copy rows of the map to history, except rows of this transaction.

        Args:
            condition: SQL whose parameters begin with `$3`.
            *parameters: Their values.
        """
        self._execute(
            f"""
            insert into history.ticker
            select core.ticker.*, $1::timestamptz, $2 from core.ticker
            where {condition} and loaded_at < $1::timestamptz
            """,
            *parameters,
        )

    def _execute(self, statement: str, *parameters: str | int) -> None:
        """Run a statement with `loaded_at` as `$1` and the run's id as `$2`."""
        arrow.execute(self.connection, statement, (self.loaded_at, self.run_id, *parameters))
