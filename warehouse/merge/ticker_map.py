"""The dated ticker map, core.ticker: reading it in SQL, and writing it with history.

A vendor's reply about a ticker is about one company, the one that has the symbol now. So bars and
actions belong to the instrument that the ticker's newest row names (`NEWEST`), whatever their
date. A holdings file names companies as they were called on its day (`IN_FORCE`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from adbc_driver_postgresql import dbapi as adbc

from warehouse.connect import arrow

# Both are lateral subqueries about the column put in for {ticker}.
CURRENT_MAPPING_SQL = """(
    select instrument_id, valid_from, valid_to from core.ticker_instrument
    where ticker_instrument.ticker = {ticker} and counts_to = 'infinity'
)"""
# A file may run ahead of the map or lag behind it: core.ticker_instrument has no gaps.
MAPPING_ON_DATE_SQL = """(
    select instrument_id, valid_from, valid_to, valid_from <= {day} and {day} < valid_to as is_exact
    from core.ticker_instrument
    where ticker_instrument.ticker = {ticker} and counts_from <= {day} and {day} < counts_to
)"""


@dataclass(frozen=True)
class TickerMapWriter:
    """A merge's hold on the map.

    Attributes:
        connection: Of the loader, in its transaction.
        run_id: The run that loads.
        instant: What `merge.begin` returned. Rows that already carry it were made in this
            transaction, so that nobody has seen them.
    """

    connection: adbc.Connection
    run_id: int
    instant: str

    def insert_missing_tickers(self, tickers: str) -> None:
        """Gives every ticker that the map lacks an instrument of its own.

        Args:
            tickers: An SQL relation with a column `ticker`.
        """
        arrow.execute(
            self.connection,
            f"""
            with made as (
                insert into core.instrument (first_ticker)
                select distinct ticker from {tickers} as incoming
                where not exists (
                    select from core.ticker where core.ticker.ticker = incoming.ticker
                )
                order by ticker
                returning instrument_id, first_ticker
            )
            insert into core.ticker (ticker, instrument_id, loaded_at, run_id)
            select first_ticker, instrument_id, '{self.instant}', {self.run_id} from made
            """,
        )

    def name(self, ticker: str, valid_from: str, valid_to: str, instrument_id: int) -> None:
        """Adds a row to the map."""
        arrow.execute(
            self.connection,
            f"""
            insert into core.ticker
                (ticker, valid_from, valid_to, instrument_id, loaded_at, run_id)
            values ('{ticker}', '{valid_from}', '{valid_to}', {instrument_id}, '{self.instant}',
                {self.run_id})
            """,
        )

    def insert_new_instrument(
        self, ticker: str, valid_from: str, valid_to: str = "infinity"
    ) -> None:
        """Adds a row to the map that names a new instrument."""
        made = arrow.read(
            self.connection,
            f"insert into core.instrument (first_ticker) values ('{ticker}')"
            " returning instrument_id",
        )
        self.name(ticker, valid_from, valid_to, int(made["instrument_id"][0]))

    def end(self, ticker: str, valid_from: str, valid_to: str) -> None:
        """Ends a row of the map before a day; one that would name nothing any more goes."""
        which = f"ticker = '{ticker}' and valid_from = '{valid_from}'"
        self._archive_rows(which)
        arrow.execute(
            self.connection, f"delete from core.ticker where {which} and valid_from >= '{valid_to}'"
        )
        arrow.execute(
            self.connection,
            f"""
            update core.ticker
            set valid_to = '{valid_to}', loaded_at = '{self.instant}', run_id = {self.run_id}
            where {which}
            """,
        )

    def set_valid_from(self, ticker: str, valid_from: str, day: str) -> None:
        """Lets a row of the map begin on another day."""
        which = f"ticker = '{ticker}' and valid_from = '{valid_from}'"
        self._archive_rows(which)
        arrow.execute(
            self.connection,
            f"""
            update core.ticker
            set valid_from = '{day}', loaded_at = '{self.instant}', run_id = {self.run_id}
            where {which}
            """,
        )

    def remove_instrument(self, instrument_id: int) -> None:
        """Takes an instrument without bars off the map; what hangs on it goes to history.

        Its actions come again with the bars that told whose they are. Its memberships are
        re-pointed by `repoint_members`.
        """
        self._archive_rows(f"instrument_id = {instrument_id}")
        held = f"from core.corporate_action where instrument_id = {instrument_id}"
        for statement in (
            f"delete from core.ticker where instrument_id = {instrument_id}",
            "insert into history.corporate_action"
            f" select corporate_action.*, '{self.instant}', {self.run_id} {held}",
            f"delete {held}",
            f"delete from derived.adjustment_factor where instrument_id = {instrument_id}",
            # nobody has seen one that was made in this transaction
            f"""
            delete from core.instrument
            where instrument_id = {instrument_id} and xmin = pg_current_xact_id()::xid
            """,
        ):
            arrow.execute(self.connection, statement)

    def reassign_memberships(self, tickers: Iterable[str]) -> None:
        """Gives memberships under these tickers the instruments that the map now says.

        The row as it was goes to history, and derived tables are told to follow.
        """
        named = ", ".join(f"'{ticker}'" for ticker in sorted(set(tickers)))
        names = MAPPING_ON_DATE_SQL.format(ticker="held.ticker", day="held.as_of_date")
        arrow.execute(
            self.connection,
            f"""
            create temporary table repointed as
            select held.index_code, held.as_of_date, held.known_from,
                held.instrument_id as old_id, names.instrument_id as new_id
            from core.index_membership as held
            cross join lateral {names} as names
            where held.ticker in ({named}) and names.instrument_id <> held.instrument_id
                and not exists (
                    select from core.index_membership as taken
                    where taken.index_code = held.index_code
                        and taken.as_of_date = held.as_of_date
                        and taken.instrument_id = names.instrument_id
                )
            """,
        )
        on = "held.index_code = new.index_code and held.as_of_date = new.as_of_date"
        for statement in (
            f"""
            insert into history.index_membership
            select held.*, '{self.instant}', {self.run_id}
            from core.index_membership as held
            join repointed as new on {on} and held.instrument_id = new.old_id
            """,
            f"""
            update core.index_membership as held
            set instrument_id = new.new_id, loaded_at = '{self.instant}', run_id = {self.run_id}
            from repointed as new where {on} and held.instrument_id = new.old_id
            """,
            f"""
            insert into audit.change (table_name, instrument_id, from_date, run_id)
            select 'index_membership', touched.instrument_id, min(known_from), {self.run_id}
            from repointed
            cross join lateral (values (old_id), (new_id)) as touched (instrument_id)
            group by touched.instrument_id
            """,
            f"""
            insert into audit.load
                (run_id, table_name, rows_new, rows_changed, rows_same, rows_removed, loaded_at)
            select {self.run_id}, 'core.index_membership', 0, count(*), 0, 0, '{self.instant}'
            from repointed having count(*) > 0
            """,
            "drop table repointed",
        ):
            arrow.execute(self.connection, statement)

    def record_filer_change(self, tickers: Iterable[str]) -> None:
        """Tells derived tables that the SEC's list means other members by these tickers now.

        Which days that moves is not told: all.
        """
        named = ", ".join(f"'{ticker}'" for ticker in sorted(set(tickers)))
        arrow.execute(
            self.connection,
            f"""
            insert into audit.change (table_name, item, from_date, run_id)
            select distinct 'company_ticker', ticker, date '0001-01-01', {self.run_id}
            from core.company_ticker where ticker in ({named})
            """,
        )

    def _archive_rows(self, which: str) -> None:
        """Copies rows of the map to history, save those made in this transaction."""
        arrow.execute(
            self.connection,
            f"""
            insert into history.ticker
            select core.ticker.*, '{self.instant}', {self.run_id} from core.ticker
            where {which} and loaded_at < '{self.instant}'
            """,
        )
