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
from warehouse.connect import arrow
from warehouse.connect.connections import connect
from warehouse.settings import Settings

# Facts follow a filing within minutes, the archive of all companies within a night. A report whose
# accounts are not in the reply after a week has none that the SEC serves.
PENDING_EXPIRY_DAYS = 7

_KEY = (Column("cik", "integer", ""), Column("accession_number", "text", ""))
_PENDING_COLUMNS = (*_KEY, Column("form", "text", ""), Column("filed_date", "date", ""))


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({column.name: [] for column in _PENDING_COLUMNS})


@dataclass(frozen=True)
class PendingFilingUpdate:
    """What a batch does to `audit.pending_filing`.

    Attributes:
        discovered: Filings that an index named: `cik, accession_number, form, filed_date`. Those of
            companies that are not followed, and those that are held, are left out.
        completed: `cik, accession_number` of filings whose facts came.
        still_pending: `cik, accession_number` of filings that the reply did not have yet.
        today: The day in New York.
    """

    today: date
    discovered: pd.DataFrame = field(default_factory=_nothing)
    completed: pd.DataFrame = field(default_factory=_nothing)
    still_pending: pd.DataFrame = field(default_factory=_nothing)


# Companies whose reports are followed: those that ever were in an index, as far as the SEC's list
# names them, and those whose facts were asked for.
TRACKED_CIKS_SQL = """
select cik from derived.instrument_cik
union
select item::integer from audit.latest_fetch
where dataset = 'company_fact' and has_succeeded and item ~ '^\\d+$'
"""


def update_pending_filings(
    connection: adbc.Connection, run_id: int, dues: PendingFilingUpdate
) -> None:
    """Writes them in the connection's transaction."""
    if len(dues.discovered):
        arrow.stage(
            connection, "discovered_filing", arrow.to_arrow(dues.discovered, _PENDING_COLUMNS)
        )
        arrow.execute(
            connection,
            f"""
            insert into audit.pending_filing (cik, accession_number, form, filed_date, run_id)
            select distinct on (cik, accession_number)
                cik, accession_number, form, filed_date, {run_id}
            from discovered_filing as noted
            where cik in ({TRACKED_CIKS_SQL})
                and not exists (
                    select from core.company_fact as held
                    where held.cik = noted.cik and held.accession_number = noted.accession_number
                )
            order by cik, accession_number, form
            on conflict do nothing
            """,
        )
    if len(dues.completed):
        arrow.stage(connection, "completed_filing", arrow.to_arrow(dues.completed, _KEY))
        arrow.execute(
            connection,
            "delete from audit.pending_filing as due using completed_filing as settled"
            " where due.cik = settled.cik and due.accession_number = settled.accession_number",
        )
    if len(dues.still_pending):
        arrow.stage(connection, "pending_filing_update", arrow.to_arrow(dues.still_pending, _KEY))
        for statement in (
            f"""
            delete from audit.pending_filing as due using pending_filing_update as waiting
            where due.cik = waiting.cik and due.accession_number = waiting.accession_number
                and due.filed_date < date '{dues.today}' - {PENDING_EXPIRY_DAYS}
            """,
            f"""
            update audit.pending_filing as due set last_requested_on = date '{dues.today}'
            from pending_filing_update as waiting
            where due.cik = waiting.cik and due.accession_number = waiting.accession_number
            """,
        ):
            arrow.execute(connection, statement)


def reconcile_pending(
    asked: Sequence[int], filings: pd.DataFrame, pending: pd.DataFrame, today: date
) -> PendingFilingUpdate:
    """What some companies' replies make of the filings that are due.

    Args:
        asked: Companies that answered, if only that there is nothing.
        filings: `cik, accession_number` that the replies had facts of.
        pending: `cik, accession_number` that are due.
        today: The day in New York.
    """
    answered = pending[pending["cik"].isin(list(asked))]
    keys = ["cik", "accession_number"]
    is_loaded = pd.MultiIndex.from_frame(answered[keys]).isin(
        pd.MultiIndex.from_frame(filings[keys])
    )
    return PendingFilingUpdate(
        today, completed=answered[is_loaded], still_pending=answered[~is_loaded]
    )


@task(name="read due filings", cache_policy=NO_CACHE)
def read_pending_filings(ciks: Sequence[int], settings: Settings) -> pd.DataFrame:
    """The filings that are due of some companies: `cik, accession_number`."""
    with connect(settings) as connection:
        rows = connection.execute(
            "select cik, accession_number from audit.pending_filing where cik = any (%s)",
            ([*ciks],),
        ).fetchall()
    return pd.DataFrame(rows, columns=["cik", "accession_number"])
