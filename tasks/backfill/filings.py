"""Which companies' facts are missing and why, and what to ask the SEC for."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from psycopg import Connection

from expectations.filing_days import index_days, last_index_day
from expectations.sessions import new_york_date
from tasks.backfill.bring_filings import DAY, FilingsBringer
from tasks.backfill.dataset import Bring, Dataset
from tasks.backfill.request import Scope
from tasks.backfill.survey import NOT_ASKED, Gap, Need, Survey
from tasks.backfill.wanted import NO_INDEX, read_filers
from tasks.extract.sec import CompanyRequest
from tasks.plan_filings import INDEX_BEFORE_FILL_DAYS, wants_archive
from tasks.record import DEGRADING
from warehouse.connections import connect

_COMPANIES = """
with wanted as (
    select * from unnest(%(tickers)s::text[], %(ciks)s::integer[]) as filer (ticker, cik)
),
asked as (
    select
        dataset, item,
        (array_agg(status order by fetch_id desc))[1] as status,
        bool_or(status = 'loaded') as has_rows,
        bool_or(status in ('loaded', 'empty', 'not_found')) as has_answered
    from audit.fetch
    where dataset in ('company_fact', 'company') and item in (select cik::text from wanted)
    group by dataset, item
),
due as (
    select
        cik, min(filed_date) as first, max(filed_date) as last,
        bool_or(asked_on is null or asked_on < %(today)s) as is_open
    from audit.filing_due
    where filed_date between coalesce(%(start)s::date, '-infinity') and %(end)s::date
    group by cik
)
select
    wanted.ticker, wanted.cik, fact.status, coalesce(fact.has_rows, false), company.status,
    coalesce(company.has_answered, false), due.first, due.last, coalesce(due.is_open, false)
from wanted
left join asked as fact on fact.dataset = 'company_fact' and fact.item = wanted.cik::text
left join asked as company on company.dataset = 'company' and company.item = wanted.cik::text
left join due on due.cik = wanted.cik
order by wanted.ticker, wanted.cik
"""


@dataclass(frozen=True)
class _Filer:
    """What is known of the company behind a symbol; none where the SEC's list lacks it."""

    ticker: str
    cik: int | None
    facts: str | None
    has_facts: bool
    company: str | None
    has_company: bool
    first_due: date | None
    last_due: date | None
    is_due: bool


@dataclass(frozen=True)
class _TickerList:
    """What came of asking for the SEC's list of tickers."""

    was_ever_read: bool
    was_read_today: bool
    has_failed: bool


def survey_filings(scope: Scope) -> Survey:
    """What is missing of the companies' facts, by the ledger and by the reports that are due.

    One gap or more per company, under the first of its symbols, and one per day whose index has
    still to be read; of some companies alone, the days are left to a backfill of all. What the
    days will name is asked for with them, and is in no count before.
    """
    mode = scope.request.mode
    is_of_all = not scope.request.tickers and scope.request.index == NO_INDEX
    with connect(scope.settings) as connection:
        listed = _ticker_list(connection, new_york_date(scope.instant))
        filers = _filers(connection, scope)
        days = list(_days(connection, scope)) if is_of_all else []
    gaps: list[Gap] = []
    needs: list[Need] = []
    asked: list[CompanyRequest] = []
    seen = set[int]()
    for filer in filers:
        # another symbol of a company is no other company
        if filer.cik in seen:
            continue
        if filer.cik is not None:
            seen.add(filer.cik)
        own = list(_gaps(filer, listed))
        gaps += own
        has_failed = filer.facts in DEGRADING or filer.company in DEGRADING
        if filer.cik is None:
            has_failed = listed.has_failed
        if _is_wanted(mode, own, has_failed):
            due = [gap for gap in own if gap.is_due]
            why = ", ".join(sorted({gap.reason for gap in due})) if mode == "missing" else mode
            is_whole = mode == "all" or filer.facts is None or filer.facts in DEGRADING
            start = None if is_whole else filer.first_due
            needs.append(Need(filer.ticker, start, why, None, is_whole))
            if filer.cik is not None or not listed.was_ever_read:
                wants_facts = is_whole or filer.is_due
                asked.append(CompanyRequest(0, wants_facts, mode == "all" or not filer.has_company))
    for gap, is_read in days:
        if not is_read:
            gaps.append(gap)
        has_failed = gap.reason in DEGRADING
        if _is_wanted(mode, [] if is_read else [gap], has_failed):
            needs.append(Need(DAY, gap.first, gap.reason if mode == "missing" else mode))
    requests = _count(asked, needs, listed, scope)
    notes = []
    if needs and not listed.was_ever_read:
        notes.append(
            "The SEC's list of companies has not been read: each symbol is counted as a company."
        )
    seconds = requests / scope.settings.sec_requests_per_second
    return Survey(needs, gaps, requests, seconds, notes)


def _is_wanted(mode: str, gaps: Sequence[Gap], has_failed: bool) -> bool:
    if mode == "all":
        return True
    if mode == "failed":
        return has_failed
    due = [gap for gap in gaps if gap.is_due]
    if mode == "stale":
        due = [gap for gap in due if gap.reason not in DEGRADING]
    return bool(due)


def _count(
    asked: Sequence[CompanyRequest], needs: Sequence[Need], listed: _TickerList, scope: Scope
) -> int:
    """How many requests the needs are, at least."""
    facts = sum(request.wants_facts for request in asked)
    if wants_archive(asked, scope.settings):
        facts = 1
    particulars = sum(request.wants_company for request in asked)
    days = sum(need.item == DAY for need in needs)
    return facts + particulars + days + (bool(needs) and not listed.was_read_today)


def _gaps(filer: _Filer, listed: _TickerList) -> Iterator[Gap]:
    if filer.cik is None:
        reason = "not_listed" if listed.was_ever_read else NOT_ASKED
        yield Gap(filer.ticker, reason, None, None, None, not listed.was_read_today)
        return
    if filer.facts is None or filer.facts in DEGRADING:
        yield Gap(filer.ticker, filer.facts or NOT_ASKED, None, None, None, True)
    elif not filer.has_facts:
        yield Gap(filer.ticker, filer.facts, None, None, None, False)
    if filer.first_due is not None:
        first, last = filer.first_due, filer.last_due
        yield Gap(filer.ticker, "report_due", first, last, None, filer.is_due)
    if filer.has_facts and not filer.has_company:
        yield Gap(filer.ticker, "no_particulars", None, None, None, True)


def _filers(connection: Connection, scope: Scope) -> list[_Filer]:
    request = scope.request
    wanted = read_filers(connection, request.tickers, request.index, scope.start)
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
    return [_Filer(*row) for row in rows]


def _ticker_list(connection: Connection, today: date) -> _TickerList:
    row = connection.execute(
        """
        select
            coalesce(bool_or(status in ('loaded', 'empty')), false),
            coalesce(bool_or(status in ('loaded', 'empty') and window_end = %s), false),
            coalesce((array_agg(status order by fetch_id desc))[1] = any (%s), false)
        from audit.fetch where dataset = 'company_ticker'
        """,
        (today, [*DEGRADING]),
    ).fetchone()
    assert row is not None
    return _TickerList(*row)


def _days(connection: Connection, scope: Scope) -> Iterator[tuple[Gap, bool]]:
    """Each day since the first that was asked for, as a gap, and whether its index was read."""
    rows = connection.execute(
        """
        select day, is_read, status, (asked_at at time zone 'America/New_York')::date
        from audit.filing_index_day
        """
    ).fetchall()
    held = {day: rest for day, *rest in rows}
    before = last_index_day(scope.instant) - timedelta(days=INDEX_BEFORE_FILL_DAYS)
    first = max(min(held, default=before), scope.start or date.min)
    today = new_york_date(scope.instant)
    for day in index_days(first, scope.instant):
        if day > scope.end:
            break
        is_read, status, asked_on = held.get(day, (False, None, None))
        if status is None or asked_on is None or status in DEGRADING:
            yield Gap(DAY, status or NOT_ASKED, day, day, None, True), is_read
        else:
            yield Gap(DAY, "not_yet_published", day, day, None, asked_on < today), is_read


@contextmanager
def _open(scope: Scope, needs: Sequence[Need]) -> Iterator[Bring]:
    with ExitStack() as opened:
        yield FilingsBringer(scope, needs, opened).bring


FILINGS = Dataset("sec", survey_filings, _open, lambda scope: scope.settings.sec_batch_companies)
