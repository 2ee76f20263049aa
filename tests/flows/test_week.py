"""A week of daily runs, with all its events, equals one backfill over the week.

Two weeks of the simulated market, each laid so that the calendar's troubles fall into it. Every
run is at 18:30 in New York, as the schedule has it, holidays included.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from deployments.sandbox.market import simulate
from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay
from tests.flows.tapes import Tape, thin_out
from tests.flows.test_daily import reference

NEW_YORK = ZoneInfo("America/New_York")
# no second try against a provider that stays down
OUTAGE = {f"ROTATION_{provider}_ATTEMPTS": "1" for provider in ("YAHOO", "FRED", "ISHARES")}


@dataclass(frozen=True)
class Week:
    """Days of a year, and their events.

    Attributes:
        days: Of the daily runs.
        files: Days of the holdings' files that they find: each, that of the session before.
        outage: The day on which no provider answers; empty for none.
        split: The ex-date that the simulator puts on the last session but one.
    """

    days: tuple[str, ...]
    files: tuple[str, ...]
    split: str
    outage: str = ""


WEEKS = {
    # reconstitution on the 30th, a half day on the 3rd with a split and the jobs report, a holiday
    # on the 4th
    "summer with pauses": Week(
        ("2025-06-27", "2025-07-01", "2025-07-03", "2025-07-07"),
        ("2025-06-26", "2025-06-30", "2025-07-02", "2025-07-03"),
        split="2025-07-03",
    ),
    "summer": Week(
        ("2025-06-27", "2025-06-30", "2025-07-01", "2025-07-03", "2025-07-04", "2025-07-07"),
        ("2025-06-26", "2025-06-27", "2025-06-30", "2025-07-02", "2025-07-03"),
        split="2025-07-03",
    ),
    # clocks go forward on the 8th, nothing answers on the 10th, the CPI is released and a stock
    # splits on the 11th, claims are revised on the 12th
    "spring": Week(
        ("2026-03-06", "2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12"),
        ("2026-03-05", "2026-03-06", "2026-03-09", "2026-03-10", "2026-03-11"),
        split="2026-03-11",
        outage="2026-03-10",
    ),
}


@dataclass
class Followed:
    """The same week twice: day by day, and at once at its end."""

    week: Week
    tape: Tape
    daily: Replay
    backfilled: Replay
    ends: dict[str, str] = field(default_factory=dict)


def evening(day: str) -> str:
    """18:30 in New York, in summer and in winter time."""
    return datetime.combine(date.fromisoformat(day), time(18, 30), NEW_YORK).isoformat()


@pytest.fixture(scope="module")
def make_tape(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tape]:
    """The smallest market, up to a day."""

    def make(end: str) -> Tape:
        folder: Path = tmp_path_factory.mktemp("tapes") / end
        simulate(folder, seed=7, small=20, large=8, years=1, end=date.fromisoformat(end))
        thin_out(folder, since=pl.date(int(end[:4]), 1, 1))
        return Tape(folder)

    return make


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) for name in WEEKS],
)
def followed(
    request: pytest.FixtureRequest, start_replay: MakeReplay, make_tape: Callable[[str], Tape]
) -> Followed:
    """A week that was followed in both ways."""
    week = WEEKS[request.param]
    tape = make_tape(week.days[-1])
    last = evening(week.days[-1])
    followed = Followed(
        week,
        tape,
        start_replay(tape.folder, evening(week.days[0])),
        start_replay(tape.folder, last),
    )
    for day in week.days:
        followed.ends[day] = run_day(followed.daily, day, day == week.outage)
    if week.outage:
        # the file that no run found
        missed = week.files[week.days.index(week.outage)]
        assert followed.daily.run("holdings", holdings_dates=[missed]).state == "Completed"
        assert followed.daily.run("derived").state == "Completed"
    backfill(followed.backfilled, week)
    return followed


def run_day(replay: Replay, day: str, is_outage: bool) -> str:
    """The name of the state in which the day's run ends."""
    replay.sandbox.set_clock(evening(day))
    if is_outage:
        replay.sandbox.add_fault("status", status=503, count=None)
    end = replay.run("daily", env=OUTAGE if is_outage else {})
    replay.sandbox.clear_faults()
    return end.state


def backfill(replay: Replay, week: Week) -> None:
    """One run per source over the whole week, then the derived tables."""
    assert replay.run("holdings", holdings_dates=list(week.files)).state == "Completed"
    members = replay.column("select distinct ticker from published.index_membership")
    watched = reference("pair", "small") | reference("pair", "large")
    watched |= reference("watch_list", "ticker")
    # by name: who has left the indexes since is no longer asked for by itself
    wanted = sorted({*members, *watched})
    assert replay.run("prices", tickers=wanted).state == "Completed"
    assert replay.run("macro").state == "Completed"
    assert replay.run("filings").state == "Completed"
    assert replay.run("derived").state == "Completed"


def left(followed: Followed) -> set[str]:
    """Tickers that were members in the week and are none of the newest files'."""
    rows = followed.daily.rows("select ticker, as_of_date from published.index_membership")
    newest = max(day for _, day in rows)
    return {t for t, _ in rows} - {t for t, day in rows if day == newest}


def test_the_week_has_its_events(followed: Followed) -> None:
    week, tape = followed.week, followed.tape
    splits = tape.csv("actions").filter(pl.col("kind") == "split")["ex_date"].cast(pl.String)
    assert week.split in splits.to_list()
    first, last = week.files[0], week.files[-1]
    changed = {
        fund: set(tape.members(fund, first)) ^ set(tape.members(fund, last))
        for fund in ("IWM", "IVV")
    }
    released = tape.observations(week.days[-1]).filter(
        pl.col("realtime_start") > date.fromisoformat(week.days[0])
    )
    months = released.filter(pl.col("series_id").is_in(["CPIAUCSL", "UNRATE"]))
    assert months.height > 0
    # claims are given again with the next week's, corrected
    assert released.filter(pl.col("series_id") == "ICSA").height > 1
    if week.days[0] == "2025-06-27":
        assert all(changed.values())
    # nobody answered: that is no day with gaps
    ends = {day: "Failed" if day == week.outage else "Completed" for day in week.days}
    assert followed.ends == ends


def test_day_by_day_equals_one_backfill(followed: Followed) -> None:
    # bars and actions of those who left are compared by themselves
    apart = ("daily_price", "corporate_action") if left(followed) else ()
    # the SEC's list says whom a ticker stands for today: known from the day it was first seen
    apart += ("company_ticker",)
    daily, backfilled = followed.daily, followed.backfilled
    assert daily.checksums(without=apart) == backfilled.checksums(without=apart)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("daily_price", "ticker, session_date, open, high, low, close, volume, split_factor"),
        ("corporate_action", "ticker, ex_date, kind, value"),
    ],
)
def test_bars_and_actions_are_the_same_until_a_ticker_leaves(
    followed: Followed, table: str, columns: str
) -> None:
    """Nobody asks for one that is in no index any more, so day by day its bars end there."""
    query = f"select {columns} from published.{table}"
    daily, backfilled = (set(r.rows(query)) for r in (followed.daily, followed.backfilled))
    gone = left(followed)
    assert daily - backfilled == set()
    assert {row[0] for row in backfilled - daily} <= gone
    assert {str(row[1]) for row in backfilled - daily} <= set(followed.week.days)


def test_only_revisions_of_the_publishers_are_restatements(followed: Followed) -> None:
    for table in ("daily_price", "corporate_action", "index_membership", "macro_observation"):
        assert followed.daily.column(f"select count(*) from history.{table}") == [0], table


def test_nothing_is_late_at_the_end(followed: Followed) -> None:
    late = (
        "select dataset, item from published.freshness"
        " where is_late and not coalesce(last_fetch_status = 'not_found', false)"
    )
    assert followed.daily.rows(late) == []
    assert followed.backfilled.rows(late) == []
