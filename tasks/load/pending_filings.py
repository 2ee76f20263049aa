"""Queue of filings seen in the EDGAR daily index whose XBRL facts are not loaded yet.

An index day and its filings are recorded in one transaction; a filing is removed in the
transaction that loads its facts. So an interruption loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Column
from warehouse.connect import arrow

# Facts follow a filing within minutes, in the bulk file within a night. The SEC serves no facts for
# a filing that has none after a week.
PENDING_EXPIRY_DAYS = 7

_KEY = (Column("cik", "integer", ""), Column("accession_number", "text", ""))
_PENDING_COLUMNS = (*_KEY, Column("form", "text", ""), Column("filed_date", "date", ""))


def _no_filings() -> pd.DataFrame:
    return pd.DataFrame({column.name: [] for column in _PENDING_COLUMNS})


@dataclass(frozen=True)
class PendingFilingUpdate:
    """Changes of one batch to `audit.pending_filing`.

    Attributes:
        today: The date in New York.
        discovered: Filings listed in an index: `cik, accession_number, form, filed_date`. Those of
            companies that are not tracked, and those already loaded, are skipped.
        completed: `cik, accession_number` of filings with their facts loaded.
        still_pending: `cik, accession_number` of filings not in the response yet.
    """

    today: date
    discovered: pd.DataFrame = field(default_factory=_no_filings)
    completed: pd.DataFrame = field(default_factory=_no_filings)
    still_pending: pd.DataFrame = field(default_factory=_no_filings)


# Tracked companies: all that ever were in an index, as far as the SEC's ticker list names them,
# and all whose facts were requested.
TRACKED_CIKS_SQL = """
select cik from derived.instrument_cik
union
select item::integer from audit.latest_fetch
where dataset = 'company_fact' and has_ever_succeeded and item ~ '^\\d+$'
"""


def update_pending_filings(
    connection: adbc.Connection, run_id: int, update: PendingFilingUpdate
) -> None:
    """Apply the changes to `audit.pending_filing`, in the connection's transaction."""
    if len(update.discovered):
        arrow.stage(
            connection, "discovered_filing", arrow.to_arrow(update.discovered, _PENDING_COLUMNS)
        )
        arrow.execute(
            connection,
            f"""
            insert into audit.pending_filing (cik, accession_number, form, filed_date, run_id)
            select distinct on (cik, accession_number)
                cik, accession_number, form, filed_date, $1::bigint
            from discovered_filing as discovered
            where cik in ({TRACKED_CIKS_SQL})
                and not exists (
                    select from core.company_fact as stored
                    where stored.cik = discovered.cik
                        and stored.accession_number = discovered.accession_number
                )
            order by cik, accession_number, form
            on conflict do nothing
            """,
            (run_id,),
        )
    if len(update.completed):
        arrow.stage(connection, "completed_filing", arrow.to_arrow(update.completed, _KEY))
        arrow.execute(
            connection,
            "delete from audit.pending_filing as pending using completed_filing as completed"
            " where pending.cik = completed.cik"
            " and pending.accession_number = completed.accession_number",
        )
    if len(update.still_pending):
        arrow.stage(connection, "pending_filing_update", arrow.to_arrow(update.still_pending, _KEY))
        arrow.execute(
            connection,
            """
            with expired as (
                delete from audit.pending_filing as pending using pending_filing_update as missing
                where pending.cik = missing.cik
                    and pending.accession_number = missing.accession_number
                    and pending.filed_date < $1::text::date - $2::integer
                returning pending.cik, pending.accession_number, pending.form, pending.filed_date
            )
            insert into audit.filing_without_facts
                (cik, accession_number, form, filed_date, run_id)
            select cik, accession_number, form, filed_date, $3::bigint from expired
            on conflict do nothing
            """,
            (update.today.isoformat(), PENDING_EXPIRY_DAYS, run_id),
        )
        arrow.execute(
            connection,
            """
            update audit.pending_filing as pending set last_requested_on = $1::text::date
            from pending_filing_update as missing
            where pending.cik = missing.cik and pending.accession_number = missing.accession_number
            """,
            (update.today.isoformat(),),
        )


def reconcile_pending(
    completed_ciks: Sequence[int], filings: pd.DataFrame, pending: pd.DataFrame, today: date
) -> PendingFilingUpdate:
    """Match the responses for some companies with their pending filings.

    Args:
        completed_ciks: Companies with a response, be it that there are no facts.
        filings: `cik, accession_number` of the filings in the responses.
        pending: `cik, accession_number` of the pending filings.
        today: The date in New York.
    """
    requested = pending[pending["cik"].isin(list(completed_ciks))]
    keys = ["cik", "accession_number"]
    is_loaded = pd.MultiIndex.from_frame(requested[keys]).isin(
        pd.MultiIndex.from_frame(filings[keys])
    )
    return PendingFilingUpdate(
        today, completed=requested[is_loaded], still_pending=requested[~is_loaded]
    )
