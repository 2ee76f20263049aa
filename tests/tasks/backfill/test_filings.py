"""What backfills of filings find missing, and what they ask for."""

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
INSTANT = datetime(2026, 2, 13, 23, tzinfo=UTC)
NOW, BEFORE = "2026-02-13 22:00+00", "2026-02-12 22:00+00"
TODAY, YESTERDAY = "2026-02-13", "2026-02-12"
DAYS = ("2026-02-09", "2026-02-10", "2026-02-11", "2026-02-12")
LIST = "company_tickers_exchange.json"
Note = Callable[..., None]


@pytest.fixture
def note(settings: Settings) -> Note:
    """Writes a request into the ledger, by a run whose clock stood at an instant."""

    def write(dataset: str, item: str, status: str = "loaded", at: str = NOW, **more: Any) -> None:
        reason = more.get("reason", None if status == "loaded" else status)
        day = more.get("day", at[:10])
        note_fetch(settings, new_run(settings, at), dataset, item, status, reason, day)

    return write


@pytest.fixture
def known(settings: Settings, query: Any, note: Note) -> Note:
    """The SEC's list as read on a day, and the days of the index since Monday."""

    def hold(
        companies: dict[str, int],
        at: str = NOW,
        days: tuple[str, ...] = DAYS,
        known_from: str = "2026-01-02",
    ) -> None:
        note("company_ticker", LIST, at=at)
        for ticker, cik in companies.items():
            query(
                settings,
                "insert into core.company_ticker (ticker, known_from, cik, name, loaded_at, run_id)"
                " values (%s, %s, %s, 'Corp', now(), 1) returning 1",
                (ticker, known_from, cik),
            )
        for day in days:
            note("filing_index", day, day=day)

    return hold


@pytest.fixture
def due(settings: Settings, query: Any) -> Note:
    """Notes a report that an index named."""

    def hold(cik: int, last_requested_on: str | None) -> None:
        query(
            settings,
            "insert into audit.pending_filing (cik, accession_number, form, filed_date,"
            " last_requested_on,"
            " run_id) values (%s, '0000000011-26-000001', '10-K', '2026-02-11', %s, 1) returning 1",
            (cik, last_requested_on),
        )

    return hold


@pytest.fixture
def survey(settings: Settings) -> Callable[..., BackfillPlan]:
    """A survey of filings, AAA and BBB being members of the Russell 2000."""
    follow(settings, "AAA", "BBB")

    def find(changed: dict[str, Any] | None = None, **parameters: Any) -> BackfillPlan:
        asked = {"dataset": "filings", "dry_run": True, **parameters}
        own = settings.model_copy(update=changed or {})
        return plan_filings_backfill(resolve_request(asked, ["filings"], INSTANT, own))

    return find


def answered(note: Note, *ciks: int) -> None:
    for cik in ciks:
        note("company_fact", str(cik))
        note("company", str(cik))


def test_at_first_members_and_the_last_days_are_asked_for(
    survey: Callable[..., BackfillPlan],
) -> None:
    found = survey()
    assert [(need.item, need.start, need.reason) for need in found.needs] == [
        ("AAA", None, "not_asked"),
        ("BBB", None, "not_asked"),
        # the days of the archive that may lack them: four before the newest, a weekend among them
        *(("filing index", date.fromisoformat(day), "not_asked") for day in DAYS),
    ]
    # the list, two files for each company, and the days
    assert found.estimated_requests == 1 + 2 * 2 + 4
    assert found.estimated_seconds == pytest.approx(9 / 6)
    assert "list of companies is not loaded yet" in found.notes[0]


def test_very_many_companies_are_one_archive(
    survey: Callable[..., BackfillPlan],
) -> None:
    # the list, the archive, what the two say of themselves, and the days
    assert survey({"sec_fill": "bulk"}).estimated_requests == 1 + 1 + 2 + 4


def test_what_was_answered_is_not_missing(
    survey: Callable[..., BackfillPlan], known: Note, note: Note
) -> None:
    known({"AAA": 11, "BBB": 22, "ZZZ": 99})
    answered(note, 11, 22)
    for mode in ("missing", "failed", "stale"):
        assert survey(mode=mode).needs == []
    assert survey().gaps == []
    everything = survey(mode="all")
    assert [need.item for need in everything.needs] == ["AAA", "BBB", *["filing index"] * 4]
    assert everything.estimated_requests == 2 * 2 + 4


@pytest.mark.parametrize(
    ("status", "reason", "wanted_by"),
    [
        (None, "not_asked", {"missing", "stale"}),
        ("throttled", "throttled", {"missing", "failed"}),
        ("refused", "refused", {"missing", "failed"}),
        ("not_found", "not_found", set()),
    ],
)
def test_a_company_without_facts(
    survey: Callable[..., BackfillPlan],
    known: Note,
    note: Note,
    status: str | None,
    reason: str,
    wanted_by: set[str],
) -> None:
    known({"AAA": 11, "BBB": 22})
    answered(note, 22)
    if status is not None:
        note("company_fact", "11", status)
    assert survey().gaps == [DataGap("AAA", reason, None, None, None, bool(wanted_by))]
    for mode in ("missing", "failed", "stale"):
        wanted = mode in wanted_by
        why = reason if mode == "missing" else mode
        assert survey(mode=mode).needs == (
            [WorkItem("AAA", None, why, None, True)] if wanted else []
        )


def test_a_failure_after_an_answer_is_a_failure(
    survey: Callable[..., BackfillPlan], known: Note, note: Note
) -> None:
    known({"AAA": 11, "BBB": 22})
    answered(note, 11, 22)
    note("company_fact", "11", "outage")
    assert survey(mode="failed").needs == [WorkItem("AAA", None, "failed", None, True)]


@pytest.mark.parametrize(
    ("last_requested_on", "is_due"), [(None, True), (YESTERDAY, True), (TODAY, False)]
)
def test_a_report_that_an_index_named_is_due_once_a_day(
    survey: Callable[..., BackfillPlan],
    known: Note,
    note: Note,
    due: Note,
    last_requested_on: str | None,
    is_due: bool,
) -> None:
    known({"AAA": 11, "BBB": 22})
    answered(note, 11, 22)
    due(11, last_requested_on)
    filed = date(2026, 2, 11)
    assert survey().gaps == [DataGap("AAA", "pending_filing", filed, filed, None, is_due)]
    expected = [WorkItem("AAA", filed, "pending_filing")] if is_due else []
    assert survey().needs == expected
    assert survey().estimated_requests == len(expected)
    assert survey(start="2026-02-12").gaps == []


def test_a_company_of_two_symbols_is_one(
    survey: Callable[..., BackfillPlan], known: Note, note: Note
) -> None:
    known({"AAA": 11, "BBB": 11})
    assert [need.item for need in survey().needs] == ["AAA"]


def test_a_symbol_that_the_list_lacks_waits_for_the_next_list(
    survey: Callable[..., BackfillPlan], known: Note, note: Note
) -> None:
    known({"AAA": 11})
    answered(note, 11)
    assert survey().gaps == [DataGap("BBB", "unknown_ticker", None, None, None, False)]
    assert survey().needs == []


def test_yesterdays_list_is_read_again_for_it(
    survey: Callable[..., BackfillPlan], known: Note, note: Note
) -> None:
    known({"AAA": 11}, at=BEFORE)
    answered(note, 11)
    assert [(need.item, need.reason) for need in survey().needs] == [("BBB", "unknown_ticker")]
    assert survey().estimated_requests == 1


@pytest.fixture
def ended(settings: Settings, query: Any, survey: Callable[..., BackfillPlan]) -> None:
    """The symbol BBB names its member no longer since 2 June 2025."""
    query(
        settings, "update core.ticker set valid_to = '2025-06-02' where ticker = 'BBB' returning 1"
    )


def test_a_member_that_was_renamed_is_found_by_the_symbol_that_it_has_now(
    settings: Settings, survey: Callable[..., BackfillPlan], known: Note, note: Note
) -> None:
    rename(settings, "BBB", "CCC", "2025-06-02")
    # the list was first read after the rename: it has the new symbol alone
    known({"AAA": 11, "CCC": 22})
    answered(note, 11)
    for scope in ({}, {"index": "R2000"}):
        assert survey(**scope).gaps == [DataGap("CCC", "not_asked", None, None, None, True)]
        assert survey(**scope).needs == [WorkItem("CCC", None, "not_asked", None, True)]


def test_a_company_that_took_over_a_members_symbol_is_not_the_members(
    survey: Callable[..., BackfillPlan], ended: None, known: Note, note: Note
) -> None:
    # the list was first read when the symbol was another's, who is no member
    known({"AAA": 11, "BBB": 99})
    answered(note, 11)
    assert survey().gaps == [DataGap("BBB", "unknown_ticker", None, None, None, False)]
    assert survey().needs == []
    # who names the symbol means the company that has it now
    assert survey(tickers=["BBB"]).needs == [WorkItem("BBB", None, "not_asked", None, True)]


def test_a_symbol_that_the_list_gave_to_two_companies(
    survey: Callable[..., BackfillPlan], ended: None, known: Note, note: Note
) -> None:
    known({"AAA": 11, "BBB": 22}, days=(), known_from="2025-01-02")
    known({"BBB": 99}, known_from="2025-06-10")
    answered(note, 11, 22)
    # the member's company is the first
    assert survey().gaps == []
    assert survey(index="R2000").gaps == []
    assert survey(tickers=["BBB"]).gaps == [DataGap("BBB", "not_asked", None, None, None, True)]
    answered(note, 99)
    note("company_fact", "22", "outage")
    # the symbol's is the second
    assert survey(tickers=["BBB"]).gaps == []
    assert survey().gaps == [DataGap("BBB", "outage", None, None, None, True)]


@pytest.mark.parametrize(
    ("status", "at", "reason", "wanted_by"),
    [
        ("outage", NOW, "outage", {"missing", "failed", "all"}),
        ("empty", NOW, "not_yet_published", {"all"}),
        ("empty", BEFORE, "not_yet_published", {"missing", "stale", "all"}),
    ],
)
def test_a_day_whose_index_was_not_had(
    survey: Callable[..., BackfillPlan],
    known: Note,
    note: Note,
    status: str,
    at: str,
    reason: str,
    wanted_by: set[str],
) -> None:
    known({"AAA": 11, "BBB": 22}, days=DAYS[:-1])
    answered(note, 11, 22)
    day = date.fromisoformat(DAYS[-1])
    note("filing_index", DAYS[-1], status, at, day=DAYS[-1], reason=reason)
    is_due = "missing" in wanted_by
    assert survey().gaps == [DataGap("filing index", reason, day, day, None, is_due)]
    for mode in ("missing", "failed", "stale", "all"):
        days = {need.start for need in survey(mode=mode).needs}
        assert (day in days) == (mode in wanted_by)
    assert survey(tickers=["AAA"]).gaps == []
    assert survey(end=DAYS[-2]).gaps == []


def test_who_is_meant(settings: Settings, survey: Callable[..., BackfillPlan], known: Note) -> None:
    with pytest.raises(InvalidBackfillRequest, match="ZZZ, which the warehouse does not follow"):
        survey(tickers=["ZZZ"])
    known({"ZZZ": 99})
    assert [need.item for need in survey(tickers=["ZZZ"]).needs] == ["ZZZ"]
    assert [need.item for need in survey(index="R2000").needs if need.item != "filing index"] == []
    with pytest.raises(InvalidBackfillRequest, match="run a backfill of holdings first"):
        survey(index="SP500")
    with pytest.raises(InvalidBackfillRequest, match="Set ROTATION_SEC_USER_AGENT"):
        survey(dry_run=False)
