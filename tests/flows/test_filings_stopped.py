"""Filings' runs that are stopped anywhere: no request is repeated, and none is lost."""

import time
from collections import Counter
from pathlib import Path

import pytest

from tests.audit_rows import follow
from tests.flows.conftest import MakeReplay
from tests.flows.filings import CLOCK, COMPANIES, FIRST_CIK, HELD, TICKERS, asked, in_usd
from tests.flows.replay import Replay

# one company after another, three in a transaction, so that the place of the stop is known
STEPWISE = {"ROTATION_SEC_CONCURRENCY": "1", "ROTATION_SEC_BATCH_COMPANIES": "3"}
SIXTH = f"CIK{FIRST_CIK + 5:010}.json"
# companies with facts of the newest run, loaded while the next ones are requested
LOADED = """
select count(*) from audit.fetch where dataset = 'company_fact'
    and run_id = (select max(run_id) from audit.run)
"""
UNDER_WAY = {f"CIK{FIRST_CIK + number:010}.json" for number in (3, 4, 5)}


@pytest.fixture
def replay(start_replay: MakeReplay, filings_tape: Path) -> Replay:
    made = start_replay(filings_tape, CLOCK)
    follow(made.settings, *TICKERS)
    return made


def stop_at(replay: Replay, file: str) -> None:
    """Runs until a company of the second batch is requested and the first is loaded; kills it."""
    replay.sandbox.add_fault("hang", path=f"companyfacts/{file}", seconds=600)
    flow = replay.start("filings", env=STEPWISE | {"ROTATION_SEC_TIMEOUT_SECONDS": "600"})
    while file not in asked(replay, "companyfacts") or replay.column(LOADED) != [3]:
        assert flow.process.is_alive(), flow.wait().output
        time.sleep(0.05)
    assert flow.kill().state == "Killed"
    replay.sandbox.clear_faults()


@pytest.mark.slow
def test_a_fill_that_is_killed_goes_on_where_it_was(replay: Replay, filings_tape: Path) -> None:
    stop_at(replay, SIXTH)
    assert len(replay.rows(HELD)) == 3
    end = replay.run("filings", env=STEPWISE)
    assert end.state == "Completed", end.output
    assert set(replay.rows(HELD)) == in_usd(filings_tape, "2024-05-01")
    counted = Counter(asked(replay, "companyfacts", "submissions", "company_tickers"))
    # the batch that was under way is asked again, whole; nothing else is: two files a company
    assert {name for name, times in counted.items() if times > 2} <= UNDER_WAY
    assert counted["company_tickers_exchange.json"] == 1
    assert len([name for name in counted if name.startswith("CIK")]) == COMPANIES
    assert replay.column("select count(*) from history.company_fact") == [0]


@pytest.mark.slow
def test_an_index_that_was_read_is_not_forgotten_when_the_run_is_killed(
    replay: Replay, filings_tape: Path
) -> None:
    assert replay.run("filings").state == "Completed"
    replay.sandbox.set_clock("2024-05-10T12:00:00+00:00")
    replay.sandbox.clear_requests()
    stop_at(replay, SIXTH)
    assert replay.column("select count(*) from audit.pending_filing") == [COMPANIES - 3]
    end = replay.run("filings", env=STEPWISE)
    assert end.state == "Completed", end.output
    assert set(replay.rows(HELD)) == in_usd(filings_tape, "2024-05-10")
    counted = Counter(asked(replay, "daily-index", "companyfacts"))
    assert counted["form.20240507.idx"] == counted["form.20240509.idx"] == 1
    assert {name for name, times in counted.items() if name[0] == "C" and times > 1} <= UNDER_WAY
    assert replay.column("select count(*) from audit.pending_filing") == [0]


@pytest.mark.slow
def test_a_failed_company_is_requested_again_by_the_next_run(
    replay: Replay, filings_tape: Path
) -> None:
    replay.sandbox.add_fault("status", path=f"companyfacts/{SIXTH}", status=503, count=None)
    end = replay.run("filings")
    assert end.state == "Degraded", end.output
    assert f"1 outage: {FIRST_CIK + 5}" in end.message
    assert len(replay.rows(HELD)) == COMPANIES - 1
    replay.sandbox.clear_faults()
    replay.sandbox.clear_requests()
    assert replay.run("filings").state == "Completed"
    assert asked(replay, "companyfacts", "submissions", "company_tickers") == [SIXTH, SIXTH]
    assert set(replay.rows(HELD)) == in_usd(filings_tape, "2024-05-01")


def test_a_first_fill_from_the_archive_gives_the_same_rows(
    replay: Replay, filings_tape: Path
) -> None:
    # on the morning after the first reports: the archive has them, today's come by the index
    replay.sandbox.set_clock("2024-05-08T12:00:00+00:00")
    end = replay.run("filings", env={"ROTATION_SEC_BULK_COMPANIES": "5"})
    assert end.state == "Completed", end.output
    assert asked(replay, "companyfacts") == ["companyfacts.zip"]
    assert set(replay.rows(HELD)) == in_usd(filings_tape, "2024-05-07")
    assert not list((replay.settings.home / "sec").iterdir())
    replay.sandbox.set_clock("2024-05-10T12:00:00+00:00")
    assert replay.run("filings").state == "Completed"
    assert set(replay.rows(HELD)) == in_usd(filings_tape, "2024-05-10")
