"""As time goes on: day by day, with pauses, or all at once, the warehouse comes to hold the same.

In the tape's last week ZQIL splits 2:1 (12th), QKRU pays 0.05 (13th), the CPI is released and
five years of it are revised (13th), and the vendor corrects bars: ZQCZ's of the 9th on the 12th,
QZIR's of the 10th on the 11th, QZXG's of the 12th on the 13th.
"""

import shutil
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from psycopg import Connection

from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay
from tests.flows.tapes import Tape
from warehouse.connect.connections import connect

EVENINGS = {
    "with a pause": ("2026-02-10", "2026-02-13"),
    "day by day": ("2026-02-09", "2026-02-10", "2026-02-11", "2026-02-12", "2026-02-13"),
}
# a fund's file of each day is loaded as a snapshot, so that a late beginner has fewer of them, and
# follows fewer companies; a ticker's company is dated by the day on which it was first seen
SNAPSHOTS = (
    "index_membership", "index_concentration", "sector_breadth",
    "company_ticker", "company", "company_fact",
)  # fmt: skip
# the same figures of the same members, but each says of which day's file they are, and a share of
# the weight is of that file's weights
DATED = ("refinancing_wall", "rate_shock", "valuation")
FILE_COLUMNS = "{membership_as_of,earnings_coverage_pct,sales_coverage_pct,loaded_at}"
FIGURES = f"select to_jsonb(t) - '{FILE_COLUMNS}'::text[] from published.%s as t order by 1"
# the reasons name shares of the weight
VERDICTS = "select claim_id, verdict, measured, as_of_date from published.claim_ledger order by 1"


def count_rows(reader: Connection) -> dict[str, int]:
    """Rows by published table."""
    names = reader.execute(
        "select format('%I', table_name) from information_schema.tables"
        " where table_schema = 'published' order by 1"
    ).fetchall()
    counts = " union all ".join(
        f"select '{name}', count(*) from published.{name}" for (name,) in names
    )
    return dict(reader.execute(counts.encode()).fetchall())


@dataclass
class Followed:
    """A warehouse after several runs, and what was in it after each day."""

    replay: Replay
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    # rows that the reader of a day's run counted before it and after it
    read: dict[str, tuple[dict[str, int], dict[str, int]]] = field(default_factory=dict)

    def run(self, day: str) -> None:
        """A run on the evening of a day."""
        self.replay.sandbox.set_clock(f"{day}T23:00:00+00:00")
        # smaller batches of tickers, which must make no difference;
        # beside a reader of all tables whose transaction stays open until the run has ended
        with connect(self.replay.settings, "reader") as reader:
            reader.execute("set transaction isolation level repeatable read read only")
            before = count_rows(reader)
            end = self.replay.run("daily", env={"ROTATION_YAHOO_BATCH_TICKERS": "25"})
            self.read[day] = before, count_rows(reader)
        assert end.state == "Completed", end.output
        bars = self.replay.rows(
            "select ticker, session_date::text, close, volume from published.daily_price"
        )
        self.said[day] = {
            "bars": {(ticker, session): bar for ticker, session, *bar in bars},
            "split_factor": self.replay.column(
                "select split_factor from published.daily_price"
                " where ticker = 'ZQIL' and session_date = '2026-02-02'"
            )[0],
            "newest CPI month": self.replay.column(
                "select max(observation_date)::text from published.macro_latest"
                " where series_id = 'CPIAUCSL'"
            )[0],
        }


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow) for name in EVENINGS]
)
def followed(request: pytest.FixtureRequest, start_replay: MakeReplay) -> Followed:
    """A warehouse that was run on some evenings of the week."""
    followed = Followed(start_replay())
    for day in EVENINGS[request.param]:
        followed.run(day)
    return followed


def test_it_equals_one_run_at_the_end(followed: Followed, completed_daily_run: Replay) -> None:
    without = (*SNAPSHOTS, *DATED, "claim_ledger")
    assert followed.replay.checksums(without) == completed_daily_run.checksums(without)
    for table in DATED:
        figures = FIGURES % table
        assert followed.replay.rows(figures) == completed_daily_run.rows(figures)
        assert completed_daily_run.rows(figures)
    assert followed.replay.rows(VERDICTS) == completed_daily_run.rows(VERDICTS)


def test_a_run_ends_beside_a_reader_that_keeps_its_snapshot(followed: Followed) -> None:
    # the transaction was open during the run, whose rows the next one's reader sees
    assert [before == after for before, after in followed.read.values()] == [True] * len(
        followed.read
    )
    bars = [before["daily_price"] for before, _ in followed.read.values()]
    assert bars[0] == 0
    assert bars == sorted(set(bars))


def test_no_stored_bar_ever_changes(followed: Followed) -> None:
    evenings = list(followed.said.values())
    for earlier, later in pairwise(evenings):
        assert earlier["bars"].items() <= later["bars"].items()
    assert followed.replay.column("select count(*) from history.daily_price") == [0]
    assert (
        followed.replay.rows("select * from published.restatement where table_name = 'daily_price'")
        == []
    )


def test_a_split_changes_the_factor_on_its_day(followed: Followed) -> None:
    factors = {day: said["split_factor"] for day, said in followed.said.items()}
    assert factors == {day: 0.5 if day >= "2026-02-12" else 1.0 for day in followed.said}


@pytest.mark.parametrize(
    ("ticker", "day", "corrected"),
    [
        ("ZQCZ", "2026-02-09", "2026-02-12"),
        ("QZIR", "2026-02-10", "2026-02-11"),
        ("QZXG", "2026-02-12", "2026-02-13"),
    ],
)
def test_a_bad_bar_comes_when_the_vendor_has_corrected_it(
    followed: Followed, ticker: str, day: str, corrected: str
) -> None:
    held_on = {evening for evening, said in followed.said.items() if (ticker, day) in said["bars"]}
    assert held_on == {evening for evening in followed.said if evening >= corrected}
    # quarantined once, however often it came
    was_bad = any(day <= evening < corrected for evening in followed.said)
    assert followed.replay.column(
        "select count(*) from audit.quarantine"
        " where key ->> 'ticker' = %s and key ->> 'session_date' = %s",
        *(ticker, day),
    ) == [int(was_bad)]


def test_prices_of_the_nation_come_on_the_day_of_their_release(followed: Followed) -> None:
    months = {day: said["newest CPI month"] for day, said in followed.said.items()}
    released = "2026-02-13"
    assert months == {
        day: "2026-01-01" if day >= released else "2025-12-01" for day in followed.said
    }
    # revised that day: 325.236 until then, 325.127 since
    assert followed.replay.rows(
        "select vintage_date::text, value from published.macro_observation"
        " where series_id = 'CPIAUCSL' and observation_date = '2025-12-01' order by 1"
    ) == [("2026-01-13", 325.236), (released, 325.127)]


def test_each_day_has_its_members(followed: Followed, market: Tape) -> None:
    held: dict[str, dict[str, float]] = {}
    for day, ticker, weight in followed.replay.rows(
        "select as_of_date::text, ticker, weight_pct_filed from published.index_membership"
        " where index_code = 'R2000'"
    ):
        held.setdefault(day, {})[ticker] = weight
    # the newest file is that of the session before
    sessions = ("2026-02-06", *EVENINGS["day by day"])
    before = dict(zip(sessions[1:], sessions, strict=False))
    days = [before[evening] for evening in followed.said]
    assert held == {day: market.members("IWM", day) for day in days}


def test_running_again_changes_nothing(
    start_replay: MakeReplay, completed_daily_run: Replay
) -> None:
    replay = start_replay(filled=completed_daily_run)
    before = replay.checksums()
    aside = replay.column("select count(*) from audit.quarantine")
    last_run = replay.column("select max(run_id) from audit.run")[0]
    end = replay.run("daily")
    assert end.state == "Completed", end.output
    assert replay.checksums() == before
    assert replay.column("select count(*) from audit.quarantine") == aside
    summary = replay.artifact("prices-run-summary")
    assert summary.startswith("**prices**: completed, run ")
    bars = replay.column(
        "select rows_same from audit.load where table_name = 'core.daily_price' and run_id > %s",
        last_run,
    )
    assert f"| daily_price | 0 | 0 | {sum(bars):,} | 0 | " in summary
    loads = replay.rows(
        "select distinct table_name, rows_new, rows_changed, rows_removed from audit.load"
        " where run_id > %s order by 1",
        last_run,
    )
    tables = ("corporate_action", "daily_price", "index_membership", "macro_observation")
    assert loads == [(f"core.{table}", 0, 0, 0) for table in tables]


@pytest.mark.slow
def test_a_good_bar_that_the_vendor_spoils_later_stays(
    start_replay: MakeReplay, whole_market: Tape
) -> None:
    """ZQCZ's bar of 2025-08-14 comes a price_off_by_100x from the 12th on."""
    replay = start_replay(whole_market.folder, "2026-02-11T23:00:00+00:00")
    bar = (
        "select close, loaded_at from published.daily_price"
        " where ticker = 'ZQCZ' and session_date = '2025-08-14'"
    )
    assert replay.run("prices", tickers=["ZQCZ"]).state == "Completed"
    held = replay.rows(bar)
    replay.sandbox.set_clock("2026-02-13T23:00:00+00:00")
    assert replay.run("prices", tickers=["ZQCZ"], full_history=True).state == "Completed"
    assert len(held) == 1
    assert replay.rows(bar) == held
    assert replay.rows(
        "select rule from audit.quarantine where key ->> 'session_date' = '2025-08-14'"
    ) == [("price_off_by_100x",)]


@pytest.mark.slow
def test_a_session_that_the_vendor_lacks_is_requested_again_for_a_week(
    start_replay: MakeReplay, market: Tape, tmp_path: Path
) -> None:
    """XLB's bar of 2026-01-27 comes three days late, and XLC's never."""
    lacking = (pl.col("session_date") == date(2026, 1, 27)) & pl.col("ticker").is_in(["XLB", "XLC"])
    folder = tmp_path / "lacking"
    shutil.copytree(market.folder, folder)
    bars = pl.read_parquet(folder / "bars.parquet")
    bars.filter(~lacking).write_parquet(folder / "bars.parquet")
    late = bars.filter(lacking & (pl.col("ticker") == "XLB")).with_columns(
        kind=pl.lit("extra"),
        visible_from=pl.datetime(2026, 1, 30, 12, time_zone="UTC"),
        visible_to=pl.lit(None, pl.Datetime("us", "UTC")),
    )
    defects = pl.read_parquet(folder / "defects.parquet")
    pl.concat([defects, late.select(defects.columns)]).write_parquet(folder / "defects.parquet")
    replay = start_replay(folder)
    requested: dict[str, set[tuple[str, bool]]] = {}
    held: dict[str, set[str]] = {}
    # a day later, when it is there, after ten days with a pause, and when the week is over
    for day in ("2026-01-28", "2026-01-30", "2026-02-06", "2026-02-09"):
        replay.sandbox.set_clock(f"{day}T23:30:00+00:00")
        end = replay.run(
            "prices",
            tickers=["XLB", "XLC"],
            only_stale=True,
            # not the sessions that each run requests again in any case
            env={"ROTATION_OVERLAP_SESSIONS": "1"},
        )
        assert end.state == "Completed", end.output
        requested[day] = set(
            replay.rows(
                "select item, window_start <= '2026-01-27' from audit.fetch"
                " where run_id = (select max(run_id) from audit.fetch)"
            )
        )
        held[day] = set(
            replay.column(
                "select ticker from published.daily_price where session_date = '2026-01-27'"
            )
        )
    assert requested == {
        "2026-01-28": {("XLB", True), ("XLC", True)},
        "2026-01-30": {("XLB", True), ("XLC", True)},
        "2026-02-06": {("XLB", False), ("XLC", True)},
        "2026-02-09": {("XLB", False), ("XLC", False)},
    }
    assert list(held.values()) == [set(), {"XLB"}, {"XLB"}, {"XLB"}]
    assert replay.rows(
        "select item, missing_reason from published.coverage_gap"
        " where dataset = 'daily_price' and session_date = '2026-01-27'"
        " and item in ('XLB', 'XLC')"
    ) == [("XLC", "no_row")]
