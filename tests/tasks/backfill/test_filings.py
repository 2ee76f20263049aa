"""Test the gaps and work items of backfills of filings."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.backfill.datasets.filings import plan_filings_backfill
from tasks.backfill.plan import BackfillPlan, DataGap, WorkItem
from tasks.backfill.request import InvalidBackfillRequest, resolve_request
from tests.audit_rows import follow, new_run, note_fetch, rename
from warehouse.settings import Settings

# a Friday at 18:00 in New York: the newest index is Thursday's
LOGICAL_TIME = datetime(2026, 2, 13, 23, tzinfo=UTC)
NOW, BEFORE = "2026-02-13 22:00+00", "2026-02-12 22:00+00"
TODAY, YESTERDAY = "2026-02-13", "2026-02-12"
DAYS = ("2026-02-09", "2026-02-10", "2026-02-11", "2026-02-12")
TICKER_LIST = "company_tickers_exchange.json"
Record = Callable[..., None]
Plan = Callable[..., BackfillPlan]


@pytest.fixture
def record_fetch(settings: Settings) -> Record:
    """Record a fetch by a run with a logical time."""

    def write(dataset: str, item: str, status: str = "loaded", at: str = NOW, **more: Any) -> None:
        reason = more.get("reason", None if status == "loaded" else status)
        day = more.get("day", at[:10])
        note_fetch(settings, new_run(settings, at), dataset, item, status, reason, day)

    return write


@pytest.fixture
def store_ticker_list(settings: Settings, query: Any, record_fetch: Record) -> Record:
    """Store the SEC's ticker list as read on a day, and index days since Monday."""

    def store(
        companies: dict[str, int],
        at: str = NOW,
        days: tuple[str, ...] = DAYS,
        known_from: str = "2026-01-02",
    ) -> None:
        record_fetch("company_ticker", TICKER_LIST, at=at)
        for ticker, cik in companies.items():
            query(
                settings,
                "insert into core.company_ticker (ticker, known_from, cik, name, loaded_at, run_id)"
                " values (%s, %s, %s, 'Corp', now(), 1) returning 1",
                (ticker, known_from, cik),
            )
        for day in days:
            record_fetch("filing_index", day, day=day)

    return store


@pytest.fixture
def store_pending(settings: Settings, query: Any) -> Record:
    """Store a pending filing."""

    def store(cik: int, last_requested_on: str | None) -> None:
        query(
            settings,
            "insert into audit.pending_filing (cik, accession_number, form, filed_date,"
            " last_requested_on,"
            " run_id) values (%s, '0000000011-26-000001', '10-K', '2026-02-11', %s, 1) returning 1",
            (cik, last_requested_on),
        )

    return store


@pytest.fixture
def plan(settings: Settings) -> Plan:
    """Plan a backfill of filings; AAA and BBB are members of the Russell 2000."""
    follow(settings, "AAA", "BBB")

    def make_plan(changed: dict[str, Any] | None = None, **parameters: Any) -> BackfillPlan:
        given = {"dataset": "filings", "dry_run": True, **parameters}
        own = settings.model_copy(update=changed or {})
        return plan_filings_backfill(resolve_request(given, ["filings"], LOGICAL_TIME, own))

    return make_plan


def record_responses(record_fetch: Record, *ciks: int) -> None:
    for cik in ciks:
        record_fetch("company_fact", str(cik))
        record_fetch("company", str(cik))


def test_first_backfill_requests_members_and_the_last_index_days(
    plan: Plan,
) -> None:
    found = plan()
    assert [(each.item, each.start, each.reason) for each in found.work_items] == [
        ("AAA", None, "not_asked"),
        ("BBB", None, "not_asked"),
        # index days that the bulk file may lack: four before the newest, with a weekend
        *(("filing index", date.fromisoformat(day), "not_asked") for day in DAYS),
    ]
    # the ticker list, two files per company, the index days
    assert found.estimated_requests == 1 + 2 * 2 + 4
    assert found.estimated_seconds == pytest.approx(9 / 6)
    assert "list of companies is not loaded yet" in found.notes[0]


def test_many_companies_are_one_bulk_file(
    plan: Plan,
) -> None:
    # the ticker list, the bulk file, two profiles, the index days
    assert plan({"sec_fill": "bulk"}).estimated_requests == 1 + 1 + 2 + 4


def test_fetched_companies_and_days_are_not_missing(
    plan: Plan, store_ticker_list: Record, record_fetch: Record
) -> None:
    store_ticker_list({"AAA": 11, "BBB": 22, "ZZZ": 99})
    record_responses(record_fetch, 11, 22)
    for mode in ("missing", "failed", "stale"):
        assert plan(mode=mode).work_items == []
    assert plan().gaps == []
    everything = plan(mode="all")
    assert [each.item for each in everything.work_items] == ["AAA", "BBB", *["filing index"] * 4]
    assert everything.estimated_requests == 2 * 2 + 4


@pytest.mark.parametrize(
    ("status", "reason", "modes"),
    [
        (None, "not_asked", {"missing", "stale"}),
        ("throttled", "throttled", {"missing", "failed"}),
        ("refused", "refused", {"missing", "failed"}),
        ("not_found", "not_found", set()),
    ],
)
def test_company_without_facts(
    plan: Plan,
    store_ticker_list: Record,
    record_fetch: Record,
    status: str | None,
    reason: str,
    modes: set[str],
) -> None:
    store_ticker_list({"AAA": 11, "BBB": 22})
    record_responses(record_fetch, 22)
    if status is not None:
        record_fetch("company_fact", "11", status)
    assert plan().gaps == [DataGap("AAA", reason, None, None, None, bool(modes))]
    for mode in ("missing", "failed", "stale"):
        shown = reason if mode == "missing" else mode
        expected = [WorkItem("AAA", None, shown, None, True)] if mode in modes else []
        assert plan(mode=mode).work_items == expected


def test_failure_after_a_response_is_a_failure(
    plan: Plan, store_ticker_list: Record, record_fetch: Record
) -> None:
    store_ticker_list({"AAA": 11, "BBB": 22})
    record_responses(record_fetch, 11, 22)
    record_fetch("company_fact", "11", "outage")
    assert plan(mode="failed").work_items == [WorkItem("AAA", None, "failed", None, True)]


@pytest.mark.parametrize(
    ("last_requested_on", "is_fetchable"), [(None, True), (YESTERDAY, True), (TODAY, False)]
)
def test_pending_filing_is_requested_once_a_day(
    plan: Plan,
    store_ticker_list: Record,
    record_fetch: Record,
    store_pending: Record,
    last_requested_on: str | None,
    is_fetchable: bool,
) -> None:
    store_ticker_list({"AAA": 11, "BBB": 22})
    record_responses(record_fetch, 11, 22)
    store_pending(11, last_requested_on)
    filed = date(2026, 2, 11)
    assert plan().gaps == [DataGap("AAA", "pending_filing", filed, filed, None, is_fetchable)]
    expected = [WorkItem("AAA", filed, "pending_filing")] if is_fetchable else []
    assert plan().work_items == expected
    assert plan().estimated_requests == len(expected)
    assert plan(start="2026-02-12").gaps == []


def test_company_with_two_tickers_is_one_item(
    plan: Plan, store_ticker_list: Record, record_fetch: Record
) -> None:
    store_ticker_list({"AAA": 11, "BBB": 11})
    assert [each.item for each in plan().work_items] == ["AAA"]


def test_ticker_missing_from_the_list_waits_for_the_next_list(
    plan: Plan, store_ticker_list: Record, record_fetch: Record
) -> None:
    store_ticker_list({"AAA": 11})
    record_responses(record_fetch, 11)
    assert plan().gaps == [DataGap("BBB", "unknown_ticker", None, None, None, False)]
    assert plan().work_items == []


def test_yesterdays_list_is_read_again_for_an_unknown_ticker(
    plan: Plan, store_ticker_list: Record, record_fetch: Record
) -> None:
    store_ticker_list({"AAA": 11}, at=BEFORE)
    record_responses(record_fetch, 11)
    assert [(each.item, each.reason) for each in plan().work_items] == [("BBB", "unknown_ticker")]
    assert plan().estimated_requests == 1


@pytest.fixture
def former_ticker(settings: Settings, query: Any, plan: Plan) -> None:
    """BBB is no longer its member's ticker since 2 June 2025."""
    query(
        settings, "update core.ticker set valid_to = '2025-06-02' where ticker = 'BBB' returning 1"
    )


def test_renamed_member_is_found_by_its_current_ticker(
    settings: Settings, plan: Plan, store_ticker_list: Record, record_fetch: Record
) -> None:
    rename(settings, "BBB", "CCC", "2025-06-02")
    # the list was first read after the rename: it has only the new ticker
    store_ticker_list({"AAA": 11, "CCC": 22})
    record_responses(record_fetch, 11)
    for scope in ({}, {"index": "R2000"}):
        assert plan(**scope).gaps == [DataGap("CCC", "not_asked", None, None, None, True)]
        assert plan(**scope).work_items == [WorkItem("CCC", None, "not_asked", None, True)]


def test_company_with_a_members_former_ticker_is_not_the_member(
    plan: Plan, former_ticker: None, store_ticker_list: Record, record_fetch: Record
) -> None:
    # the list was first read when another company, not a member, had the ticker
    store_ticker_list({"AAA": 11, "BBB": 99})
    record_responses(record_fetch, 11)
    assert plan().gaps == [DataGap("BBB", "unknown_ticker", None, None, None, False)]
    assert plan().work_items == []
    # a requested ticker means the company that has it now
    assert plan(tickers=["BBB"]).work_items == [WorkItem("BBB", None, "not_asked", None, True)]


def test_ticker_that_the_list_gave_to_two_companies(
    plan: Plan, former_ticker: None, store_ticker_list: Record, record_fetch: Record
) -> None:
    store_ticker_list({"AAA": 11, "BBB": 22}, days=(), known_from="2025-01-02")
    store_ticker_list({"BBB": 99}, known_from="2025-06-10")
    record_responses(record_fetch, 11, 22)
    # the member's company is the first
    assert plan().gaps == []
    assert plan(index="R2000").gaps == []
    assert plan(tickers=["BBB"]).gaps == [DataGap("BBB", "not_asked", None, None, None, True)]
    record_responses(record_fetch, 99)
    record_fetch("company_fact", "22", "outage")
    # the ticker's company is the second
    assert plan(tickers=["BBB"]).gaps == []
    assert plan().gaps == [DataGap("BBB", "outage", None, None, None, True)]


@pytest.mark.parametrize(
    ("status", "at", "reason", "modes"),
    [
        ("outage", NOW, "outage", {"missing", "failed", "all"}),
        ("empty", NOW, "not_yet_published", {"all"}),
        ("empty", BEFORE, "not_yet_published", {"missing", "stale", "all"}),
    ],
)
def test_index_day_that_was_not_read(
    plan: Plan,
    store_ticker_list: Record,
    record_fetch: Record,
    status: str,
    at: str,
    reason: str,
    modes: set[str],
) -> None:
    store_ticker_list({"AAA": 11, "BBB": 22}, days=DAYS[:-1])
    record_responses(record_fetch, 11, 22)
    day = date.fromisoformat(DAYS[-1])
    record_fetch("filing_index", DAYS[-1], status, at, day=DAYS[-1], reason=reason)
    is_fetchable = "missing" in modes
    assert plan().gaps == [DataGap("filing index", reason, day, day, None, is_fetchable)]
    for mode in ("missing", "failed", "stale", "all"):
        days = {each.start for each in plan(mode=mode).work_items}
        assert (day in days) == (mode in modes)
    assert plan(tickers=["AAA"]).gaps == []
    assert plan(end=DAYS[-2]).gaps == []


def test_requested_companies(settings: Settings, plan: Plan, store_ticker_list: Record) -> None:
    with pytest.raises(InvalidBackfillRequest, match="ZZZ, which the warehouse does not follow"):
        plan(tickers=["ZZZ"])
    store_ticker_list({"ZZZ": 99})
    assert [each.item for each in plan(tickers=["ZZZ"]).work_items] == ["ZZZ"]
    assert [
        each.item for each in plan(index="R2000").work_items if each.item != "filing index"
    ] == []
    with pytest.raises(InvalidBackfillRequest, match="run a backfill of holdings first"):
        plan(index="SP500")
    with pytest.raises(InvalidBackfillRequest, match="Set ROTATION_SEC_USER_AGENT"):
        plan(dry_run=False)
