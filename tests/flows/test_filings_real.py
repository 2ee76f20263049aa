"""Real companies' facts through all flows: everything filed by a day, and nothing else."""

import gzip
import json
from functools import cache
from pathlib import Path

import pytest

from expectations.tables.company_fact import concepts
from tests.audit_rows import follow
from tests.flows.conftest import MakeReplay
from tests.flows.filings import HELD, asked, facts_of

BEFORE, AFTER = "2024-07-29T12:00:00+00:00", "2024-08-10T12:00:00+00:00"


def listed_facts(tape: Path, until: str) -> set[tuple[object, ...]]:
    """All facts of listed tags in listed units that were filed by a day, of periods past by then.

    Of the companies that the SEC lists; facts are (cik, tag, unit, start, end, .., filed).
    """
    listed = set(concepts().index)
    found = facts_of(tape, until, tuple({tag for tag, _ in listed}))
    return {
        fact
        for fact in found
        if (fact[1], fact[2]) in listed and fact[0] in tickers_of(tape) and fact[4] <= fact[-1]
    }


@cache
def tickers_of(tape: Path) -> dict[int, str]:
    """The first ticker of each company that the SEC lists."""
    listed = json.loads(gzip.decompress((tape / "company_tickers.json.gz").read_bytes())).values()
    return {row["cik_str"]: row["ticker"] for row in reversed(listed)}


@pytest.mark.slow
def test_the_facts_of_real_companies_as_filed_by_two_days(
    start_replay: MakeReplay, tapes: Path
) -> None:
    tape = tapes / "real-2024"
    ciks = {int(file.name[3:13]) for file in (tape / "companyfacts").glob("*.gz")}
    tickers = tickers_of(tape)
    replay = start_replay(tape, BEFORE)
    follow(replay.settings, *(tickers[cik] for cik in ciks if cik in tickers))
    assert replay.run("filings").state == "Completed"
    before = listed_facts(tape, "2024-07-29")
    assert set(replay.rows(HELD)) == before
    replay.sandbox.clear_requests()
    replay.sandbox.set_clock(AFTER)
    end = replay.run("filings")
    assert end.state == "Completed", end.output
    after = listed_facts(tape, "2024-08-09")
    assert set(replay.rows(HELD)) == after
    # only those that filed meanwhile were asked again, Apple among them
    filed = {cik for cik, *_, day in after - before}
    assert {int(name[3:13]) for name in asked(replay, "companyfacts")} >= filed > {320193}
    assert len(asked(replay, "companyfacts")) == 17 < len(ciks)
    # a mortgage trust dates what falls due by the day on which it will: no debt that it had
    assert set(replay.rows("select (key ->> 'cik')::integer, rule from audit.quarantine")) == {
        (1464423, "filed_before_end")
    }
    assert replay.column("select count(*) from history.company_fact") == [0]
    # Apple's quarter to 29 June 2024, filed on Friday 2 August: known from Monday
    assert replay.rows(
        "select value, known_from::text from published.company_fact where cik = 320193"
        " and tag = 'OperatingIncomeLoss' and period_start = '2024-03-31'"
    ) == [(25352e6, "2024-08-05")]
