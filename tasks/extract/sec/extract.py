"""Extract tickers, filing indexes, company profiles and XBRL facts from the SEC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.edgar import last_index_day, may_be_closed
from expectations.calendars.trading import new_york_date
from tasks.extract.provider.errors import FetchError
from tasks.extract.provider.fetch_log import FetchRecord, StartedFetch, to_frame
from tasks.extract.provider.frames import concat_typed
from tasks.extract.sec.bulk_facts import CompanyFactsZip
from tasks.extract.sec.client import DATA, WWW, SecSession
from tasks.extract.sec.errors import parse_errors_to_fetch_errors
from tasks.extract.sec.parse import (
    COMPANY_COLUMNS,
    FILING_COLUMNS,
    TICKER_COLUMNS,
    ParsedFacts,
    parse_company,
    parse_facts,
    parse_index,
    parse_tickers,
    to_fact_frame,
)

PROVIDER = "sec"
TICKERS_FILE = "company_tickers_exchange.json"
# A weekday without an index for so long never had one: the government was closed by decree.
MAX_INDEX_DELAY_DAYS = 10


@dataclass(frozen=True)
class CompanyRequest:
    """Request one company.

    Attributes:
        cik: The SEC's number of the filer.
        fetch_facts: Whether to request its facts.
        fetch_profile: Whether to request its profile; skipped if it has no facts.
    """

    cik: int
    fetch_facts: bool = True
    fetch_profile: bool = True


@dataclass(frozen=True)
class SecExtract:
    """Hold tickers or filings as the parse functions return them, and one fetch.

    Attributes:
        rows: Tickers or filings.
        fetches: The fetch record.
    """

    rows: pd.DataFrame
    fetches: pd.DataFrame


@dataclass(frozen=True)
class CompanyBatch:
    """Hold facts and profiles of some companies.

    Attributes:
        facts: As `to_fact_frame` returns them.
        companies: As `parse_company` returns them.
        fetches: One fetch record per company and dataset.
        filings: `cik, accession_number` of every filing with facts.
        completed_ciks: Companies with facts, or without any at the SEC.
    """

    facts: pd.DataFrame
    companies: pd.DataFrame
    fetches: pd.DataFrame
    filings: pd.DataFrame
    completed_ciks: list[int]


@task(name="extract company tickers", cache_policy=NO_CACHE)
def extract_company_tickers(now: datetime, sec: SecSession) -> SecExtract:
    """Extract today's mapping of tickers to companies.

    Returns:
        One row per ticker; empty if the SEC sent no usable list.

    Source:
        https://www.sec.gov/files/company_tickers_exchange.json. Updated during the day, current
        listings only, no history. Public domain.
    """
    today = new_york_date(now)
    url = f"{WWW}/files/{TICKERS_FILE}"
    fetch = StartedFetch(PROVIDER, "company_ticker", TICKERS_FILE, today, today)

    def fetch_tickers() -> pd.DataFrame:
        content = sec.client.json(url, TICKERS_FILE)
        with parse_errors_to_fetch_errors(TICKERS_FILE, url):
            return parse_tickers(content, today)

    result = sec.policy.call(fetch_tickers)
    rows = concat_typed([] if result.value is None else [result.value], TICKER_COLUMNS)
    error = result.error
    if error is None and rows.empty:
        error = FetchError("empty", "no_tickers", f"{url} lists no ticker.")
    record = fetch.finish(error, result.attempts, len(rows), f"{len(rows)} tickers.")
    return SecExtract(rows, to_frame([record]))


@task(
    name="extract filing index",
    task_run_name="extract filing index of {day}",
    cache_policy=NO_CACHE,
)
def extract_filing_index(day: date, now: datetime, sec: SecSession) -> SecExtract:
    """Extract the reports with financial statements filed on a day.

    Returns:
        One row per filer and filing. The fetch is `empty` if EDGAR was closed on the day, or if
        the index is not published yet; the latter is requested again.

    Source:
        https://www.sec.gov/Archives/edgar/daily-index/. Published at about 22:00 New York, not
        revised. Public domain.
    """
    quarter = (day.month + 2) // 3
    url = f"{WWW}/Archives/edgar/daily-index/{day.year}/QTR{quarter}/form.{day:%Y%m%d}.idx"
    resource = f"the filings of {day}"
    fetch = StartedFetch(PROVIDER, "filing_index", day.isoformat(), day, day)

    def fetch_index() -> pd.DataFrame:
        body = sec.client.get(url, resource)
        with parse_errors_to_fetch_errors(resource, url):
            return parse_index(body.decode("latin-1").replace("\r\n", "\n"))

    result = sec.policy.call(fetch_index)
    rows = concat_typed([] if result.value is None else [result.value], FILING_COLUMNS)
    error = result.error
    if error is not None and error.status == "not_found":
        error = _missing_index_error(day, now, error)
    detail = f"{len(rows)} reports filed on {day}."
    record = fetch.finish(error, result.attempts, len(rows), detail)
    return SecExtract(rows, to_frame([record]))


def _missing_index_error(day: date, now: datetime, error: FetchError) -> FetchError:
    """Return why a day has no index: EDGAR closed, never published, or not published yet."""
    nights = (last_index_day(now) - day).days
    if nights > 0 and may_be_closed(day):
        return FetchError("empty", "edgar_closed", f"EDGAR was closed on {day}: {error.detail}")
    if nights >= MAX_INDEX_DELAY_DAYS:
        detail = f"EDGAR never had an index of {day}: {error.detail}"
        return FetchError("empty", "never_published", detail)
    detail = f"The index of {day} is not published yet; the next run requests it: {error.detail}"
    return FetchError("empty", "not_yet_published", detail)


@task(name="extract companies", cache_policy=NO_CACHE)
def extract_companies(
    requests: Sequence[CompanyRequest],
    now: datetime,
    sec: SecSession,
    bulk_facts: CompanyFactsZip | None = None,
) -> CompanyBatch:
    """Extract facts as filed, and profiles, of some companies.

    A failed company does not affect the others. For an example see `open_sec_session`.

    Args:
        requests: One per company.
        now: The logical time.
        sec: The open session of the run.
        bulk_facts: The bulk file to read facts from; None to request each company's facts.

    Returns:
        One row per fact and filing in `facts`, one per company in `companies`, one per company
        and dataset in `fetches`. A company's facts are complete or absent, never partial.

    Source:
        https://data.sec.gov/api/xbrl/companyfacts/ and /submissions/. Published within minutes of
        a filing; revisions are new filings. Public domain.
    """
    today = new_york_date(now)
    results = sec.policy.map_concurrently(
        lambda request: _extract_one(request, today, sec, bulk_facts),
        requests,
        threads=sec.settings.sec_concurrency,
        name=PROVIDER,
    )
    filings = [
        (result.cik, accession)
        for result in results
        if result.facts is not None
        for accession in sorted(result.facts.accessions)
    ]
    companies = (result.company for result in results if result.company is not None)
    return CompanyBatch(
        facts=to_fact_frame(result.facts for result in results if result.facts),
        companies=concat_typed(companies, COMPANY_COLUMNS),
        fetches=to_frame(fetch for result in results for fetch in result.fetches),
        filings=pd.DataFrame(filings, columns=["cik", "accession_number"]),
        completed_ciks=[result.cik for result in results if result.is_complete],
    )


@dataclass(frozen=True)
class _CompanyResult:
    """Hold the result of one company."""

    cik: int
    facts: ParsedFacts | None
    company: pd.DataFrame | None
    fetches: list[FetchRecord]
    is_complete: bool


def _extract_one(
    request: CompanyRequest, today: date, sec: SecSession, bulk_facts: CompanyFactsZip | None
) -> _CompanyResult:
    cik, fetches = request.cik, []
    facts, is_complete, has_facts = None, False, True
    if request.fetch_facts:
        fetch = StartedFetch(PROVIDER, "company_fact", str(cik), None, today)
        facts_result = sec.policy.call(lambda: _fetch_facts(cik, sec, bulk_facts))
        facts, error = facts_result.value, facts_result.error
        is_complete = error is None or error.status == "not_found"
        has_facts = facts is not None
        if facts is not None and facts.unreadable_reason is not None:
            error = _unreadable_error(cik, facts.unreadable_reason)
        rows, detail = (facts.fact_count, _facts_detail(facts, bulk_facts)) if facts else (0, "")
        fetches.append(fetch.finish(error, facts_result.attempts, rows, detail))
    company = None
    if request.fetch_profile and has_facts:
        fetch = StartedFetch(PROVIDER, "company", str(cik), None, today)
        company_result = sec.policy.call(lambda: _fetch_company(cik, sec))
        company, error = company_result.value, company_result.error
        rows, detail = (0, "") if company is None else (1, f"{company['name'].iloc[0]}.")
        fetches.append(fetch.finish(error, company_result.attempts, rows, detail))
    return _CompanyResult(cik, facts, company, fetches, is_complete)


def _unreadable_error(cik: int, reason: str) -> FetchError:
    causes = {
        "ifrs": "under IFRS",
        "other_currency": "in another currency than USD",
        "no_listed_tag": "without any tag of warehouse/reference/concept.csv",
    }
    detail = f"The newest reports of company {cik} are {causes[reason]}: no amount is read."
    return FetchError("unreadable", reason, detail)


def _facts_detail(facts: ParsedFacts, bulk_facts: CompanyFactsZip | None) -> str:
    newest = facts.newest_filed_date
    filed = "" if pd.isna(newest) else f", filed to {newest:%Y-%m-%d}"
    skipped = (
        f"; {facts.skipped_unit_count} in units that are not listed"
        if facts.skipped_unit_count
        else ""
    )
    origin = " from companyfacts.zip" if bulk_facts else ""
    return f"{facts.fact_count} facts of listed concepts{origin}{filed}{skipped}."


def _fetch_facts(cik: int, sec: SecSession, bulk_facts: CompanyFactsZip | None) -> ParsedFacts:
    resource = f"facts of company {cik}"
    url = f"{DATA}/api/xbrl/companyfacts/CIK{cik:010}.json"
    content = sec.client.json(url, resource) if bulk_facts is None else bulk_facts.read(cik)
    with parse_errors_to_fetch_errors(resource, url):
        return parse_facts(cik, content)


def _fetch_company(cik: int, sec: SecSession) -> pd.DataFrame:
    resource = f"submissions of company {cik}"
    url = f"{DATA}/submissions/CIK{cik:010}.json"
    content = sec.client.json(url, resource)
    with parse_errors_to_fetch_errors(resource, url):
        return parse_company(cik, content)
