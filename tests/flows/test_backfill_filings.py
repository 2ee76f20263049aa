"""A backfill of filings as a whole flow: from nothing, after a missed week, after an outage."""

from pathlib import Path

import pytest

from tests.audit_rows import follow, rename
from tests.flows.conftest import MakeReplay
from tests.flows.filings import CLOCK, COMPANIES, FIRST_CIK, HELD, TICKERS, asked, in_usd

SICK = f"CIK{FIRST_CIK + 5:010}.json"


@pytest.mark.slow
@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
def test_it_fills_catches_up_and_then_has_nothing_to_do(
    start_replay: MakeReplay, filings_tape: Path, order: str
) -> None:
    replay = start_replay(filings_tape, CLOCK)
    follow(replay.settings, "OLD", *TICKERS[1:], "SPY")
    # the SEC's list has the new symbol alone
    rename(replay.settings, "OLD", TICKERS[0], "2024-01-02")
    backfill = {"dataset": "filings", "order": order, "env": {"ROTATION_SEC_BATCH_COMPANIES": "5"}}
    replay.sandbox.add_fault("status", path=f"companyfacts/{SICK}", status=503, count=None)
    end = replay.run("backfill", **backfill)
    assert end.state == "Degraded", end.output
    assert f"1 outage: {FIRST_CIK + 5}" in end.message
    last = end.message.splitlines()[-1]
    assert last == "Still missing, number of items by reason: outage 1, unknown_ticker 1."
    assert asked(replay, "company_tickers") == ["company_tickers_exchange.json"]

    replay.sandbox.clear_faults()
    replay.sandbox.clear_requests()
    end = replay.run("backfill", **backfill, mode="failed")
    assert end.state == "Completed", end.output
    assert asked(replay) == [SICK, SICK]
    assert set(replay.rows(HELD)) == in_usd(filings_tape, "2024-05-01")

    # a week without runs: its days name twelve reports
    replay.sandbox.clear_requests()
    replay.sandbox.set_clock("2024-05-10T12:00:00+00:00")
    end = replay.run("backfill", **backfill)
    assert end.state == "Completed", end.output
    assert set(replay.rows(HELD)) == in_usd(filings_tape, "2024-05-10")
    assert len(asked(replay, "daily-index")) == 7
    assert (
        len(asked(replay, "companyfacts")) == len(set(asked(replay, "companyfacts"))) == COMPANIES
    )
    assert replay.column("select count(*) from audit.pending_filing") == [0]

    replay.sandbox.clear_requests()
    end = replay.run("backfill", **backfill)
    assert (end.state, end.message.split(":")[0]) == ("Completed", "Nothing to do"), end.output
    assert replay.run("filings").state == "Completed"
    assert asked(replay) == []


@pytest.mark.slow
def test_very_many_companies_come_by_the_archive(
    start_replay: MakeReplay, filings_tape: Path
) -> None:
    """The archive of the night lacks the evening's reports, which the index names."""
    replay = start_replay(filings_tape, "2024-05-08T12:00:00+00:00")
    follow(replay.settings, *TICKERS)
    several = {"ROTATION_SEC_BULK_COMPANIES": "5", "ROTATION_SEC_BATCH_COMPANIES": "5"}
    end = replay.run("backfill", dataset="filings", env=several)
    assert end.state == "Completed", end.output
    assert asked(replay, "companyfacts.zip") == ["companyfacts.zip"]
    assert set(replay.rows(HELD)) == in_usd(filings_tape, "2024-05-07")
    assert not list((replay.settings.home / "sec").iterdir())


@pytest.mark.slow
def test_some_companies_are_requested_again_by_ticker(
    start_replay: MakeReplay, filings_tape: Path
) -> None:
    replay = start_replay(filings_tape, CLOCK)
    follow(replay.settings, *TICKERS)
    assert replay.run("backfill", dataset="filings").state == "Completed"
    replay.sandbox.clear_requests()
    end = replay.run("backfill", dataset="filings", mode="all", tickers=TICKERS[:2])
    assert end.state == "Completed", end.output
    first, second = (f"CIK{FIRST_CIK + number:010}.json" for number in (0, 1))
    assert sorted(asked(replay)) == [first, first, second, second]
    assert replay.column("select count(*) from history.company_fact") == [0]
    dry = replay.run("backfill", dataset="filings", mode="all", index="R2000", dry_run=True)
    assert dry.message.startswith(f"Plan only: {COMPANIES} items to fetch, at least 24 requests")
