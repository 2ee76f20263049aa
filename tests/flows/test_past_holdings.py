"""Test that the funds' reports turn a back-cast of three years into dated membership."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from deployments.sandbox.market import simulate
from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay
from tests.flows.tapes import Tape, thin_out

BREADTH = """
select session_date, members, advancers, decliners, is_backcast from published.sector_breadth
where index_code = 'R2000' and sector = 'All' order by session_date
"""
SNAPSHOTS = """
select as_of_date::text, min(known_from), min(source), count(*), sum(weight_pct_filed)
from published.index_membership where index_code = 'R2000' group by as_of_date order by as_of_date
"""
Breadth = dict[Any, tuple[Any, ...]]


@pytest.fixture(scope="module")
def long_market(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """Three simulated years of 40 companies, some of which are delisted, and one renamed."""
    folder = tmp_path_factory.mktemp("tapes") / "long-market"
    simulate(folder, seed=7, small=30, large=10, years=3)
    thin_out(folder)
    return Tape(folder)


@pytest.fixture(scope="module")
def loaded(start_replay: MakeReplay, long_market: Tape) -> tuple[Replay, Breadth]:
    """A warehouse after the past holdings were loaded, and its breadth before."""
    replay = start_replay(long_market.folder)
    for flow in ("holdings", "filings"):
        end = replay.run(flow)
        assert end.state in ("Completed", "Degraded"), end.output
    # of all companies that ever were members: the past ones' prices are needed too
    shares = [row["ticker"] for row in long_market.csv("instruments").iter_rows(named=True)]
    assert replay.run("prices", tickers=sorted(set(shares))).state in ("Completed", "Degraded")
    assert replay.run("derived").state == "Completed"
    before = {day: rest for day, *rest in replay.rows(BREADTH)}
    end = replay.run("past_holdings")
    assert end.state in ("Completed", "Degraded"), end.output
    assert replay.run("derived").state == "Completed"
    return replay, before


def past_files(market: Tape, replay: Replay) -> list[str]:
    """The report days that were loaded."""
    return [day for day, _, source, *_ in replay.rows(SNAPSHOTS) if source == "nport"]


def check_members(replay: Replay, day: str, truth: dict[str, float]) -> float:
    """A report has the true members, or their names where they match no ticker.

    Returns:
        The matched ones' part of the weight.
    """
    stored = dict(
        replay.rows(
            "select ticker, weight_pct_filed from published.index_membership"
            " where index_code = 'R2000' and as_of_date = %s",
            day,
        )
    )
    unmatched = replay.rows(
        "select row ->> 'name', (row ->> 'weight_pct_filed')::float from audit.quarantine"
        " where table_name = 'index_membership' and key ->> 'as_of_date' = %s"
        " and key ->> 'index_code' = 'R2000' and row ->> 'source' = 'nport'",
        day,
    )
    assert set(stored) <= set(truth)
    assert len(stored) + len(unmatched) == len(truth)
    assert all(name for name, _ in unmatched)
    matched = sum(stored.values())
    return matched / (matched + sum(weight for _, weight in unmatched))


@pytest.mark.slow
def test_past_members_are_those_of_the_market(
    loaded: tuple[Replay, Breadth], long_market: Tape
) -> None:
    replay, _ = loaded
    days = past_files(long_market, replay)
    assert len(days) >= 10
    # matched by its CUSIP, a renamed company has the symbol that the ticker map gives it
    renamed = {
        row["ticker"]: row["renamed_to"]
        for row in long_market.csv("instruments").iter_rows(named=True)
        if row["renamed_to"]
    }
    for day in days:
        members = long_market.members("IWM", day)
        truth = {renamed.get(ticker, ticker): weight for ticker, weight in members.items()}
        assert check_members(replay, day, truth) >= 0.97


@pytest.mark.slow
def test_breadth_changes_only_where_membership_does(loaded: tuple[Replay, Breadth]) -> None:
    replay, before = loaded
    after = {day: rest for day, *rest in replay.rows(BREADTH)}
    snapshots = replay.rows(SNAPSHOTS)
    first_known = snapshots[0][1]
    first_file = next(known for _, known, source, *_ in snapshots if source == "ishares")
    assert after.keys() == before.keys()
    for day, row in after.items():
        assert row[-1] == (day < first_known)
        if day >= first_file:
            assert row == before[day]
    changed = [day for day in after if after[day][:-1] != before[day][:-1]]
    assert changed
    assert all(day < first_file for day in changed)


QUARTER, JUNE, MARCH = "2025-09-30", "2025-06-30", "2025-03-31"
# the report is filed 56 days after its quarter: on a Tuesday, known from the Wednesday
REPORT_KNOWN, AMENDED, AMENDMENT_KNOWN = "2025-11-26", "2025-12-15", "2025-12-16"
MEMBERS = """
select ticker from published.index_membership where index_code = %s and as_of_date = %s
"""


def newest_file(market: Tape, fund: str, quarter_end: str) -> Path:
    """The holdings file that a quarter's report states."""
    folder = market.folder / "holdings" / fund
    return max(each for each in folder.iterdir() if each.stem <= quarter_end)


def without_members(file: Path, count: int, copy: Path) -> list[str]:
    """Copies a holdings file without its first members; returns their tickers."""
    lines = file.read_text("utf-8-sig").split("\n")
    shares = [line for line in lines if '"Equity"' in line or ",Equity," in line][:count]
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text("\n".join(line for line in lines if line not in shares), "utf-8-sig")
    return [line.split(",")[0].strip('"').replace(" ", "-") for line in shares]


def amend(market: Tape, fund: str, quarter_end: str, filed: str, count: int) -> list[str]:
    """Files an amendment without a quarter's first members; returns their tickers."""
    copy = market.folder / "nport_amendments" / fund / quarter_end / f"{filed}.csv"
    return without_members(newest_file(market, fund, quarter_end), count, copy)


Amended = tuple[Replay, str]


def load_amended(start_replay: MakeReplay, tape: Tape, is_derived: bool) -> Amended:
    """A warehouse before and after the amendment, and a time between."""
    replay = start_replay(tape.folder)
    for flow in ("holdings", "prices") if is_derived else ("holdings",):
        assert replay.run(flow).state == "Completed"
    replay.sandbox.set_clock("2025-12-10T23:00:00+00:00")
    end = replay.run("past_holdings", funds=["IWM"])
    assert end.state == "Completed", end.output
    assert not is_derived or replay.run("derived").state == "Completed"
    [between] = replay.column("select clock_timestamp()::text")
    replay.sandbox.set_clock("2025-12-20T23:00:00+00:00")
    end = replay.run("past_holdings")
    assert end.state == "Completed", end.output
    assert not is_derived or replay.run("derived").state == "Completed"
    return replay, between


@pytest.fixture(scope="module")
def amended_market(market: Tape, tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """The market of a year, in which reports are amended."""
    tape = Tape(tmp_path_factory.mktemp("tapes") / "amended-market")
    shutil.copytree(market.folder, tape.folder)
    # the quarter before has other members, too
    june = newest_file(tape, "IWM", JUNE)
    without_members(june, 3, june)
    # after the report of the next quarter
    amend(tape, "IVV", MARCH, "2025-12-12", count=1)
    amend(tape, "IWM", MARCH, "2025-12-12", count=2)
    return tape


@pytest.fixture(scope="module")
def left_out(amended_market: Tape) -> list[str]:
    """The members that the quarter's amendment leaves out."""
    return amend(amended_market, "IWM", QUARTER, AMENDED, count=2)


@pytest.fixture(scope="module")
def amended(start_replay: MakeReplay, amended_market: Tape, left_out: list[str]) -> Amended:
    """A warehouse whose report of a quarter was amended, without prices."""
    return load_amended(start_replay, amended_market, is_derived=False)


@pytest.fixture(scope="module")
def amended_and_derived(
    start_replay: MakeReplay, amended_market: Tape, left_out: list[str]
) -> Amended:
    """The same with prices, and derived after each load."""
    return load_amended(start_replay, amended_market, is_derived=True)


def test_members_of_an_amended_year_are_those_of_the_market(
    amended: Amended, amended_market: Tape, left_out: list[str]
) -> None:
    replay, _ = amended
    days = past_files(amended_market, replay)
    assert {JUNE, QUARTER} < {*days}
    for day in days:
        truth = amended_market.members("IWM", day)
        for ticker in left_out if day == QUARTER else ():
            del truth[ticker]
        # without filings there is no ticker map: symbols are those of the day, and fewer match
        assert check_members(replay, day, truth) >= 0.85


def test_an_amendment_replaces_the_report_from_its_own_day(
    amended: Amended, left_out: list[str]
) -> None:
    replay, between = amended
    members = set(replay.column(MEMBERS, "R2000", QUARTER))
    before = replay.rows(
        "select ticker, known_from::text from as_of.index_membership(%s)"
        " where index_code = 'R2000' and as_of_date = %s",
        between,
        QUARTER,
    )
    # as it was known before, and as it is known now
    assert len(members) > 10
    assert {ticker for ticker, _ in before} == members | set(left_out)
    assert not members & set(left_out)
    assert {known for _, known in before} == {REPORT_KNOWN}
    assert replay.column(
        "select distinct known_from::text from published.index_membership"
        " where index_code = 'R2000' and as_of_date = %s",
        QUARTER,
    ) == [AMENDMENT_KNOWN]


@pytest.mark.slow
def test_derived_rows_follow_an_amendment_as_if_derived_from_scratch(
    amended_and_derived: Amended,
) -> None:
    replay, _ = amended_and_derived
    sizes = {
        day: replay.column(
            "select count(*) from published.index_membership"
            " where index_code = 'R2000' and as_of_date = %s",
            day,
        )[0]
        for day in (JUNE, QUARTER)
    }
    counted = dict(
        replay.rows(
            "select session_date::text, members from published.sector_breadth"
            " where index_code = 'R2000' and sector = 'All' and session_date between %s and %s",
            REPORT_KNOWN,
            "2025-12-18",
        )
    )
    assert sizes[JUNE] == sizes[QUARTER] - 1
    # between the two filings the quarter before counts
    assert counted == {day: sizes[QUARTER if day >= AMENDMENT_KNOWN else JUNE] for day in counted}
    assert min(counted) == REPORT_KNOWN
    checksums = replay.checksums()
    assert replay.run("derived", rebuild=["sector_breadth", "index_concentration"]).state == (
        "Completed"
    )
    assert replay.checksums() == checksums


def test_an_amendment_that_is_never_in_force_leaves_the_report(amended: Amended) -> None:
    replay, _ = amended
    # 56 days after the quarter is Memorial Day; of a stored report, and of one loaded with it
    assert replay.rows(
        "select index_code, known_from::text from published.index_membership"
        " where as_of_date = %s group by 1, 2 order by 1",
        MARCH,
    ) == [("R2000", "2025-05-27"), ("SP500", "2025-05-27")]


@pytest.mark.parametrize("which", [pytest.param("loaded", marks=pytest.mark.slow), "amended"])
def test_second_run_loads_nothing(which: str, request: pytest.FixtureRequest) -> None:
    replay: Replay = request.getfixturevalue(which)[0]
    stored = replay.rows(SNAPSHOTS)
    requests = replay.rows("select count(*) from audit.fetch where dataset = 'past_holdings'")
    assert replay.run("past_holdings").state == "Completed"
    assert replay.rows(SNAPSHOTS) == stored
    # one request per trust: its list
    added = replay.rows("select count(*) from audit.fetch where dataset = 'past_holdings'")
    assert added[0][0] == requests[0][0] + 1
