"""Reads what tables of refinancing are made of: facts, members with their filers, rates, days."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Contract
from tasks.derive.debt.rates import Rates, required_series
from tasks.derive.incremental.changes import ChangeSet, read_watermarks
from tasks.derive.refinancing.company_row import IndexListing
from tasks.derive.xbrl.facts import Fact
from warehouse.connect import arrow
from warehouse.reference import read_reference

ALL_COMPANIES = "everyone"
MIN_DATE_SQL = "date '0001-01-01'"
# All that the list ever said of the members that a symbol named, under whatever symbol. The first
# word of a member holds for all days before it.
CHANGED_FILERS_SQL = f"""
with symbol as (
    select ticker, instrument_id from core.ticker
    union
    select ticker, instrument_id from history.ticker
),
member as (
    select change.item, change.from_date, symbol.instrument_id
    from change join symbol on symbol.ticker = change.item
    where exists (
        select from derived.loaded_index join core.index_membership as listed using (index_code)
        where listed.instrument_id = symbol.instrument_id
    )
),
named as (
    select ticker, cik from core.company_ticker
    union
    select ticker, cik from history.company_ticker
)
select named.cik::text as subject, case
    when member.from_date <= (
        select min(known_from) from derived.instrument_cik as filer
        where filer.instrument_id = member.instrument_id
    ) then {MIN_DATE_SQL}
    else member.from_date
end as first_date
from member
join symbol using (instrument_id)
join named on named.ticker = symbol.ticker
"""
CHANGED_FACTS_SQL = "select item as subject, from_date as first_date from change"
COMPANY_BATCH_SIZE = 200
FIRST_QUARTER = date(2009, 3, 31)


def quarterly_inputs(table: str) -> dict[str, str]:
    """The inputs of a table by quarter-end, one company at a time.

    A session that is past a quarter-end that has no rows yet brings it; prices do nothing else.
    """
    series = ", ".join(f"'{name}'" for name in required_series())
    return {
        "company_fact": CHANGED_FACTS_SQL,
        "company": f"select item as subject, {MIN_DATE_SQL} as first_date from change",
        "company_ticker": CHANGED_FILERS_SQL,
        # days before the first snapshot was known have its members
        "index_membership": f"""
            select '{ALL_COMPANIES}' as subject, case
                when from_date <= (
                    select max(first) from (
                        select min(known_from) as first from core.index_membership
                        group by index_code
                    ) as known
                ) then {MIN_DATE_SQL}
                else from_date
            end as first_date
            from change
        """,
        "macro_observation": f"""
            select '{ALL_COMPANIES}' as subject, from_date as first_date from change
            where item in ({series})
        """,
        "daily_price": f"""
            select '{ALL_COMPANIES}' as subject, newest + 1 as first_date
            from (
                select coalesce(max(as_of_date), {MIN_DATE_SQL}) as newest from derived.{table}
            ) as held
            where exists (select from change)
                and (select max(session_date) from core.daily_price) > newest
        """,
    }


def read_quarter_ends(connection: adbc.Connection) -> list[date]:
    """The calendar quarter-ends from the first that facts are known for to the newest session."""
    days = arrow.read(
        connection,
        """
        select
            (select min(known_from) from core.company_fact) as first,
            coalesce(
                (select max(session_date) from core.daily_price),
                (select max(known_from) from core.company_fact)
            ) as last
        """,
    ).row(0)
    if None in days:
        return []
    ends, year = [], max(days[0].year, FIRST_QUARTER.year)
    while year <= days[1].year:
        firsts = [date(year, month, 1) for month in (4, 7, 10)] + [date(year + 1, 1, 1)]
        ends += [first - timedelta(days=1) for first in firsts]
        year += 1
    return [end for end in ends if days[0] <= end <= days[1]]


def read_companies(connection: adbc.Connection, changes: ChangeSet) -> dict[int, date]:
    """The companies that changes reach, and from which day on."""
    everyone = changes.dirty_from.get(ALL_COMPANIES)
    starts = {int(cik): day for cik, day in changes.dirty_from.items() if cik != ALL_COMPANIES}
    if everyone is not None:
        held = arrow.read(connection, "select distinct cik from core.company_fact")["cik"]
        starts |= {cik: min(everyone, starts.get(cik, everyone)) for cik in held}
    return dict(sorted(starts.items()))


def read_facts(
    connection: adbc.Connection, companies: Sequence[int], tags: Sequence[str]
) -> Iterator[tuple[int, list[Fact]]]:
    """The facts of companies under some tags, a company at a time, in the companies' order."""
    names = ", ".join(f"'{tag}'" for tag in sorted(tags))
    for at in range(0, len(companies), COMPANY_BATCH_SIZE):
        batch = companies[at : at + COMPANY_BATCH_SIZE]
        rows = arrow.read(
            connection,
            f"""
            select
                cik, tag, period_start, period_end, value, accession_number, form, fiscal_period,
                filed_date, known_from
            from core.company_fact
            where cik in ({", ".join(map(str, batch))}) and tag in ({names})
            """,
        )
        by_company = {int(key[0]): part.drop("cik") for key, part in rows.group_by("cik")}
        for cik in batch:
            part = by_company.get(cik)
            yield cik, [] if part is None else [Fact(*row) for row in part.iter_rows()]


def read_company_profiles(connection: adbc.Connection) -> dict[int, tuple[str | None, str | None]]:
    """Company to the end of its fiscal year, MMDD, and its industry, as it says itself."""
    rows = arrow.read(connection, "select cik, fiscal_year_end, sic from core.company")
    return {cik: (month_day, sic) for cik, month_day, sic in rows.iter_rows()}


def read_rates(connection: adbc.Connection) -> Rates:
    """The rates that are needed, every vintage."""
    names = ", ".join(f"'{name}'" for name in required_series())
    vintages = arrow.read(
        connection,
        f"""
        select series_id, observation_date, vintage_date, value from core.macro_observation
        where series_id in ({names}) and observation_date >= '{FIRST_QUARTER.year - 4}-01-01'
        """,
    )
    return Rates(vintages)


class IndexMembership:
    """Who is in which index on a day, with the SEC's numbers of the filers."""

    def __init__(self, snapshots: pl.DataFrame, filers: pl.DataFrame) -> None:
        """Takes all snapshots and all that the SEC's list of tickers ever said of members.

        Args:
            snapshots: `index_code`, `as_of_date`, `known_from`, `instrument_id`, `ticker`, `name`,
                `sector`, `weight_pct`.
            filers: `instrument_id`, `known_from`, `cik`, as `derived.instrument_cik` has them.
        """
        self._snapshots = {str(key[0]): rows for key, rows in snapshots.group_by("index_code")}
        self._ciks: dict[int, list[tuple[date, int]]] = {}
        for instrument, known_from, cik in filers.sort("instrument_id", "known_from").iter_rows():
            self._ciks.setdefault(instrument, []).append((known_from, cik))
        self._on: dict[date, dict[int, IndexListing]] = {}

    @property
    def indexes(self) -> list[str]:
        """The indexes that have members, in fund.csv's order."""
        return [code for code in read_reference("fund")["index_code"] if code in self._snapshots]

    def cik_of(self, instrument_id: int, day: date) -> int | None:
        """The filer behind a member on a day; before the list was first seen, its first word."""
        mappings = self._ciks.get(instrument_id)
        if not mappings:
            return None
        known = [cik for known_from, cik in mappings if known_from <= day]
        return known[-1] if known else mappings[0][1]

    def listed(self, index_code: str, day: date) -> tuple[pl.DataFrame, bool]:
        """The snapshot of an index in force on a day, and whether it was not known yet then.

        Returns:
            The snapshot's rows with `cik`, by descending weight; and `is_backcast`.
        """
        rows = self._snapshots[index_code]
        known = rows.filter(pl.col("known_from") <= day)
        if known.is_empty():
            first = rows.sort("known_from", "as_of_date", descending=[False, True]).head(1)
            as_of_date = first["as_of_date"][0]
        else:
            as_of_date = known["as_of_date"].max()
        found = rows.filter(pl.col("as_of_date") == as_of_date)
        ciks = [self.cik_of(instrument, day) for instrument in found["instrument_id"]]
        found = found.with_columns(pl.Series("cik", ciks, dtype=pl.Int32))
        return found.sort(["weight_pct", "ticker"], descending=[True, False]), known.is_empty()

    def on(self, day: date) -> dict[int, IndexListing]:
        """Filer to its line in the first index that lists it."""
        if day not in self._on:
            found: dict[int, IndexListing] = {}
            for code in self.indexes:
                rows, is_backcast = self.listed(code, day)
                for cik, instrument, ticker, name, sector in rows.select(
                    "cik", "instrument_id", "ticker", "name", "sector"
                ).iter_rows():
                    if cik is not None and cik not in found:
                        found[cik] = IndexListing(
                            code, ticker, name, sector, is_backcast, instrument
                        )
            self._on[day] = found
        return self._on[day]

    def of(self, cik: int) -> Callable[[date], IndexListing]:
        """A company's line by day."""
        nobody = IndexListing(None, None, None, None, False)
        return lambda day: self.on(day).get(cik, nobody)


def read_members(connection: adbc.Connection, days: Sequence[date]) -> IndexMembership:
    """The members of all indexes on some days: the snapshots in force then, of all that there are.

    Args:
        connection: In the transaction in which the rest is read.
        days: One or more.
    """
    values = ", ".join(f"(date '{day:%Y-%m-%d}')" for day in days)
    return IndexMembership(
        arrow.read(
            connection,
            f"""
            with wanted as (
                select distinct held.index_code, coalesce(known.as_of_date, first.as_of_date)
                    as as_of_date
                from derived.loaded_index as held
                cross join (values {values}) as asked(day)
                cross join lateral (
                    select as_of_date from core.index_membership
                    where index_code = held.index_code
                    order by known_from, as_of_date desc limit 1
                ) as first
                left join lateral (
                    select max(as_of_date) as as_of_date from core.index_membership
                    where index_code = held.index_code and known_from <= asked.day
                ) as known on true
            )
            select
                index_code, as_of_date, member.known_from, member.instrument_id, member.ticker,
                member.name, member.sector, member.weight_pct
            from wanted join core.index_membership as member using (index_code, as_of_date)
            """,
        ),
        arrow.read(connection, "select instrument_id, known_from, cik from derived.instrument_cik"),
    )


def cap_watermarks(
    connection: adbc.Connection, changes: ChangeSet, upstream: Mapping[str, Mapping[str, str]]
) -> ChangeSet:
    """Changes of inputs that derived tables have followed already, for a table made of these.

    What they have not followed yet stays to be followed here, too.

    Args:
        connection: In the transaction in which the derived tables are read.
        changes: Of the table's own inputs.
        upstream: The derived tables that it is made of, with their inputs.
    """
    until = dict(changes.to_watermark)
    for table, inputs in upstream.items():
        for name, number in read_watermarks(connection, table, inputs).items():
            until[name] = min(until[name], number)
    return ChangeSet(changes.from_watermark, until, changes.dirty_from)


def build_replace_where(starts: Mapping[int, date], condition: str = "") -> str:
    """SQL on `old`: the rows of companies from their first dirty day on."""
    by_day: dict[date, list[int]] = {}
    for cik, day in starts.items():
        by_day.setdefault(day, []).append(cik)
    parts = [
        f"(old.cik in ({', '.join(map(str, ciks))})"
        + (f" and old.{condition} >= '{day:%Y-%m-%d}')" if condition else ")")
        for day, ciks in sorted(by_day.items())
    ]
    return " or ".join(parts) or "false"


def polars_schema(contract: Contract) -> dict[str, pl.DataType]:
    """The Polars types of a contract's columns."""
    types: dict[str, pl.DataType] = {
        "text": pl.String(),
        "date": pl.Date(),
        "integer": pl.Int32(),
        "bigint": pl.Int64(),
        "boolean": pl.Boolean(),
    }
    return {c.name: types.get(c.sql_type, pl.Float64()) for c in contract.columns}
