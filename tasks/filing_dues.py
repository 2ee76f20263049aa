"""Filings that the SEC's index named and that have not come yet: noted, waited for, settled.

A day of the index counts as read in the same transaction that notes what it named; a filing is
struck off in the same transaction that loads it. So stopping anywhere loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd
from adbc_driver_postgresql import dbapi as adbc
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.contract import Column
from warehouse import arrow
from warehouse.connections import connect
from warehouse.settings import Settings

# Facts follow a filing within minutes, the archive of all companies within a night. A report whose
# accounts are not in the reply after a week has none that the SEC serves.
GIVEN_UP_AFTER_DAYS = 7

_KEY = (Column("cik", "integer", ""), Column("accession_number", "text", ""))
_NOTED = (*_KEY, Column("form", "text", ""), Column("filed_date", "date", ""))


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({column.name: [] for column in _NOTED})


@dataclass(frozen=True)
class Dues:
    """What a batch does to `audit.filing_due`.

    Attributes:
        noted: Filings that an index named: `cik, accession_number, form, filed_date`. Those of
            companies that are not followed, and those that are held, are left out.
        settled: `cik, accession_number` of filings whose facts came.
        waiting: `cik, accession_number` of filings that the reply did not have yet.
        today: The day in New York.
    """

    today: date
    noted: pd.DataFrame = field(default_factory=_nothing)
    settled: pd.DataFrame = field(default_factory=_nothing)
    waiting: pd.DataFrame = field(default_factory=_nothing)


# Companies whose reports are followed: those that ever were in an index, as far as the SEC's list
# names them, and those whose facts were asked for.
FOLLOWED = """
select cik from derived.member_filer
union
select item::integer from audit.fetch
where dataset = 'company_fact' and status in ('loaded', 'empty', 'not_found') and item ~ '^\\d+$'
"""


def write_dues(connection: adbc.Connection, run_id: int, dues: Dues) -> None:
    """Writes them in the connection's transaction."""
    if len(dues.noted):
        arrow.stage(connection, "noted_filing", arrow.to_arrow(dues.noted, _NOTED))
        arrow.execute(
            connection,
            f"""
            insert into audit.filing_due (cik, accession_number, form, filed_date, run_id)
            select distinct on (cik, accession_number)
                cik, accession_number, form, filed_date, {run_id}
            from noted_filing as noted
            where cik in ({FOLLOWED})
                and not exists (
                    select from core.company_fact as held
                    where held.cik = noted.cik and held.accession_number = noted.accession_number
                )
            order by cik, accession_number, form
            on conflict do nothing
            """,
        )
    if len(dues.settled):
        arrow.stage(connection, "settled_filing", arrow.to_arrow(dues.settled, _KEY))
        arrow.execute(
            connection,
            "delete from audit.filing_due as due using settled_filing as settled"
            " where due.cik = settled.cik and due.accession_number = settled.accession_number",
        )
    if len(dues.waiting):
        arrow.stage(connection, "waiting_filing", arrow.to_arrow(dues.waiting, _KEY))
        for statement in (
            f"""
            delete from audit.filing_due as due using waiting_filing as waiting
            where due.cik = waiting.cik and due.accession_number = waiting.accession_number
                and due.filed_date < date '{dues.today}' - {GIVEN_UP_AFTER_DAYS}
            """,
            f"""
            update audit.filing_due as due set asked_on = date '{dues.today}'
            from waiting_filing as waiting
            where due.cik = waiting.cik and due.accession_number = waiting.accession_number
            """,
        ):
            arrow.execute(connection, statement)


def settle(asked: Sequence[int], filings: pd.DataFrame, due: pd.DataFrame, today: date) -> Dues:
    """What some companies' replies make of the filings that are due.

    Args:
        asked: Companies that answered, if only that there is nothing.
        filings: `cik, accession_number` that the replies had facts of.
        due: `cik, accession_number` that are due.
        today: The day in New York.
    """
    answered = due[due["cik"].isin(list(asked))]
    keys = ["cik", "accession_number"]
    came = pd.MultiIndex.from_frame(answered[keys]).isin(pd.MultiIndex.from_frame(filings[keys]))
    return Dues(today, settled=answered[came], waiting=answered[~came])


@task(name="read due filings", cache_policy=NO_CACHE)
def read_due(ciks: Sequence[int], settings: Settings) -> pd.DataFrame:
    """The filings that are due of some companies: `cik, accession_number`."""
    with connect(settings) as connection:
        rows = connection.execute(
            "select cik, accession_number from audit.filing_due where cik = any (%s)", ([*ciks],)
        ).fetchall()
    return pd.DataFrame(rows, columns=["cik", "accession_number"])
