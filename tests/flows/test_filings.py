"""Filings from the SEC's stand-in to the tables, over real sockets."""

from pathlib import Path

import pytest

from deployments.stack.stack import SANDBOX_SEC_USER_AGENT
from tests.audit_rows import follow
from tests.flows.conftest import MakeReplay
from tests.flows.filings import (
    CLOCK,
    COMPANIES,
    FIRST_CIK,
    HELD,
    TICKERS,
    asked,
    in_usd,
    make_tape,
    write_company,
)
from tests.flows.replay import Replay

FIRST = f"CIK{FIRST_CIK:010}.json"
AFTER_A_WEEK = "2024-05-10T12:00:00+00:00"
AFTER_THE_AMENDMENT = "2024-05-21T12:00:00+00:00"


@pytest.fixture
def replay(start_replay: MakeReplay, filings_tape: Path) -> Replay:
    """All companies of the tape are members, and no facts are stored."""
    made = start_replay(filings_tape, CLOCK)
    follow(made.settings, *TICKERS, "SPY")
    return made


@pytest.fixture
def filled(replay: Replay) -> Replay:
    """After a first run."""
    return fill(replay)


def fill(replay: Replay) -> Replay:
    end = replay.run("filings")
    assert end.state == "Completed", end.output
    return replay


@pytest.fixture(scope="module")
def shared_tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tape that no test changes."""
    return make_tape(tmp_path_factory.mktemp("filings") / "tape")


@pytest.fixture(scope="module")
def first_run(start_replay: MakeReplay, shared_tape: Path) -> Replay:
    """A warehouse after a first run, for tests that load nothing more, or copy it."""
    made = start_replay(shared_tape, CLOCK)
    follow(made.settings, *TICKERS, "SPY")
    return fill(made)


def test_a_first_run_loads_all_filings_and_a_second_requests_nothing(
    first_run: Replay, shared_tape: Path
) -> None:
    held = set(first_run.rows(HELD))
    assert held == in_usd(shared_tape, "2024-05-01")
    assert len(held) == COMPANIES
    assert first_run.rows("select count(*), min(known_from)::text from core.company_ticker") == [
        (COMPANIES, "2024-05-01")
    ]
    assert first_run.rows(
        "select min(name), count(*), max(first_filed_date)::text from core.company"
    ) == [("TA Corp", COMPANIES, "2024-02-20")]
    assert first_run.column("select distinct known_from::text from core.company_fact") == [
        "2024-02-21"
    ]
    assert (
        len(asked(first_run, "companyfacts")) == len(asked(first_run, "submissions")) == COMPANIES
    )
    first_run.sandbox.clear_requests()
    end = first_run.run("filings")
    assert end.state == "Completed", end.output
    assert asked(first_run) == []
    assert first_run.column("select count(*) from history.company_fact") == [0]


def test_the_contact_is_sent_to_the_sec_and_stored_nowhere(first_run: Replay) -> None:
    everything = first_run.column(
        "select to_jsonb(entry)::text from audit.fetch as entry"
        " union all select to_jsonb(entry)::text from audit.run as entry"
    )
    address = SANDBOX_SEC_USER_AGENT.split()[-1]
    assert everything
    assert not [entry for entry in everything if address in entry]


def test_a_missed_week_is_caught_up_and_an_amendment_adds_its_rows(
    start_replay: MakeReplay, first_run: Replay, shared_tape: Path
) -> None:
    replay = start_replay(shared_tape, AFTER_A_WEEK, filled=first_run)
    end = replay.run("filings")
    assert end.state == "Completed", end.output
    assert set(replay.rows(HELD)) == in_usd(shared_tape, "2024-05-10")
    indexes = asked(replay, "daily-index")
    # the week's, and no weekend
    assert indexes == [
        f"form.2024{day}.idx" for day in ("0501", "0502", "0503", "0506", "0507", "0508", "0509")
    ]
    facts = asked(replay, "companyfacts")
    assert sorted(facts) == [f"CIK{FIRST_CIK + number:010}.json" for number in range(COMPANIES)]
    assert asked(replay, "submissions") == []
    assert replay.column("select count(*) from audit.pending_filing") == [0]
    replay.sandbox.clear_requests()
    assert replay.run("filings").state == "Completed"
    assert asked(replay) == []

    # the amendment leaves the first filing's rows as they are
    replay.sandbox.set_clock(AFTER_THE_AMENDMENT)
    assert replay.run("filings").state == "Completed"
    assert asked(replay, "companyfacts") == [FIRST]
    assert replay.rows(
        "select value, form, filed_date::text, known_from::text from published.company_fact"
        f" where cik = {FIRST_CIK} and tag = 'InterestExpense' order by filed_date"
    ) == [(7, "10-Q", "2024-05-07", "2024-05-08"), (9, "10-Q/A", "2024-05-20", "2024-05-21")]
    assert set(replay.rows(HELD)) == in_usd(shared_tape, "2024-05-20")
    assert replay.column("select count(*) from history.company_fact") == [0]
    assert replay.rows(
        "select item, from_date::text from audit.change where table_name = 'company_fact'"
        f" and item = '{FIRST_CIK}' order by change_id"
    ) == [("1001", "2024-02-21"), ("1001", "2024-05-08"), ("1001", "2024-05-21")]


@pytest.mark.slow
def test_a_value_that_changes_within_a_filing_goes_to_history(
    filled: Replay, filings_tape: Path
) -> None:
    write_company(filings_tape, 0, annual_debt=501)
    assert filled.run("filings", tickers=[TICKERS[0]]).state == "Completed"
    assert filled.rows(
        "select key ->> 'cik', column_name, old_value, new_value from published.restatement"
        " where table_name = 'company_fact'"
    ) == [("1001", "value", "500", "501")]
    assert filled.column(
        "select value from as_of.company_fact((select min(superseded_at) from history.company_fact)"
        " - interval '1 microsecond') where cik = 1001"
    ) == [500]


def test_a_ticker_that_the_list_does_not_have_is_refused(first_run: Replay) -> None:
    end = first_run.run("filings", tickers=["SPY"])
    assert end.state == "Failed"
    assert "SPY, which the SEC's list of companies does not have" in end.output


def test_without_a_contact_nothing_is_requested(replay: Replay) -> None:
    end = replay.run("filings", env={"ROTATION_SEC_USER_AGENT": ""})
    assert end.state == "Failed", end.output
    assert "Set ROTATION_SEC_USER_AGENT" in end.message
    # a scheduled run has nothing to do, and reports the reason
    end = replay.run("filings", only_stale=True, env={"ROTATION_SEC_USER_AGENT": ""})
    assert end.state == "Completed", end.output
    assert "Set ROTATION_SEC_USER_AGENT" in end.message
    assert asked(replay) == []
    late = "select dataset from published.freshness where is_late and dataset like 'company%'"
    assert replay.rows(late) == []


def test_where_the_sec_lists_no_company_there_is_nothing_to_ask(
    start_replay: MakeReplay, tmp_path: Path
) -> None:
    (tmp_path / "tape.toml").write_text(
        'name = "bare"\nkind = "simulated"\nclock = "2024-05-01T12:00:00Z"\n'
    )
    # a tape that holds nothing at all is refused
    (tmp_path / "companyfacts").mkdir()
    bare = start_replay(tmp_path, CLOCK)
    follow(bare.settings, *TICKERS)
    end = bare.run("filings")
    assert end.state == "Completed", end.output
    assert "1 empty: company_tickers_exchange.json" in end.message
    assert asked(bare) == ["company_tickers_exchange.json"]
