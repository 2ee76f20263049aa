"""Which companies' facts are missing and why, and what to ask the SEC for."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from psycopg import Connection

from expectations.calendars.edgar import index_days, last_index_day
from expectations.calendars.trading import new_york_date
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.datasets.filings_ingest import DAILY_INDEX_ITEM, FilingsIngestor
from tasks.backfill.plan import NOT_ASKED, BackfillPlan, DataGap, WorkItem
from tasks.backfill.request import ResolvedRequest
from tasks.backfill.targets import ALL_INDEXES, read_target_companies
from tasks.extract.sec.extract import CompanyRequest
from tasks.plan.filings import INITIAL_INDEX_LOOKBACK_DAYS, should_use_bulk_file
from tasks.run.context import TEMPORARY_FAILURES
from warehouse.connect.connections import connect

_COMPANIES = """
with wanted as (
    select * from unnest(%(tickers)s::text[], %(ciks)s::integer[]) as filer (ticker, cik)
),
due as (
    select
        cik, min(filed_date) as first, max(filed_date) as last,
        bool_or(last_requested_on is null or last_requested_on < %(today)s) as is_open
    from audit.pending_filing
    where filed_date between coalesce(%(start)s::date, '-infinity') and %(end)s::date
    group by cik
)
select
    wanted.ticker, wanted.cik, fact.status, coalesce(fact.has_loaded, false), company.status,
    coalesce(company.has_succeeded, false), due.first, due.last, coalesce(due.is_open, false)
from wanted
left join audit.latest_fetch as fact
    on fact.dataset = 'company_fact' and fact.item = wanted.cik::text
left join audit.latest_fetch as company
    on company.dataset = 'company' and company.item = wanted.cik::text
left join due on due.cik = wanted.cik
order by wanted.ticker, wanted.cik
"""


@dataclass(frozen=True)
class _CompanyStatus:
    """What is known of the company behind a symbol; none where the SEC's list lacks it."""

    ticker: str
    cik: int | None
    facts: str | None
    has_facts: bool
    company: str | None
    has_profile: bool
    first_due: date | None
    last_due: date | None
    is_due: bool


@dataclass(frozen=True)
class _TickerList:
    """What came of asking for the SEC's list of tickers."""

    was_ever_read: bool
    was_read_today: bool
    has_failed: bool


def plan_filings_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """What is missing of the companies' facts, by the ledger and by the reports that are due.

    One gap or more per company, under the first of its symbols, and one per day whose index has
    still to be read; of some companies alone, the days are left to a backfill of all. What the
    days will name is asked for with them, and is in no count before.
    """
    mode = scope.request.mode
    is_of_all = not scope.request.tickers and scope.request.index == ALL_INDEXES
    with connect(scope.settings) as connection:
        ticker_list = _ticker_list(connection, new_york_date(scope.instant))
        filers = _filers(connection, scope)
        days = list(_days(connection, scope)) if is_of_all else []
    gaps: list[DataGap] = []
    needs: list[WorkItem] = []
    asked: list[CompanyRequest] = []
    seen = set[int]()
    for filer in filers:
        # another symbol of a company is no other company
        if filer.cik in seen:
            continue
        if filer.cik is not None:
            seen.add(filer.cik)
        own = list(_gaps(filer, ticker_list))
        gaps += own
        has_failed = filer.facts in TEMPORARY_FAILURES or filer.company in TEMPORARY_FAILURES
        if filer.cik is None:
            has_failed = ticker_list.has_failed
        if _matches_mode(mode, own, has_failed):
            due = [gap for gap in own if gap.is_fetchable]
            why = ", ".join(sorted({gap.reason for gap in due})) if mode == "missing" else mode
            is_whole = mode == "all" or filer.facts is None or filer.facts in TEMPORARY_FAILURES
            start = None if is_whole else filer.first_due
            needs.append(WorkItem(filer.ticker, start, why, None, is_whole))
            if filer.cik is not None or not ticker_list.was_ever_read:
                wants_facts = is_whole or filer.is_due
                asked.append(CompanyRequest(0, wants_facts, mode == "all" or not filer.has_profile))
    for gap, is_read in days:
        if not is_read:
            gaps.append(gap)
        has_failed = gap.reason in TEMPORARY_FAILURES
        if _matches_mode(mode, [] if is_read else [gap], has_failed):
            needs.append(
                WorkItem(DAILY_INDEX_ITEM, gap.first, gap.reason if mode == "missing" else mode)
            )
    requests = _count(asked, needs, ticker_list, scope)
    notes = []
    if needs and not ticker_list.was_ever_read:
        notes.append(
            "The SEC's list of companies has not been read: each symbol is counted as a company."
        )
    seconds = requests / scope.settings.sec_requests_per_second
    return BackfillPlan(needs, gaps, requests, seconds, notes)


def _matches_mode(mode: str, gaps: Sequence[DataGap], has_failed: bool) -> bool:
    if mode == "all":
        return True
    if mode == "failed":
        return has_failed
    due = [gap for gap in gaps if gap.is_fetchable]
    if mode == "stale":
        due = [gap for gap in due if gap.reason not in TEMPORARY_FAILURES]
    return bool(due)


def _count(
    asked: Sequence[CompanyRequest],
    needs: Sequence[WorkItem],
    listed: _TickerList,
    scope: ResolvedRequest,
) -> int:
    """How many requests the needs are, at least."""
    facts = sum(request.fetch_facts for request in asked)
    if should_use_bulk_file(asked, scope.settings):
        facts = 1
    profile_requests = sum(request.fetch_profile for request in asked)
    days = sum(need.item == DAILY_INDEX_ITEM for need in needs)
    return facts + profile_requests + days + (bool(needs) and not listed.was_read_today)


def _gaps(filer: _CompanyStatus, listed: _TickerList) -> Iterator[DataGap]:
    if filer.cik is None:
        reason = "unknown_ticker" if listed.was_ever_read else NOT_ASKED
        yield DataGap(filer.ticker, reason, None, None, None, not listed.was_read_today)
        return
    if filer.facts is None or filer.facts in TEMPORARY_FAILURES:
        yield DataGap(filer.ticker, filer.facts or NOT_ASKED, None, None, None, True)
    elif not filer.has_facts:
        yield DataGap(filer.ticker, filer.facts, None, None, None, False)
    if filer.first_due is not None:
        first, last = filer.first_due, filer.last_due
        yield DataGap(filer.ticker, "pending_filing", first, last, None, filer.is_due)
    if filer.has_facts and not filer.has_profile:
        yield DataGap(filer.ticker, "missing_company_profile", None, None, None, True)


def _filers(connection: Connection, scope: ResolvedRequest) -> list[_CompanyStatus]:
    request = scope.request
    wanted = read_target_companies(connection, request.tickers, request.index, scope.start)
    rows = connection.execute(
        _COMPANIES,
        {
            "tickers": [ticker for ticker, _ in wanted],
            "ciks": [cik for _, cik in wanted],
            "today": new_york_date(scope.instant),
            "start": scope.start,
            "end": scope.end,
        },
    ).fetchall()
    return [_CompanyStatus(*row) for row in rows]


def _ticker_list(connection: Connection, today: date) -> _TickerList:
    row = connection.execute(
        """
        select
            coalesce(bool_or(has_succeeded), false),
            coalesce(bool_or(last_succeeded_date = %s), false),
            coalesce(bool_or(status = any (%s)), false)
        from audit.latest_fetch where dataset = 'company_ticker'
        """,
        (today, [*TEMPORARY_FAILURES]),
    ).fetchone()
    assert row is not None
    return _TickerList(*row)


def _days(connection: Connection, scope: ResolvedRequest) -> Iterator[tuple[DataGap, bool]]:
    """Each day since the first that was asked for, as a gap, and whether its index was read."""
    rows = connection.execute(
        """
        select day, is_read, status, (last_fetched_at at time zone 'America/New_York')::date
        from audit.filing_index_day
        """
    ).fetchall()
    held = {day: rest for day, *rest in rows}
    before = last_index_day(scope.instant) - timedelta(days=INITIAL_INDEX_LOOKBACK_DAYS)
    first = max(min(held, default=before), scope.start or date.min)
    today = new_york_date(scope.instant)
    for day in index_days(first, scope.instant):
        if day > scope.end:
            break
        is_read, status, last_requested_on = held.get(day, (False, None, None))
        if status is None or last_requested_on is None or status in TEMPORARY_FAILURES:
            yield DataGap(DAILY_INDEX_ITEM, status or NOT_ASKED, day, day, None, True), is_read
        else:
            yield (
                DataGap(
                    DAILY_INDEX_ITEM, "not_yet_published", day, day, None, last_requested_on < today
                ),
                is_read,
            )


@contextmanager
def _open(scope: ResolvedRequest, needs: Sequence[WorkItem]) -> Iterator[IngestChunk]:
    with ExitStack() as opened:
        yield FilingsIngestor(scope, needs, opened).ingest_chunk


FILINGS = BackfillAdapter(
    "sec", plan_filings_backfill, _open, lambda scope: scope.settings.sec_batch_companies
)
