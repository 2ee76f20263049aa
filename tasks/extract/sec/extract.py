"""Tickers, reports and facts of companies, from the SEC."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.edgar import last_index_day, may_be_closed
from expectations.calendars.trading import new_york_date
from tasks.extract.provider.fetch_log import FetchRecord, stack, to_frame, utc_now
from tasks.extract.provider.policy import CallResult, FetchError
from tasks.extract.sec.bulk_facts import CompanyFactsZip
from tasks.extract.sec.client import DATA, WWW, SecSession
from tasks.extract.sec.parse import (
    COMPANY_COLUMNS,
    FACT_COLUMNS,
    FILING_COLUMNS,
    TICKER_COLUMNS,
    ParsedFacts,
    SecParseError,
    parse_company,
    parse_facts,
    parse_index,
    parse_tickers,
)

SOURCE = "sec"
TICKERS_FILE = "company_tickers_exchange.json"
# A weekday without an index that long ago never had one: the government was closed by decree.
MAX_INDEX_DELAY_DAYS = 10


@dataclass(frozen=True)
class CompanyRequest:
    """What to ask of one company.

    Attributes:
        cik: The SEC's number of the filer.
        fetch_facts: Whether to ask for its facts.
        fetch_profile: Whether to ask what it says of itself, where it has facts.
    """

    cik: int
    fetch_facts: bool = True
    fetch_profile: bool = True


@dataclass(frozen=True)
class SecExtract:
    """Rows as the parse functions return them, and one fetch per request.

    Attributes:
        rows: Tickers or filings.
        fetches: The ledger.
    """

    rows: pd.DataFrame
    fetches: pd.DataFrame


@dataclass(frozen=True)
class CompanyBatch:
    """What some companies' replies say.

    Attributes:
        facts: As `parse_facts` returns them.
        companies: As `parse_company` returns them.
        fetches: The ledger.
        filings: `cik, accession_number` of every filing that a reply had facts of.
        completed_ciks: Companies whose facts came, or of which the SEC has none.
    """

    facts: pd.DataFrame
    companies: pd.DataFrame
    fetches: pd.DataFrame
    filings: pd.DataFrame
    completed_ciks: list[int]


@task(name="extract company tickers", cache_policy=NO_CACHE)
def extract_company_tickers(now: datetime, sec: SecSession) -> SecExtract:
    """Which company each ticker stands for today.

    Returns:
        One row per ticker; empty where the SEC gave no usable list.

    Source:
        https://www.sec.gov/files/company_tickers_exchange.json; current listings only.
    """
    started_at, today = utc_now(), new_york_date(now)
    url = f"{WWW}/files/{TICKERS_FILE}"

    def fetch() -> pd.DataFrame:
        content = sec.client.json(url, TICKERS_FILE)
        with _parse_errors_to_fetch_errors(TICKERS_FILE, url):
            return parse_tickers(content, today)

    answer = sec.dealings.call(fetch)
    rows = stack([] if answer.value is None else [answer.value], TICKER_COLUMNS)
    fault = answer.fault
    if fault is None and rows.empty:
        fault = FetchError("empty", "no_tickers", f"{url} lists no ticker.")
    record = _fetch("company_ticker", TICKERS_FILE, answer, started_at, (today, today))
    record = replace(record, rows=len(rows), detail=f"{len(rows)} tickers.")
    return SecExtract(rows, to_frame([_with_error(record, fault)]))


@task(
    name="extract filing index",
    task_run_name="extract filing index of {day}",
    cache_policy=NO_CACHE,
)
def extract_filing_index(day: date, now: datetime, sec: SecSession) -> SecExtract:
    """The reports with accounts that were filed on a day.

    Returns:
        One row per filer and filing. A day on which EDGAR was closed is `empty` in the ledger; so
        is one whose index is not there yet, which is asked for again.

    Source:
        https://www.sec.gov/Archives/edgar/daily-index/, about 22:00 New York; not revised.
    """
    started_at = utc_now()
    quarter = (day.month + 2) // 3
    url = f"{WWW}/Archives/edgar/daily-index/{day.year}/QTR{quarter}/form.{day:%Y%m%d}.idx"
    resource = f"the filings of {day}"

    def question() -> pd.DataFrame:
        body = sec.client.get(url, resource)
        with _parse_errors_to_fetch_errors(resource, url):
            return parse_index(body.decode("latin-1").replace("\r\n", "\n"))

    answer = sec.dealings.call(question)
    rows = stack([] if answer.value is None else [answer.value], FILING_COLUMNS)
    fault = answer.fault
    if fault is not None and fault.status == "not_found":
        fault = _missing_index_error(day, now, fault)
    fetch = _fetch("filing_index", day.isoformat(), answer, started_at, (day, day))
    fetch = replace(fetch, rows=len(rows), detail=f"{len(rows)} reports filed on {day}.")
    return SecExtract(rows, to_frame([_with_error(fetch, fault)]))


def _missing_index_error(day: date, now: datetime, fault: FetchError) -> FetchError:
    """What it means that a day has no index: closed or late; the night after is too soon."""
    nights = (last_index_day(now) - day).days
    if nights > 0 and may_be_closed(day):
        return FetchError("empty", "edgar_closed", f"EDGAR was closed on {day}: {fault.detail}")
    if nights >= MAX_INDEX_DELAY_DAYS:
        detail = f"EDGAR never had an index of {day}: {fault.detail}"
        return FetchError("empty", "never_published", detail)
    detail = f"The index of {day} is not there yet; the next run asks again: {fault.detail}"
    return FetchError("empty", "not_yet_published", detail)


@task(name="extract companies", cache_policy=NO_CACHE)
def extract_companies(
    requests: Sequence[CompanyRequest],
    now: datetime,
    sec: SecSession,
    archive: CompanyFactsZip | None = None,
) -> CompanyBatch:
    """Facts of some companies as filed, and what the companies say of themselves.

    A failed company never loses the others.

    Args:
        requests: What to ask.
        now: The instant that counts as now.
        sec: The way to the SEC.
        archive: Where to read the facts from; None: from the SEC, one company at a time.

    Returns:
        One row per fact and filing in `facts`, one per company in `companies`, one per request and
        file in `fetches`. A company's facts are whole or absent, never partial.

    Source:
        https://data.sec.gov/api/xbrl/companyfacts/ and /submissions/; within minutes of a filing.
        Public domain.
    """
    today = new_york_date(now)
    pool = ThreadPoolExecutor(sec.settings.sec_concurrency, thread_name_prefix="sec")
    try:
        found = list(pool.map(lambda request: _extract_one(request, today, sec, archive), requests))
    except BaseException:
        # when the run is cancelled, threads that wait, be it for a reply, must not hold up its end
        sec.dealings.cancel()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    filings = [
        (one.cik, accession)
        for one in found
        if one.facts is not None
        for accession in sorted(one.facts.accessions)
    ]
    return CompanyBatch(
        facts=stack((one.facts.frame for one in found if one.facts), FACT_COLUMNS),
        companies=stack((one.company for one in found if one.company is not None), COMPANY_COLUMNS),
        fetches=to_frame(fetch for one in found for fetch in one.fetches),
        filings=pd.DataFrame(filings, columns=["cik", "accession_number"]),
        completed_ciks=[one.cik for one in found if one.is_answered],
    )


@dataclass(frozen=True)
class _CompanyResult:
    """What came of one company."""

    cik: int
    facts: ParsedFacts | None
    company: pd.DataFrame | None
    fetches: list[FetchRecord]
    is_answered: bool


def _extract_one(
    request: CompanyRequest, today: date, sec: SecSession, archive: CompanyFactsZip | None
) -> _CompanyResult:
    fetches = []
    facts, is_answered, has_facts = None, False, True
    if request.fetch_facts:
        started_at = utc_now()
        answer = sec.dealings.call(lambda: _facts(request.cik, sec, archive))
        facts, fault = answer.value, answer.fault
        is_answered = fault is None or fault.status == "not_found"
        has_facts = facts is not None
        fetch = _fetch("company_fact", str(request.cik), answer, started_at, (None, today))
        if facts is not None:
            fetch = replace(fetch, rows=len(facts.frame), detail=_facts_detail(facts, archive))
        fetches.append(_with_error(fetch, fault))
    company = None
    if request.fetch_profile and has_facts:
        started_at = utc_now()
        said = sec.dealings.call(lambda: _company(request.cik, sec))
        company = said.value
        fetch = _fetch("company", str(request.cik), said, started_at, (None, today))
        if company is not None:
            fetch = replace(fetch, rows=1, detail=f"{company['name'].iloc[0]}.")
        fetches.append(_with_error(fetch, said.fault))
    return _CompanyResult(request.cik, facts, company, fetches, is_answered)


def _facts_detail(facts: ParsedFacts, archive: CompanyFactsZip | None) -> str:
    newest = facts.frame["filed_date"].max()
    filed = "" if pd.isna(newest) else f", filed to {newest:%Y-%m-%d}"
    skipped = (
        f"; {facts.skipped_unit_count} in units that are not listed"
        if facts.skipped_unit_count
        else ""
    )
    origin = " from the archive of all companies" if archive else ""
    return f"{len(facts.frame)} facts of listed concepts{origin}{filed}{skipped}."


def _facts(cik: int, sec: SecSession, archive: CompanyFactsZip | None) -> ParsedFacts:
    what = f"facts of company {cik}"
    url = f"{DATA}/api/xbrl/companyfacts/CIK{cik:010}.json"
    content = sec.client.json(url, what) if archive is None else archive.read(cik)
    with _parse_errors_to_fetch_errors(what, url):
        return parse_facts(cik, content)


def _company(cik: int, sec: SecSession) -> pd.DataFrame:
    what = f"submissions of company {cik}"
    url = f"{DATA}/submissions/CIK{cik:010}.json"
    content = sec.client.json(url, what)
    with _parse_errors_to_fetch_errors(what, url):
        return parse_company(cik, content)


class _parse_errors_to_fetch_errors:
    """Turns what a parse function refuses into the fault that it is."""

    def __init__(self, what: str, url: str) -> None:
        self._what, self._url = what, url

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, SecParseError):
            detail = f"{self._what}: what {self._url} sent is not what it should be: {error}."
            raise FetchError("outage", "malformed", detail, is_retryable=True) from error


def _fetch(
    dataset: str,
    item: str,
    answer: CallResult[Any],
    started_at: datetime,
    window: tuple[date | None, date],
) -> FetchRecord:
    return FetchRecord(
        source=SOURCE,
        dataset=dataset,
        item=item,
        window_start=window[0],
        window_end=window[1],
        status="loaded",
        reason=None,
        detail="",
        rows=0,
        attempts=answer.attempts,
        started_at=started_at,
        finished_at=utc_now(),
    )


def _with_error(fetch: FetchRecord, fault: FetchError | None) -> FetchRecord:
    """The fetch with the fault's words, where there is one."""
    if fault is None:
        return fetch
    return replace(fetch, status=fault.status, reason=fault.reason, detail=fault.detail)
