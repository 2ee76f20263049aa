"""Reads the inputs of the refinancing tables: quarter-ends, companies, facts and rates."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from tasks.derive.debt.rates import Rates, required_series
from tasks.derive.incremental.changes import ChangeSet
from tasks.derive.refinancing.inputs_sql import ALL_COMPANIES
from tasks.derive.xbrl.facts import Fact
from tasks.run.task_runner import has_task_runner
from warehouse.connect import arrow

COMPANY_BATCH_SIZE = 200
# a second or two of computation, so that the workers end together
COMPANY_SHARD_SIZE = 40
FIRST_QUARTER = date(2009, 3, 31)


def read_quarter_ends(connection: adbc.Connection, start: date) -> list[date]:
    """Return the quarter-ends from a day on, or from the first known facts, to the latest session.

    Args:
        connection: In the transaction in which the rest is read.
        start: The first day; facts known by then are found without reading all facts.
    """
    days = arrow.read(
        connection,
        """
        select
            case
                when exists (select from core.company_fact where known_from <= $1) then $1
                else (select min(known_from) from core.company_fact)
            end as first,
            coalesce(
                (select max(session_date) from core.daily_price),
                (select max(known_from) from core.company_fact)
            ) as last
        """,
        (start,),
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
    """Return the companies that changes reach, with the first day for each."""
    all_from = changes.dirty_from.get(ALL_COMPANIES)
    starts = {int(cik): day for cik, day in changes.dirty_from.items() if cik != ALL_COMPANIES}
    if all_from is not None:
        ciks = arrow.read(connection, "select distinct cik from core.company_fact")["cik"]
        starts |= {cik: min(all_from, starts.get(cik, all_from)) for cik in ciks}
    return dict(sorted(starts.items()))


def read_fact_shards(
    connection: adbc.Connection, companies: Sequence[int]
) -> Iterator[tuple[Sequence[int], pl.DataFrame]]:
    """Yield companies and the rows of all their facts, in shards for `map_shards`.

    All facts of a company are in one shard: which of its filings count depends on all.
    """
    size = COMPANY_SHARD_SIZE if has_task_runner() else COMPANY_BATCH_SIZE
    for at in range(0, len(companies), size):
        batch = companies[at : at + size]
        yield (
            batch,
            arrow.read(
                connection,
                f"""
                select
                    cik, tag, period_start, period_end, value, accession_number, form,
                    fiscal_period, filed_date, known_from
                from core.company_fact
                where cik in ({", ".join(map(str, batch))})
                """,
            ),
        )


def facts_by_company(
    rows: pl.DataFrame, companies: Iterable[int]
) -> Iterator[tuple[int, list[Fact]]]:
    """Yield each company with its facts among the rows of a shard."""
    by_company = {int(key[0]): part.drop("cik") for key, part in rows.group_by("cik")}
    for cik in companies:
        part = by_company.get(cik)
        yield cik, [] if part is None else [Fact(*row) for row in part.iter_rows()]


def read_company_profiles(connection: adbc.Connection) -> dict[int, tuple[str | None, str | None]]:
    """Return company to its fiscal year end (MMDD) and SIC code, as filed."""
    rows = arrow.read(connection, "select cik, fiscal_year_end, sic from core.company")
    return {cik: (month_day, sic) for cik, month_day, sic in rows.iter_rows()}


def read_rates(connection: adbc.Connection) -> Rates:
    """Return every vintage of the required rates."""
    names = ", ".join(f"'{name}'" for name in required_series())
    vintages = arrow.read(
        connection,
        f"""
        select series_id, observation_date, vintage_date, value from core.macro_observation
        where series_id in ({names}) and observation_date >= '{FIRST_QUARTER.year - 4}-01-01'
        """,
    )
    return Rates(vintages)
