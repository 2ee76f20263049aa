"""Tickers, reports and facts of companies, from the SEC."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.filing_days import is_closed, last_index_day
from expectations.sessions import new_york_date
from tasks.extract.ledger import Fetch, stack, to_frame, utc_now
from tasks.extract.politeness import Answer, Fault
from tasks.extract.sec_archive import Archive
from tasks.extract.sec_client import DATA, WWW, Sec
from tasks.extract.sec_replies import (
    COMPANY_COLUMNS,
    FACT_COLUMNS,
    FILING_COLUMNS,
    TICKER_COLUMNS,
    Facts,
    Malformed,
    parse_company,
    parse_facts,
    parse_index,
    parse_tickers,
)

SOURCE = "sec"
TICKERS_FILE = "company_tickers_exchange.json"
# A weekday without an index that long ago never had one: the government was closed by decree.
INDEX_GIVEN_UP_AFTER_DAYS = 10


@dataclass(frozen=True)
class CompanyRequest:
    """What to ask of one company.

    Attributes:
        cik: The SEC's number of the filer.
        wants_facts: Whether to ask for its facts.
        wants_company: Whether to ask what it says of itself, where it has facts.
    """

    cik: int
    wants_facts: bool = True
    wants_company: bool = True


@dataclass(frozen=True)
class SecReply:
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
        answered: Companies whose facts came, or of which the SEC has none.
    """

    facts: pd.DataFrame
    companies: pd.DataFrame
    fetches: pd.DataFrame
    filings: pd.DataFrame
    answered: list[int]


@task(name="extract company tickers", cache_policy=NO_CACHE)
def extract_company_tickers(now: datetime, sec: Sec) -> SecReply:
    """Which company each ticker stands for today.

    Returns:
        One row per ticker; empty where the SEC gave no usable list.

    Source:
        https://www.sec.gov/files/company_tickers_exchange.json; current listings only.
    """
    started_at, today = utc_now(), new_york_date(now)
    url = f"{WWW}/files/{TICKERS_FILE}"

    def question() -> pd.DataFrame:
        content = sec.client.json(url, TICKERS_FILE)
        with _understood(TICKERS_FILE, url):
            return parse_tickers(content, today)

    answer = sec.dealings.ask(question)
    rows = stack([] if answer.value is None else [answer.value], TICKER_COLUMNS)
    fault = answer.fault
    if fault is None and rows.empty:
        fault = Fault("empty", "no_tickers", f"{url} lists no ticker.")
    fetch = _fetch("company_ticker", TICKERS_FILE, answer, started_at, (today, today))
    fetch = replace(fetch, rows=len(rows), detail=f"{len(rows)} tickers.")
    return SecReply(rows, to_frame([_told(fetch, fault)]))


@task(
    name="extract filing index",
    task_run_name="extract filing index of {day}",
    cache_policy=NO_CACHE,
)
def extract_filing_index(day: date, now: datetime, sec: Sec) -> SecReply:
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
    what = f"the filings of {day}"

    def question() -> pd.DataFrame:
        body = sec.client.get(url, what)
        with _understood(what, url):
            return parse_index(body.decode("latin-1").replace("\r\n", "\n"))

    answer = sec.dealings.ask(question)
    rows = stack([] if answer.value is None else [answer.value], FILING_COLUMNS)
    fault = answer.fault
    if fault is not None and fault.status == "not_found":
        fault = _no_index(day, now, fault)
    fetch = _fetch("filing_index", day.isoformat(), answer, started_at, (day, day))
    fetch = replace(fetch, rows=len(rows), detail=f"{len(rows)} reports filed on {day}.")
    return SecReply(rows, to_frame([_told(fetch, fault)]))


def _no_index(day: date, now: datetime, fault: Fault) -> Fault:
    """What it means that a day has no index: closed or late; the night after is too soon."""
    nights = (last_index_day(now) - day).days
    if nights > 0 and is_closed(day):
        return Fault("empty", "closed", f"EDGAR was closed on {day}: {fault.detail}")
    if nights >= INDEX_GIVEN_UP_AFTER_DAYS:
        detail = f"EDGAR never had an index of {day}: {fault.detail}"
        return Fault("empty", "never_published", detail)
    detail = f"The index of {day} is not there yet; the next run asks again: {fault.detail}"
    return Fault("empty", "not_yet_published", detail)


@task(name="extract companies", cache_policy=NO_CACHE)
def extract_companies(
    requests: Sequence[CompanyRequest], now: datetime, sec: Sec, archive: Archive | None = None
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
        sec.dealings.close()
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
        answered=[one.cik for one in found if one.is_answered],
    )


@dataclass(frozen=True)
class _One:
    """What came of one company."""

    cik: int
    facts: Facts | None
    company: pd.DataFrame | None
    fetches: list[Fetch]
    is_answered: bool


def _extract_one(request: CompanyRequest, today: date, sec: Sec, archive: Archive | None) -> _One:
    fetches = []
    facts, is_answered, has_facts = None, False, True
    if request.wants_facts:
        started_at = utc_now()
        answer = sec.dealings.ask(lambda: _facts(request.cik, sec, archive))
        facts, fault = answer.value, answer.fault
        is_answered = fault is None or fault.status == "not_found"
        has_facts = facts is not None
        fetch = _fetch("company_fact", str(request.cik), answer, started_at, (None, today))
        if facts is not None:
            fetch = replace(fetch, rows=len(facts.frame), detail=_said(facts, archive))
        fetches.append(_told(fetch, fault))
    company = None
    if request.wants_company and has_facts:
        started_at = utc_now()
        said = sec.dealings.ask(lambda: _company(request.cik, sec))
        company = said.value
        fetch = _fetch("company", str(request.cik), said, started_at, (None, today))
        if company is not None:
            fetch = replace(fetch, rows=1, detail=f"{company['name'].iloc[0]}.")
        fetches.append(_told(fetch, said.fault))
    return _One(request.cik, facts, company, fetches, is_answered)


def _said(facts: Facts, archive: Archive | None) -> str:
    newest = facts.frame["filed_date"].max()
    filed = "" if pd.isna(newest) else f", filed to {newest:%Y-%m-%d}"
    skipped = f"; {facts.other_units} in units that are not listed" if facts.other_units else ""
    origin = " from the archive of all companies" if archive else ""
    return f"{len(facts.frame)} facts of listed concepts{origin}{filed}{skipped}."


def _facts(cik: int, sec: Sec, archive: Archive | None) -> Facts:
    what = f"facts of company {cik}"
    url = f"{DATA}/api/xbrl/companyfacts/CIK{cik:010}.json"
    content = sec.client.json(url, what) if archive is None else archive.read(cik)
    with _understood(what, url):
        return parse_facts(cik, content)


def _company(cik: int, sec: Sec) -> pd.DataFrame:
    what = f"submissions of company {cik}"
    url = f"{DATA}/submissions/CIK{cik:010}.json"
    content = sec.client.json(url, what)
    with _understood(what, url):
        return parse_company(cik, content)


class _understood:
    """Turns what a parse function refuses into the fault that it is."""

    def __init__(self, what: str, url: str) -> None:
        self._what, self._url = what, url

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, Malformed):
            detail = f"{self._what}: what {self._url} sent is not what it should be: {error}."
            raise Fault("outage", "malformed", detail, is_retryable=True) from error


def _fetch(
    dataset: str,
    item: str,
    answer: Answer[Any],
    started_at: datetime,
    window: tuple[date | None, date],
) -> Fetch:
    return Fetch(
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


def _told(fetch: Fetch, fault: Fault | None) -> Fetch:
    """The fetch with the fault's words, where there is one."""
    if fault is None:
        return fetch
    return replace(fetch, status=fault.status, reason=fault.reason, detail=fault.detail)
