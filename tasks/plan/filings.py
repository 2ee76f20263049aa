"""Plan SEC requests: the ticker list, days of the filing index, companies."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE
from psycopg import Connection

from expectations.calendars.edgar import index_days, last_index_day
from expectations.calendars.trading import new_york_date
from tasks.extract.sec.bulk_facts import has_cached_archive
from tasks.extract.sec.extract import CompanyRequest
from tasks.load.pending_filings import TRACKED_CIKS_SQL
from tasks.plan.batched import Plan
from warehouse.base_error import RotationError
from warehouse.connect.connections import connect
from warehouse.settings import Settings

# The bulk file is a night old, and on a Monday its newest filings are Friday's: the index of the
# days before the first load lists the filings it may lack.
INITIAL_INDEX_LOOKBACK_DAYS = 4
# names, classifications and fiscal years change every few years, and a profile is one request
COMPANY_PROFILE_TTL_DAYS = 180


class UnknownTicker(RotationError):
    """A ticker that the SEC's list does not have."""


@task(name="plan company tickers", cache_policy=NO_CACHE)
def plan_company_tickers(now: datetime, settings: Settings) -> Plan[date]:
    """Plan the SEC's ticker list: requested once a day."""
    today = new_york_date(now)
    with connect(settings) as connection:
        is_loaded = connection.execute(
            "select 1 from audit.fetch_result where dataset = 'company_ticker'"
            " and window_end = %s and status in ('loaded', 'empty') limit 1",
            (today,),
        ).fetchone()
    return Plan([] if is_loaded else [today], 1)


def read_current_ticker_ciks(settings: Settings) -> dict[str, int]:
    """Return the CIK of each ticker in the stored ticker list."""
    with connect(settings) as connection:
        return dict(connection.execute(LATEST_TICKER_CIK_SQL).fetchall())


LATEST_TICKER_CIK_SQL = """
select distinct on (ticker) ticker, cik from core.company_ticker order by ticker, known_from desc
"""


def has_tracked_companies(settings: Settings) -> bool:
    """Return whether any company is tracked; an index day loaded before that would be lost."""
    with connect(settings) as connection:
        row = connection.execute(
            f"select 1 from ({TRACKED_CIKS_SQL}) as tracked limit 1"
        ).fetchone()
    return row is not None


@task(name="plan filing index", cache_policy=NO_CACHE)
def plan_filing_index(now: datetime, settings: Settings) -> list[date]:
    """Return the days with an unread index, oldest first; none if no company is tracked."""
    if not has_tracked_companies(settings):
        return []
    with connect(settings) as connection:
        rows = connection.execute("select day, is_read from audit.filing_index_day").fetchall()
    first = min((day for day, _ in rows), default=None)
    if first is None:
        first = last_index_day(now) - timedelta(days=INITIAL_INDEX_LOOKBACK_DAYS)
    read = {day for day, is_read in rows if is_read}
    return [day for day in index_days(first, now) if day not in read]


@task(name="plan filings", cache_policy=NO_CACHE)
def plan_filings(
    tickers: Sequence[str], full_history: bool, now: datetime, settings: Settings
) -> Plan[CompanyRequest]:
    """Plan the company requests of a run.

    Args:
        tickers: Companies to request, stored or not; none: all tracked ones with something due.
        full_history: Request all of them again. A reply always has the whole history.
        now: The logical time.
        settings: Of the run.

    Raises:
        UnknownTicker: The SEC's list has no such ticker.
    """
    with connect(settings) as connection:
        ciks = _resolve_ciks(connection, tickers)
    requests = company_requests(ciks, bool(tickers), full_history, now, settings)
    return plan_companies(requests, settings)


def plan_companies(requests: Sequence[CompanyRequest], settings: Settings) -> Plan[CompanyRequest]:
    """Return the plan of given company requests."""
    return Plan(requests, settings.sec_batch_companies)


def read_pending_filings(requests: Sequence[CompanyRequest], settings: Settings) -> pd.DataFrame:
    """Return the pending filings of the requested companies: `cik, accession_number`."""
    with connect(settings) as connection:
        rows = connection.execute(
            "select cik, accession_number from audit.pending_filing where cik = any (%s)",
            ([request.cik for request in requests],),
        ).fetchall()
    return pd.DataFrame(rows, columns=["cik", "accession_number"])


def company_requests(
    ciks: Sequence[int],
    force: bool,
    full_history: bool,
    now: datetime,
    settings: Settings,
) -> list[CompanyRequest]:
    """Return the requests that are due for some companies.

    Facts are due if they were never fetched, if the last fetch failed, or if a filing is pending.
    A company already requested today for a pending filing is requested again tomorrow. A profile
    is requested once, and after half a year again together with facts.

    Args:
        ciks: The companies.
        force: Request the facts of all of them.
        full_history: Request the facts and profiles of all of them.
        now: The logical time.
        settings: Of the run.
    """
    today = new_york_date(now)
    with connect(settings) as connection:
        rows = connection.execute(
            """
            with requested as (select unnest(%(ciks)s::integer[]) as cik),
            pending as (
                select distinct cik from audit.pending_filing
                where last_requested_on is null or last_requested_on < %(today)s
            )
            select
                requested.cik,
                %(force)s or fact.has_ever_succeeded is not true or pending.cik is not null,
                coalesce(fact.has_ever_loaded, false),
                profile.last_succeeded_date
            from requested
            left join audit.latest_fetch as fact
                on fact.dataset = 'company_fact' and fact.item = requested.cik::text
            left join audit.latest_fetch as profile
                on profile.dataset = 'company' and profile.item = requested.cik::text
            left join pending on pending.cik = requested.cik
            order by requested.cik
            """,
            {"ciks": [*ciks], "today": today, "force": full_history or force},
        ).fetchall()
    profile_expiry = today - timedelta(days=COMPANY_PROFILE_TTL_DAYS)
    return [
        CompanyRequest(
            cik,
            fetch_facts,
            profile_fetched_on is None
            or (fetch_facts and (full_history or profile_fetched_on < profile_expiry)),
        )
        for cik, fetch_facts, has_facts, profile_fetched_on in rows
        if fetch_facts or (has_facts and profile_fetched_on is None)
    ]


def _resolve_ciks(connection: Connection, tickers: Sequence[str]) -> list[int]:
    if not tickers:
        return [cik for (cik,) in connection.execute(TRACKED_CIKS_SQL).fetchall()]
    ciks: dict[str, int] = dict(connection.execute(LATEST_TICKER_CIK_SQL).fetchall())
    unknown = sorted(set(tickers) - set(ciks))
    if unknown:
        raise UnknownTicker(
            f"tickers names {', '.join(unknown)}, which the SEC's list of companies does not have:"
            " a fund, a delisted company, or another spelling (share classes follow a dash)."
        )
    return sorted({ciks[ticker] for ticker in tickers})


def should_use_bulk_file(requests: Sequence[CompanyRequest], settings: Settings) -> bool:
    """Return whether to read facts from the SEC's bulk file rather than one by one."""
    count = sum(request.fetch_facts for request in requests)
    if settings.sec_fill == "auto":
        return count > settings.sec_bulk_companies or (count > 0 and has_cached_archive(settings))
    return settings.sec_fill == "bulk" and count > 0
