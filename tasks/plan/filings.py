"""Decides what a run asks of the SEC: the list of tickers, days of the index, companies."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE
from psycopg import Connection

from expectations.calendars.edgar import index_days, last_index_day
from expectations.calendars.trading import new_york_date
from tasks.extract.sec.bulk_facts import has_cached_archive
from tasks.extract.sec.extract import CompanyRequest
from tasks.load.pending_filings import TRACKED_CIKS_SQL
from warehouse.connect.connections import connect
from warehouse.settings import Settings

# The archive is a night old, and on a Monday its newest filings are Friday's: the index of the
# days before a first fill names what it may lack.
INITIAL_INDEX_LOOKBACK_DAYS = 4
# Names, classifications and fiscal years change every few years, and each asking is a request.
COMPANY_PROFILE_TTL_DAYS = 180


class UnknownTicker(ValueError):
    """A ticker that the SEC's list does not have."""


@task(name="plan company tickers", cache_policy=NO_CACHE)
def plan_company_tickers(now: datetime, settings: Settings) -> bool:
    """Whether the SEC's list of tickers has still to be read today."""
    with connect(settings) as connection:
        read = connection.execute(
            "select 1 from audit.latest_fetch"
            " where dataset = 'company_ticker' and last_succeeded_date = %s",
            (new_york_date(now),),
        ).fetchone()
    return read is None


@task(name="read held tickers", cache_policy=NO_CACHE)
def read_current_ticker_ciks(settings: Settings) -> dict[str, int]:
    """The company that each ticker held stands for, as far as is known."""
    with connect(settings) as connection:
        return dict(connection.execute(LATEST_TICKER_CIK_SQL).fetchall())


LATEST_TICKER_CIK_SQL = """
select distinct on (ticker) ticker, cik from core.company_ticker order by ticker, known_from desc
"""


def has_tracked_companies(settings: Settings) -> bool:
    """Whether any company is followed: a day of the index that is read before is lost."""
    with connect(settings) as connection:
        row = connection.execute(
            f"select 1 from ({TRACKED_CIKS_SQL}) as followed limit 1"
        ).fetchone()
    return row is not None


@task(name="plan filing index", cache_policy=NO_CACHE)
def plan_filing_index(now: datetime, settings: Settings) -> list[date]:
    """The days whose index has still to be read, oldest first; none where nobody is followed."""
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
) -> list[CompanyRequest]:
    """What to ask of which companies, by their numbers.

    Facts are asked for where they never were, where the last asking failed, and where the index
    named a report that has not come. A company that was asked today for a report that was not
    there yet is asked again tomorrow. What a company says of itself is asked once, and again with
    its facts after half a year.

    Args:
        tickers: Companies to ask again, whatever is held; none: all that are followed.
        full_history: Ask all of them again. A reply always has the whole history.
        now: The instant that counts as now.
        settings: Of the run.

    Raises:
        UnknownTicker: when the SEC's list has no such ticker.
    """
    with connect(settings) as connection:
        wanted = _resolve_ciks(connection, tickers)
    return plan_company_requests(wanted, bool(tickers), full_history, now, settings)


def plan_company_requests(
    ciks: Sequence[int],
    force: bool,
    full_history: bool,
    now: datetime,
    settings: Settings,
) -> list[CompanyRequest]:
    """What to ask of some companies, as `plan_filings` has it.

    Args:
        ciks: The companies.
        force: Ask all of them for their facts.
        full_history: Do that, and ask what they say of themselves again, too.
        now: The instant that counts as now.
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
                %(all)s or fact.has_succeeded is not true or pending.cik is not null
                    as fetch_facts,
                coalesce(fact.has_loaded, false) as has_facts,
                company.last_succeeded_date as profile_requested_on
            from requested
            left join audit.latest_fetch as fact
                on fact.dataset = 'company_fact' and fact.item = requested.cik::text
            left join audit.latest_fetch as company
                on company.dataset = 'company' and company.item = requested.cik::text
            left join pending on pending.cik = requested.cik
            order by requested.cik
            """,
            {"ciks": [*ciks], "today": today, "all": full_history or force},
        ).fetchall()
    profile_expiry = today - timedelta(days=COMPANY_PROFILE_TTL_DAYS)
    return [
        CompanyRequest(
            cik,
            wants_facts,
            last_requested_on is None
            or (wants_facts and (full_history or last_requested_on < profile_expiry)),
        )
        for cik, wants_facts, has_facts, last_requested_on in rows
        if wants_facts or (has_facts and last_requested_on is None)
    ]


def _resolve_ciks(connection: Connection, tickers: Sequence[str]) -> list[int]:
    if not tickers:
        return [cik for (cik,) in connection.execute(TRACKED_CIKS_SQL).fetchall()]
    held: dict[str, int] = dict(connection.execute(LATEST_TICKER_CIK_SQL).fetchall())
    unknown = sorted(set(tickers) - set(held))
    if unknown:
        raise UnknownTicker(
            f"tickers names {', '.join(unknown)}, which the SEC's list of companies does not have:"
            " a fund, a delisted company, or another spelling (classes follow a dash)."
        )
    return sorted({held[ticker] for ticker in tickers})


def should_use_bulk_file(requests: Sequence[CompanyRequest], settings: Settings) -> bool:
    """Whether the facts come from the archive of all companies rather than one by one."""
    asked = sum(request.fetch_facts for request in requests)
    if settings.sec_fill == "auto":
        return asked > settings.sec_bulk_companies or (asked > 0 and has_cached_archive(settings))
    return settings.sec_fill == "bulk" and asked > 0
