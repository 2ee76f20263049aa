"""Extract past index members from the funds' quarterly reports at the SEC, Form N-PORT."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.edgar import first_session_after
from expectations.calendars.trading import new_york_date, session_dates
from expectations.tables.index_membership import CONTRACT, valid_member_rows
from tasks.extract.provider.errors import FetchError, outage
from tasks.extract.provider.fetch_log import FetchRecord, StartedFetch, to_frame
from tasks.extract.provider.frames import concat_typed, contract_dtypes, typed_frame
from tasks.extract.provider.http import connection_error
from tasks.extract.sec.client import DATA, WWW, SecSession
from tasks.extract.sec.errors import parse_errors_to_fetch_errors
from tasks.extract.sec.match_positions import NOT_EQUITY, KnownSecurities, match_positions
from tasks.extract.sec.parse_nport import (
    LISTED_COLUMNS,
    FundReport,
    find_series_id,
    parse_nport,
    parse_submissions,
)
from tasks.http_client import HttpError

PROVIDER, DATASET, SOURCE = "sec", "past_holdings", "nport"
# the header of a document, which names the series, ends well before
HEADER_BYTES = 16_384
MEMBER_COLUMNS = contract_dtypes(CONTRACT)
UNMATCHED_COLUMNS = MEMBER_COLUMNS | {"reason": "str"}


@dataclass(frozen=True)
class ReportRequest:
    """Request one report of a fund.

    Attributes:
        fund: A row of reference table fund.
        accession_number: Of the filing.
        report_date: The day that its positions describe, as the SEC lists it.
        filed_date: The day on which it was filed, and public.
    """

    fund: Mapping[str, str]
    accession_number: str
    report_date: date
    filed_date: date

    @property
    def item(self) -> str:
        """Return the fund, the item of the fetch record."""
        return self.fund["fund"]


@dataclass(frozen=True)
class ListedReport:
    """A filing of the trust's list that may be due.

    Attributes:
        accession_number: Of the filing.
        report_date: The day that its positions describe.
        filed_date: The day on which it was filed.
        due_series: The series whose snapshot of the day would be loaded from it.
    """

    accession_number: str
    report_date: date
    filed_date: date
    due_series: frozenset[str]


@dataclass(frozen=True)
class TrustFilings:
    """Hold the N-PORT filings of a trust, and the fetch of its list.

    Attributes:
        filings: One row per filing, columns `LISTED_COLUMNS`.
        fetches: One fetch record.
    """

    filings: pd.DataFrame
    fetches: pd.DataFrame


@dataclass(frozen=True)
class ReportExtract:
    """Hold the members of one report, its unmatched equity positions, and one fetch record."""

    members: pd.DataFrame
    unmatched: pd.DataFrame
    fetches: pd.DataFrame


@task(name="extract filings of trust", cache_policy=NO_CACHE)
def extract_trust_filings(
    trust_cik: int, start: date, now: datetime, sec: SecSession
) -> TrustFilings:
    """Extract the list of a trust's N-PORT filings since a day.

    Source:
        https://data.sec.gov/submissions/, updated within minutes of a filing. Public domain.
    """
    fetch = StartedFetch(PROVIDER, DATASET, f"CIK{trust_cik}", start, new_york_date(now))

    def fetch_page(name: str) -> tuple[pd.DataFrame, list[dict[str, str]]]:
        url = f"{DATA}/submissions/{name}"
        with parse_errors_to_fetch_errors(name, url):
            return parse_submissions(sec.client.json(url, name))

    def fetch_filings() -> pd.DataFrame:
        recent, pages = fetch_page(f"CIK{trust_cik:010d}.json")
        older = [fetch_page(page["name"])[0] for page in pages if page["filingTo"] >= str(start)]
        return concat_typed([recent, *older], LISTED_COLUMNS)

    result = sec.policy.call(fetch_filings)
    rows = concat_typed([] if result.value is None else [result.value], LISTED_COLUMNS)
    is_due = (rows["report_date"] >= pd.Timestamp(start)) & (
        rows["filed_date"] <= pd.Timestamp(new_york_date(now))
    )
    rows = rows[is_due].reset_index(drop=True)
    detail = f"{len(rows)} reports of all funds of the trust since {start}."
    record = fetch.finish(result.error, result.attempts, len(rows), detail)
    return TrustFilings(rows, to_frame([record]))


@task(name="find reports of funds", cache_policy=NO_CACHE)
def find_fund_reports(
    trust_cik: int,
    listed: Sequence[ListedReport],
    funds: Mapping[str, Mapping[str, str]],
    sec: SecSession,
) -> tuple[list[ReportRequest], pd.DataFrame]:
    """Find the reports of some series among the filings of their trust, by their headers.

    A trust has hundreds of funds and its list does not name them, so only the header of each
    document is read, and a report date is left as soon as all series have their newest filing. An
    amendment filed after the report of a later quarter would never be in force: the report that it
    amends is.

    Args:
        trust_cik: The trust.
        listed: Filings that may be due.
        funds: Series to the row of reference table fund.
        sec: The session of the run.

    Returns:
        The requests, newest report first, and a fetch record per header that could not be read.
    """
    requests: list[ReportRequest] = []
    fetches: list[FetchRecord] = []
    found: set[tuple[date, str]] = set()
    # series to the filing date of its next quarter's report
    next_filed: dict[str, date] = {}
    newest_first = sorted(listed, key=lambda each: (each.report_date, each.filed_date))[::-1]
    for each in newest_first:
        day = each.report_date
        if not {series for series in each.due_series if (day, series) not in found}:
            continue
        url = document_url(trust_cik, each.accession_number)
        fetch = StartedFetch(PROVIDER, DATASET, each.accession_number, day, day)
        result = sec.policy.call(partial(_read_series_id, url, sec))
        series = result.value
        if result.error is not None:
            fetches.append(fetch.finish(result.error, result.attempts))
        elif (
            series in each.due_series
            and (day, series) not in found
            and each.filed_date < next_filed.get(series, date.max)
        ):
            found.add((day, series))
            next_filed[series] = each.filed_date
            request = ReportRequest(funds[series], each.accession_number, day, each.filed_date)
            requests.append(request)
    return requests, to_frame(fetches)


@task(
    name="extract fund report",
    task_run_name="extract report of {request.item} as of {request.report_date}",
    cache_policy=NO_CACHE,
)
def extract_fund_report(
    request: ReportRequest, known: KnownSecurities, sec: SecSession
) -> ReportExtract:
    """Extract the members of an index from one report of its fund.

    Returns:
        One row per matched position in `members`, known from the first session after the filing
        date, and one per unmatched one in `unmatched`. A report is complete or absent.

    Source:
        https://www.sec.gov/Archives/edgar/data/, Form N-PORT: the third month of each quarter is
        public about 60 days after it ends, since late 2019. Amendments replace it. Public domain.
    """
    day = request.report_date
    fetch = StartedFetch(PROVIDER, DATASET, request.item, day, day)
    url = document_url(int(request.fund["trust_cik"]), request.accession_number)

    def fetch_report() -> FundReport:
        with parse_errors_to_fetch_errors(request.item, url):
            report = parse_nport(sec.client.get(url, request.item))
        if report.series_id != request.fund["series_id"] or report.report_date != day:
            detail = f"{url} is of {report.series_id} on {report.report_date}, not of {day}."
            raise FetchError("refused", "other_report", detail)
        if not (report.positions["asset_category"] == "EC").any():
            detail = f"{url} holds no common equity; nothing was loaded."
            raise FetchError("refused", "no_members", detail)
        return report

    result = sec.policy.call(fetch_report)
    if result.value is None:
        record = fetch.finish(result.error, result.attempts)
        return ReportExtract(
            typed_frame((), MEMBER_COLUMNS), typed_frame((), UNMATCHED_COLUMNS), to_frame([record])
        )
    members, unmatched = _split_members(request, match_positions(result.value.positions, known))
    if members.empty:
        detail = (
            f"{url}: none of {len(unmatched)} shares is of a known company; nothing was loaded. Run"
            " holdings and filings first: names are matched with theirs."
        )
        unknown = FetchError("refused", "no_known_company", detail)
        record = fetch.finish(unknown, result.attempts)
        return ReportExtract(members, unmatched, to_frame([record]))
    weight, rest = (frame["weight_pct_filed"].sum() for frame in (members, unmatched))
    detail = (
        f"{len(members)} members of {request.item} as of {day} with {weight:.2f} % of the fund;"
        f" {len(unmatched)} shares with {rest:.2f} % match no company, see audit.quarantine."
    )
    record = fetch.finish(None, result.attempts, len(members), detail)
    return ReportExtract(members, unmatched, to_frame([record]))


def last_session(day: date) -> date:
    """Return the session whose closes a report's day has: a quarter may end on a weekend."""
    return session_dates(day - timedelta(days=7), day)[-1]


def document_url(trust_cik: int, accession_number: str) -> str:
    """Return the address of a report's XML document."""
    folder = accession_number.replace("-", "")
    return f"{WWW}/Archives/edgar/data/{trust_cik}/{folder}/primary_doc.xml"


def _read_series_id(url: str, sec: SecSession) -> str | None:
    """Return the series of a document from its beginning; None if it names none.

    Raises:
        FetchError: There is no document.
    """
    client, resource = sec.client, url.rsplit("/", 2)[1]
    client.limiter.acquire()
    blocks, beginning = client.block_count, b""
    try:
        with client.http.stream("GET", url) as response:
            for chunk in response.iter_bytes():
                beginning += chunk
                if len(beginning) >= HEADER_BYTES or find_series_id(beginning):
                    break
    except HttpError as error:
        raise connection_error(url, resource, error) from error
    client.raise_for_block(response, beginning, resource, blocks)
    if b"edgarSubmission" not in beginning:
        raise outage("malformed", f"{resource}: {url} sent no N-PORT document.")
    return find_series_id(beginning)


def _split_members(
    request: ReportRequest, matched: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the members with their weights, and the unmatched shares."""
    shares = matched[matched["reason"] != NOT_EQUITY]
    known_from = first_session_after(pd.Series([pd.Timestamp(request.filed_date)])).iloc[0]
    common = {
        "fund": request.fund["fund"],
        "index_code": request.fund["index_code"],
        "as_of_date": pd.Timestamp(last_session(request.report_date)),
        "known_from": known_from,
        "source": SOURCE,
        "exchange": None,
    }
    rows = shares.rename(columns={"balance": "shares"}).assign(**common)
    rows["name"] = rows["title"].fillna(rows["name"])
    rows["price_usd"] = rows["market_value_usd"] / rows["shares"]
    rows["weight_pct"] = float("nan")
    is_matched = rows["reason"].isna()
    members = rows.loc[is_matched, list(MEMBER_COLUMNS)].astype(MEMBER_COLUMNS)
    members = members.reset_index(drop=True)
    value = members["market_value_usd"].where(valid_member_rows(members))
    members["weight_pct"] = 100 * value / value.dropna().sum()
    rest = rows[~is_matched].copy()
    # the key of a quarantined row: the identifier that the fund states in place of a ticker
    rest["ticker"] = rest["cusip"].fillna(rest["isin"]).fillna(rest["name"])
    unmatched = rest[list(UNMATCHED_COLUMNS)].astype(UNMATCHED_COLUMNS).reset_index(drop=True)
    return members, unmatched
