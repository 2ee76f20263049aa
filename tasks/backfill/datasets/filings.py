"""Backfill of filings: find companies without facts, and plan the requests to the SEC."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from psycopg import Connection

from expectations.calendars.edgar import index_days, last_index_day
from expectations.calendars.trading import new_york_date
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.datasets.filings_ingest import DAILY_INDEX_ITEM, FilingsIngestor
from tasks.backfill.plan import (
    NOT_ASKED,
    BackfillPlan,
    DataGap,
    WorkItem,
    join_reasons,
    matches_mode,
)
from tasks.backfill.request import ResolvedRequest
from tasks.backfill.targets import ALL_INDEXES, read_target_companies
from tasks.extract.sec.extract import CompanyRequest
from tasks.plan.filings import INITIAL_INDEX_LOOKBACK_DAYS, should_use_bulk_file
from tasks.run.totals import TEMPORARY_FAILURES
from warehouse.connect.connections import connect

_COMPANIES = """
with target as (
    select * from unnest(%(tickers)s::text[], %(ciks)s::integer[]) as company (ticker, cik)
),
pending as (
    select
        cik, min(filed_date) as first, max(filed_date) as last,
        bool_or(last_requested_on is null or last_requested_on < %(today)s) as is_fetchable
    from audit.pending_filing
    where filed_date between coalesce(%(start)s::date, '-infinity') and %(end)s::date
    group by cik
)
select
    target.ticker, target.cik, fact.status, coalesce(fact.has_ever_loaded, false), company.status,
    coalesce(company.has_ever_succeeded, false), pending.first, pending.last,
    coalesce(pending.is_fetchable, false)
from target
left join audit.latest_fetch as fact
    on fact.dataset = 'company_fact' and fact.item = target.cik::text
left join audit.latest_fetch as company
    on company.dataset = 'company' and company.item = target.cik::text
left join pending on pending.cik = target.cik
order by target.ticker, target.cik
"""


@dataclass(frozen=True)
class _CompanyStatus:
    """Fetches and pending filings of a ticker's company.

    Attributes:
        ticker: The ticker.
        cik: Its company; None if the SEC's list lacks it.
        fact_status: Status of the newest fetch of its facts; None if there is none.
        has_facts: Whether facts were ever loaded.
        profile_status: Status of the newest fetch of its profile; None if there is none.
        has_profile: Whether a profile was ever loaded, or there is none.
        first_pending: Date of its first pending filing; None if there is none.
        last_pending: Date of the last one.
        is_pending_fetchable: Whether one of them was not requested today.
    """

    ticker: str
    cik: int | None
    fact_status: str | None
    has_facts: bool
    profile_status: str | None
    has_profile: bool
    first_pending: date | None
    last_pending: date | None
    is_pending_fetchable: bool

    @property
    def has_failed(self) -> bool:
        """Whether its newest fetch of facts or profile failed."""
        return not {self.fact_status, self.profile_status}.isdisjoint(TEMPORARY_FAILURES)

    @property
    def needs_all_facts(self) -> bool:
        """Whether its facts were never fetched, or failed at the last fetch."""
        return self.fact_status is None or self.fact_status in TEMPORARY_FAILURES


@dataclass(frozen=True)
class _TickerList:
    """Fetches of the SEC's ticker list."""

    was_ever_read: bool
    was_read_today: bool
    has_failed: bool


def plan_filings_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """Plan a backfill of company facts from the fetch log and the pending filings.

    There are one or more gaps per company, under the first of its tickers, and one per day with an
    unread index. Index days belong to a backfill of all companies only. The filings that these
    days will list are requested, too, but are in no estimate.
    """
    mode = scope.request.mode
    is_of_all = not scope.request.tickers and scope.request.index == ALL_INDEXES
    with connect(scope.settings) as connection:
        ticker_list = _read_ticker_list(connection, new_york_date(scope.now))
        companies = _read_companies(connection, scope)
        days = list(_index_days(connection, scope)) if is_of_all else []
    gaps: list[DataGap] = []
    work_items: list[WorkItem] = []
    requests: list[CompanyRequest] = []
    for company in companies:
        own = list(_find_gaps(company, ticker_list))
        gaps += own
        has_failed = ticker_list.has_failed if company.cik is None else company.has_failed
        if matches_mode(mode, own, has_failed, _is_stale(own)):
            full_history = mode == "all" or company.needs_all_facts
            start = None if full_history else company.first_pending
            reason = join_reasons(own) if mode == "missing" else mode
            work_items.append(WorkItem(company.ticker, start, reason, None, full_history))
            if company.cik is not None or not ticker_list.was_ever_read:
                fetch_facts = full_history or company.is_pending_fetchable
                fetch_profile = mode == "all" or not company.has_profile
                requests.append(CompanyRequest(0, fetch_facts, fetch_profile))
    for day, has_failed, own in days:
        gaps += own
        if matches_mode(mode, own, has_failed, _is_stale(own)):
            reason = own[0].reason if mode == "missing" else mode
            work_items.append(WorkItem(DAILY_INDEX_ITEM, day, reason))
    request_count = _count_requests(requests, work_items, ticker_list, scope)
    notes = []
    if work_items and not ticker_list.was_ever_read:
        notes.append(
            "The SEC's list of companies is not loaded yet: each ticker is counted as a company."
        )
    return BackfillPlan(
        work_items, gaps, request_count, scope.settings.sec_requests_per_second, notes
    )


def _is_stale(gaps: Sequence[DataGap]) -> bool:
    return any(gap.is_fetchable and gap.reason not in TEMPORARY_FAILURES for gap in gaps)


def _count_requests(
    requests: Sequence[CompanyRequest],
    work_items: Sequence[WorkItem],
    ticker_list: _TickerList,
    scope: ResolvedRequest,
) -> int:
    """Return the minimum number of HTTP requests."""
    facts = sum(request.fetch_facts for request in requests)
    if should_use_bulk_file(requests, scope.settings):
        facts = 1
    profiles = sum(request.fetch_profile for request in requests)
    days = sum(each.item == DAILY_INDEX_ITEM for each in work_items)
    return facts + profiles + days + (bool(work_items) and not ticker_list.was_read_today)


def _find_gaps(company: _CompanyStatus, ticker_list: _TickerList) -> Iterator[DataGap]:
    ticker = company.ticker
    if company.cik is None:
        reason = "unknown_ticker" if ticker_list.was_ever_read else NOT_ASKED
        yield DataGap(ticker, reason, None, None, None, not ticker_list.was_read_today)
        return
    if company.needs_all_facts or not company.has_facts:
        status = company.fact_status or NOT_ASKED
        yield DataGap(ticker, status, None, None, None, company.needs_all_facts)
    if company.first_pending is not None:
        first, last = company.first_pending, company.last_pending
        is_fetchable = company.is_pending_fetchable
        yield DataGap(ticker, "pending_filing", first, last, None, is_fetchable)
    if company.has_facts and not company.has_profile:
        yield DataGap(ticker, "missing_company_profile", None, None, None, True)


def _read_companies(connection: Connection, scope: ResolvedRequest) -> list[_CompanyStatus]:
    """Return the companies to consider; one with several tickers is listed under its first."""
    request = scope.request
    targets = read_target_companies(connection, request.tickers, request.index, scope.start)
    rows = connection.execute(
        _COMPANIES,
        {
            "tickers": [ticker for ticker, _ in targets],
            "ciks": [cik for _, cik in targets],
            "today": new_york_date(scope.now),
            "start": scope.start,
            "end": scope.end,
        },
    ).fetchall()
    companies: dict[int | str, _CompanyStatus] = {}
    for row in rows:
        company = _CompanyStatus(*row)
        # a ticker without a company stands for itself
        companies.setdefault(company.cik or company.ticker, company)
    return [*companies.values()]


def _read_ticker_list(connection: Connection, today: date) -> _TickerList:
    row = connection.execute(
        """
        select
            coalesce(bool_or(status in ('loaded', 'empty')), false),
            coalesce(bool_or(status in ('loaded', 'empty') and window_end = %s), false),
            coalesce((array_agg(status order by fetch_id desc))[1] = any (%s), false)
        from audit.fetch where dataset = 'company_ticker'
        """,
        (today, [*TEMPORARY_FAILURES]),
    ).fetchone()
    assert row is not None
    return _TickerList(*row)


def _index_days(
    connection: Connection, scope: ResolvedRequest
) -> Iterator[tuple[date, bool, list[DataGap]]]:
    """Yield each index day since the first, whether its last fetch failed, and its gap."""
    rows = connection.execute(
        """
        select day, is_read, status, (last_fetched_at at time zone 'America/New_York')::date
        from audit.filing_index_day
        """
    ).fetchall()
    fetches = {day: fetch for day, *fetch in rows}
    lookback = last_index_day(scope.now) - timedelta(days=INITIAL_INDEX_LOOKBACK_DAYS)
    first = max(min(fetches, default=lookback), scope.start or date.min)
    today = new_york_date(scope.now)
    for day in index_days(first, scope.now):
        if day > scope.end:
            break
        is_read, status, fetched_on = fetches.get(day, (False, None, None))
        has_failed = status in TEMPORARY_FAILURES
        if status is None or fetched_on is None or has_failed:
            gap = DataGap(DAILY_INDEX_ITEM, status or NOT_ASKED, day, day, None, True)
        else:
            is_fetchable = fetched_on < today
            gap = DataGap(DAILY_INDEX_ITEM, "not_yet_published", day, day, None, is_fetchable)
        yield day, has_failed, [] if is_read else [gap]


@contextmanager
def _open(scope: ResolvedRequest, work_items: Sequence[WorkItem]) -> Iterator[IngestChunk]:
    with ExitStack() as exit_stack:
        yield FilingsIngestor(scope, work_items, exit_stack).ingest_chunk


FILINGS = BackfillAdapter(
    "sec", plan_filings_backfill, _open, lambda scope: scope.settings.sec_batch_companies
)
