"""What is late is called late, by each source's own clock, and nothing else is."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.tables import daily_price, index_membership
from warehouse.connect.connections import connect
from warehouse.settings import Settings

Rows = list[tuple[Any, ...]]
DUE = "select item, next_due_at, is_late, reason from published.freshness_at(%s) where dataset = %s"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def freshness_at(settings: Settings, query: Callable[..., Rows]) -> Callable[[str, str], Rows]:
    """Item, due instant, lateness and reason of a dataset at an instant (UTC)."""
    return lambda at, dataset: query(settings, DUE, (utc(at), dataset))


@pytest.fixture
def record_fetch(settings: Settings, new_run: Callable[[Settings], int]) -> Callable[..., None]:
    """Notes a request in the ledger, by a run whose clock stood at an instant."""

    def note(dataset: str, item: str, at: str, status: str = "loaded") -> None:
        run_id = new_run(settings)
        with connect(settings) as connection:
            connection.execute(
                "update audit.run set clock_at = %s where run_id = %s", (utc(at), run_id)
            )
            connection.execute(
                """
                insert into audit.fetch (run_id, source, dataset, item, status, reason, detail,
                    rows, attempts, started_at, finished_at)
                values (%s, 'test', %s, %s, %s, %s, '', 0, 1, now(), now())
                """,
                (run_id, dataset, item, status, None if status == "loaded" else "test"),
            )

    return note


def test_nothing_held_is_late_and_says_so(settings: Settings) -> None:
    with connect(settings, "reader") as connection:
        found = connection.execute(
            "select dataset, count(*), bool_and(is_late), min(reason) from published.freshness"
            " group by dataset order by dataset"
        ).fetchall()
    never, not_derived = "no rows; never requested", "nothing has been derived yet"
    assert [row for row in found if row[0] == "daily_price"] == [("daily_price", 1, True, never)]
    assert ("macro_observation", 25, True, never) in found
    assert ("sector_breadth", 1, True, not_derived) in found
    # the SEC is asked by those who tell it who they are
    filings = {"company_ticker", "company_fact", "debt_maturity", "company_refinancing"}
    filings |= {"refinancing_wall", "rate_shock", "zombie_status", "valuation"}
    assert {dataset for dataset, _, late, _ in found if not late} == filings


@pytest.mark.parametrize(
    ("newest", "due"),
    [
        # the third was a half day, 17:00 UTC; the fourth no session
        ("2024-07-02", "2024-07-03 23:00"),
        ("2024-07-03", "2024-07-06 02:00"),
        # clocks go forward on the tenth of March, back on the third of November
        ("2024-03-07", "2024-03-09 03:00"),
        ("2024-03-08", "2024-03-12 02:00"),
        ("2024-10-31", "2024-11-02 02:00"),
        ("2024-11-01", "2024-11-05 03:00"),
        # a day of mourning, which no rule foretells
        ("2025-01-08", "2025-01-11 03:00"),
    ],
)
def test_prices_are_due_after_the_next_close(
    settings, bars, merged, freshness_at, newest, due
) -> None:
    merged(settings, daily_price.CONTRACT, bars(("IWM", newest, 10.0)))
    assert freshness_at(due, "daily_price") == [(None, utc(due), False, None)]
    [(_, _, is_late, reason)] = freshness_at(f"{due}:01", "daily_price")
    assert is_late
    assert reason.startswith(f"data after {newest} was due by ")


def test_who_knows_no_session_to_come_knows_nothing_fresh(
    settings, bars, merged, freshness_at
) -> None:
    merged(settings, daily_price.CONTRACT, bars(("IWM", "2024-06-07", 10.0)))
    with connect(settings, "owner") as connection:
        connection.execute("delete from core.session where session_date > '2024-06-07'")
    # what follows is due after the last session known, that of 16:00 in New York: not yet
    assert freshness_at("2024-06-07 20:00", "daily_price") == [(None, None, False, None)]
    [(_, due, is_late, reason)] = freshness_at("2024-06-07 20:01", "daily_price")
    assert (due, is_late) == (None, True)
    assert reason.startswith("the trading calendar has ended: its last session is 2024-06-07; ")


def test_prices_are_as_fresh_as_most_tickers(settings, bars, merged, freshness_at) -> None:
    held = [("A", "2024-06-05", 1.0), ("B", "2024-06-05", 1.0), ("C", "2024-06-05", 1.0)]
    # one is ahead, three are gone for long
    held += [("A", "2024-06-06", 1.0), *((t, "2024-01-05", 1.0) for t in ("X", "Y", "Z"))]
    merged(settings, daily_price.CONTRACT, bars(*held))
    assert freshness_at("2024-06-07 12:00", "daily_price")[0][1:3] == (
        utc("2024-06-07 02:00"),
        True,
    )
    merged(settings, daily_price.CONTRACT, bars(("B", "2024-06-06", 1.0)))
    assert freshness_at("2024-06-07 12:00", "daily_price")[0][1:3] == (
        utc("2024-06-08 02:00"),
        False,
    )


def test_actions_are_due_to_be_asked_for(settings, record_fetch, freshness_at) -> None:
    with connect(settings) as connection:
        connection.execute(
            """
            with made as (
                insert into core.instrument (first_ticker) values ('IWM') returning instrument_id
            ),
            run as (
                insert into audit.run (flow, process) values ('test', 'test:1') returning run_id
            )
            insert into core.corporate_action
                (instrument_id, ex_date, kind, value, source, loaded_at, run_id)
            select instrument_id, '2024-01-05', 'dividend', 0.1, 'test', now(), run_id
            from made, run
            """
        )
    record_fetch("daily_price", "IWM", "2024-06-06 22:30")
    # an outage answers nothing
    record_fetch("daily_price", "IWM", "2024-06-07 22:30", "outage")
    assert freshness_at("2024-06-08 01:00", "corporate_action")[0][2] is False
    [(_, due, is_late, reason)] = freshness_at("2024-06-08 03:00", "corporate_action")
    assert (due, is_late) == (utc("2024-06-08 02:00"), True)
    assert reason == "not requested since the close before 2024-06-07 22:00 in New York"


def test_members_are_due_on_the_morning_after(
    settings, members, merged, record_fetch, freshness_at
) -> None:
    merged(settings, index_membership.CONTRACT, members(("AAA", "2024-07-02", 1.0)))
    record_fetch("index_membership", "IWM", "2024-07-03 12:00")
    # the file of the half day, on the morning of the fifth
    due = utc("2024-07-05 12:30")
    assert freshness_at("2024-07-05 12:30", "index_membership") == [("IWM", due, False, None)]
    assert freshness_at("2024-07-05 12:31", "index_membership")[0][2] is True


def test_a_fund_that_never_brought_anything_says_what_became_of_it(
    record_fetch, freshness_at
) -> None:
    record_fetch("index_membership", "IJR", "2024-07-03 12:00", "outage")
    said = "no rows; last request: outage"
    assert freshness_at("2024-07-03 12:30", "index_membership") == [("IJR", None, True, said)]


@pytest.fixture
def observe(settings: Settings, new_run: Callable[[Settings], int]) -> Callable[..., None]:
    """Holds observations of series: `(series_id, observation_date)`."""

    def hold(*rows: tuple[str, str | date]) -> None:
        run_id = new_run(settings)
        with connect(settings) as connection, connection.cursor() as cursor:
            copy_of = (
                "copy core.macro_observation (series_id, observation_date, vintage_date, value,"
                " source, loaded_at, run_id) from stdin"
            )
            with cursor.copy(copy_of) as copy:
                for series_id, day in rows:
                    copy.write_row((series_id, day, day, 1.0, "alfred", "2024-01-01", run_id))

    return hold


def test_series_are_due_after_their_lag(observe, freshness_at) -> None:
    observe(
        ("CPIAUCSL", "2024-05-01"), ("DGS10", "2024-07-03"), ("ICSA", "2024-06-29"),
        ("DFF", "2024-07-07"), ("A191RL1Q225SBEA", "2024-01-01"),
    )  # fmt: skip
    due = {item: at for item, at, *_ in freshness_at("2024-07-08 00:00", "macro_observation")}
    # June's is due 45 days after the first, a Tuesday, and two sessions for bank holidays
    assert due["CPIAUCSL"] == utc("2024-07-19 02:00")
    # of Thursday the fourth, which have none; a day, and a session for such a case
    assert due["DGS10"] == utc("2024-07-09 02:00")
    # of the sixth; five days, and a session
    assert due["ICSA"] == utc("2024-07-13 02:00")
    # a Sunday's; Monday's is due on Tuesday, and a session
    assert due["DFF"] == utc("2024-07-11 02:00")
    # of the second quarter: 119 days after its first day, a Monday, and two sessions
    assert due["A191RL1Q225SBEA"] == utc("2024-08-01 02:00")
    assert due["UNRATE"] is None


def first_releases(tapes: Path, tape: str) -> pl.DataFrame:
    """One row per series and observation since 2021: when it was first published, and the next."""
    observations = pl.read_parquet(tapes / tape / "observations.parquet")
    return (
        observations.filter(pl.col("observation_date") >= date(2021, 1, 1))
        .group_by("series_id", "observation_date")
        .agg(pl.col("realtime_start").min())
        # vintages begin later than some series: those before came all at once
        .filter(pl.col("realtime_start") - pl.col("observation_date") < pl.duration(days=200))
        .sort("series_id", "observation_date")
        .with_columns(next_release=pl.col("realtime_start").shift(-1).over("series_id"))
        .drop_nulls()
    )


def test_a_perfect_warehouse_was_late_in_the_shutdown_only(
    settings: Settings, tapes: Path, observe, query
) -> None:
    """FRED's own releases, 2021 to 2025: each would have been held before it was due."""
    releases = first_releases(tapes, "real-etf").with_row_index("n")
    assert releases.height > 10_000
    with connect(settings, "owner") as connection:
        # each observation as the newest one of a series of its own
        connection.execute("create temporary table step (n int, series_id text)")
        with connection.cursor().copy("copy step from stdin") as copy:
            for row in releases.select("n", "series_id").iter_rows():
                copy.write_row(row)
        connection.execute(
            """
            insert into core.macro_series
            select 'S' || n, title, frequency, units, seasonal_adjustment, publication_lag_days,
                used_for
            from step join core.macro_series using (series_id)
            """
        )
    observe(*((f"S{n}", day) for n, day in releases.select("n", "observation_date").iter_rows()))
    due = query(
        settings,
        "select substr(item, 2)::int, (next_due_at at time zone 'America/New_York')::date"
        " from published.freshness_at('2026-01-01') where latest_date is not null",
    )
    judged = releases.join(
        pl.DataFrame(due, schema={"n": pl.UInt32, "due": pl.Date}, orient="row"), on="n"
    )
    assert judged.height == releases.height
    late = judged.filter(pl.col("next_release") > pl.col("due"))
    prices = {"CPIAUCSL", "CPIAUCNS", "CPILFESL", "CPILFENS"}
    assert set(late["series_id"]) == {*prices, "UNRATE"}
    assert late["next_release"].min() > date(2025, 10, 1)
    # and not so lenient that a month could go missing: the earliest came on the tenth
    slack = judged.filter(
        pl.col("series_id").is_in(prices), pl.col("due") >= pl.col("next_release")
    )
    assert slack.select((pl.col("due") - pl.col("next_release")).dt.total_days().max()).item() < 14


def note_change(settings: Settings, run_id: int, table: str, followed: int) -> None:
    with connect(settings) as connection:
        connection.execute(
            "insert into audit.change (table_name, item, from_date, run_id)"
            " values (%s, 'R2000', '2024-01-02', %s)",
            (table, run_id),
        )
        connection.execute(
            "insert into audit.derivation values ('index_concentration', %s, %s)"
            " on conflict (derived_table, input_table)"
            " do update set change_id = excluded.change_id",
            (table, followed),
        )


def test_what_is_derived_is_late_when_its_inputs_have_gone_on(
    settings: Settings, new_run, query, freshness_at
) -> None:
    run_id = new_run(settings)
    with connect(settings) as connection:
        connection.execute(
            "update audit.run set clock_at = '2024-06-06 12:00+00', ended_at = now(),"
            " state = 'completed' where run_id = %s",
            (run_id,),
        )
        connection.execute(
            "insert into derived.index_concentration values ('R2000', '2024-01-02', '2024-01-03',"
            " 2, 1, 0.5, 2, 1, now(), %s)",
            (run_id,),
        )
    note_change(settings, run_id, "index_membership", followed=0)
    assert freshness_at("2024-06-06 18:00", "index_concentration")[0][1:3] == (
        utc("2024-06-06 18:00"),
        False,
    )
    assert freshness_at("2024-06-06 18:01", "index_concentration")[0][1:] == (
        utc("2024-06-06 18:00"),
        True,
        "inputs changed by 2024-06-06 08:00 in New York are not reflected",
    )
    # a derivation that completed without it left it behind
    with connect(settings) as connection:
        connection.execute(
            "insert into audit.run (flow, process, state, ended_at)"
            " values ('derived', 'test:1', 'completed', now())"
        )
    assert freshness_at("2024-06-06 18:01", "index_concentration")[0][2] is True
    newest = query(settings, "select max(change_id) from audit.change")[0][0]
    later = new_run(settings)
    note_change(settings, later, "index_membership", followed=newest)
    assert freshness_at("2100-01-01 00:00", "index_concentration")[0][2] is True
    note_change(settings, later, "index_membership", followed=newest + 2)
    assert freshness_at("2100-01-01 00:00", "index_concentration")[0][2] is False


def test_of_a_tape_it_is_judged_at_the_clock_of_its_last_run(
    settings: Settings, bars, merged, record_fetch
) -> None:
    merged(settings, daily_price.CONTRACT, bars(("IWM", "2024-06-05", 10.0)))
    record_fetch("daily_price", "IWM", "2024-06-06 22:30")
    judged = "select is_late from published.freshness where dataset = 'daily_price'"
    with connect(settings) as connection:
        assert connection.execute(judged).fetchall() == [(True,)]
        connection.execute("insert into audit.origin (origin) values ('a-tape')")
        connection.execute("update audit.run set clock_at = '2024-06-06 22:30+00'")
        assert connection.execute(judged).fetchall() == [(False,)]


def test_the_series_are_those_of_the_file(module_warehouse: Settings, query) -> None:
    file = Path(__file__).parents[3] / "warehouse" / "reference" / "macro_series.csv"
    listed = pl.read_csv(file).select(
        "series_id", "title", "frequency", "units", "seasonal_adjustment",
        "publication_lag_days", "used_for",
    )  # fmt: skip
    assert sorted(query(module_warehouse, "select * from published.macro_series")) == sorted(
        listed.rows()
    )
