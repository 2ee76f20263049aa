"""What ought to be there against what is."""

from datetime import date, datetime

import pandas as pd
import pytest

from expectations.tables import daily_price, index_membership
from tasks.extract.provider.fetch_log import FetchRecord, to_frame, utc_now
from tasks.run.audit import insert_fetches, upsert_quarantine
from warehouse.connect.connections import adbc_connection

PRICES, MEMBERS = daily_price.CONTRACT, index_membership.CONTRACT
REASONS = (
    "not_due", "throttled", "outage", "refused", "empty", "delisted", "not_found", "no_row",
    "not_asked",
)  # fmt: skip
BARS = "where dataset = 'daily_price'"
COVERAGE = """
select index_code, session_date::text, expected, loaded, quarantined, missing, is_backcast
from published.coverage where dataset = 'daily_price' order by 1, 2
"""


@pytest.fixture
def listed(settings, merged, members):
    """Loads a holdings file."""

    def load(as_of: str, known_from: str, *tickers: str) -> None:
        file = members(*((ticker, as_of, 1.0) for ticker in tickers))
        merged(settings, MEMBERS, file.assign(known_from=pd.Timestamp(known_from)))

    return load


@pytest.fixture
def asked(settings, new_run):
    """Record requests and quarantined rows."""

    def note(start: str, end: str, aside=(), **status: str) -> None:
        instant: datetime = utc_now()
        fetches = to_frame(
            FetchRecord(
                "yahoo", "daily_price", ticker, date.fromisoformat(start), date.fromisoformat(end),
                each, None if each == "loaded" else "why", "", 0, 1, instant, instant,
            )
            for ticker, each in status.items()
        )  # fmt: skip
        keys = [f'{{"ticker": "{ticker}", "session_date": "{day}"}}' for ticker, day, _ in aside]
        rows = pd.DataFrame(
            {"table_name": "daily_price", "key": keys, "rule": [rule for *_, rule in aside]}
        ).assign(reason="", row="{}")
        run_id = new_run(settings)
        with adbc_connection(settings) as connection:
            insert_fetches(connection, run_id, fetches)
            upsert_quarantine(connection, run_id, rows)
            connection.commit()

    return note


def test_empty_warehouse_expects_nothing(settings, query):
    assert query(settings, COVERAGE) == []


def test_members_and_watched_by_session(settings, bars, merged, listed, asked, query):
    # 2024-01-06 and 07 are no sessions
    listed("2024-01-04", "2024-01-05", "AAA", "GONE")
    listed("2024-01-05", "2024-01-08", "AAA", "BBB")
    asked("2024-01-01", "2024-01-08", AAA="loaded", BBB="loaded", SPY="loaded", GONE="not_found")
    days = ("2024-01-04", "2024-01-05", "2024-01-08")
    merged(settings, PRICES, bars(*(("AAA", day, 10.0) for day in days)))
    merged(settings, PRICES, bars(("BBB", "2024-01-05", 5.0), ("SPY", "2024-01-05", 400.0)))
    assert query(settings, COVERAGE) == [
        # nobody expects GONE before the file that names it, for it never had a bar
        ("R2000", "2024-01-04", 1, 1, 0, 0, True),
        ("R2000", "2024-01-05", 2, 1, 0, 1, False),
        ("R2000", "2024-01-08", 2, 1, 0, 1, False),
        ("watched", "2024-01-05", 1, 1, 0, 0, False),
        ("watched", "2024-01-08", 1, 0, 0, 1, False),
    ]
    why = "select session_date::text, missing_not_found, missing_no_row from published.coverage"
    assert query(
        settings, f"{why} where dataset = 'daily_price' and index_code = 'R2000' order by 1"
    )[1:] == [
        ("2024-01-05", 1, 0),
        ("2024-01-08", 0, 1),
    ]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(each, each) for each in REASONS[1:7]] + [("loaded", "no_row")],
)
def test_every_gap_has_a_name(settings, listed, asked, query, status, reason):
    listed("2024-01-04", "2024-01-05", "AAA")
    asked("2024-01-01", "2024-01-05", AAA="outage" if status != "outage" else "throttled")
    asked("2024-01-01", "2024-01-05", AAA=status)
    # an older window says nothing of the day, nor does another symbol's
    asked("2024-01-01", "2024-01-04", AAA="refused" if status != "refused" else "empty")
    names = ", ".join(f"missing_{each}" for each in REASONS)
    rows = query(settings, f"select expected, missing, {names} from published.coverage {BARS}")
    assert rows == [(1, 1, *(int(each == reason) for each in REASONS))]


def test_never_asked(settings, listed, asked, query):
    listed("2024-01-04", "2024-01-05", "AAA")
    asked("2024-01-01", "2024-01-05", BBB="loaded")
    assert query(settings, f"select missing, missing_not_asked from published.coverage {BARS}") == [
        (1, 1)
    ]


def test_rows_set_aside(settings, bars, merged, listed, asked, query):
    listed("2024-01-03", "2024-01-04", "AAA")
    aside = [
        ("AAA", "2024-01-04", "ohlc_order"),
        ("AAA", "2024-01-04", "price_spike_reverted"),
        ("AAA", "2024-01-05", "unfinished_session"),
    ]
    asked("2024-01-01", "2024-01-05", aside, AAA="loaded")
    counted = "select expected, loaded, quarantined, missing_not_due from published.coverage "
    counted += BARS
    assert query(settings, f"{counted} order by session_date") == [(1, 0, 1, 0), (1, 0, 0, 1)]
    merged(settings, PRICES, bars(("AAA", "2024-01-04", 1.0), ("AAA", "2024-01-05", 1.0)))
    assert query(settings, f"{counted} order by session_date") == [(1, 1, 0, 0), (1, 1, 0, 0)]


def test_a_renamed_member_is_one_member(settings, bars, merged, listed, asked, query):
    days = [str(day.date()) for day in pd.bdate_range("2023-06-01", "2023-06-30", freq="B")]
    days.remove("2023-06-19")
    old = [("OLD", day, 10 + number, 100 + number) for number, day in enumerate(days[:-1])]
    new = [("NEW", day, 10 + number, 100 + number) for number, day in enumerate(days)]
    listed("2023-06-01", "2023-06-02", "OLD")
    merged(settings, PRICES, bars(*old))
    listed("2023-06-29", "2023-06-30", "NEW")
    merged(settings, PRICES, bars(*new))
    asked("2023-06-01", "2023-06-30", OLD="not_found")
    asked("2023-06-01", "2023-06-30", NEW="loaded")
    assert [row[2:6] for row in query(settings, COVERAGE)] == [(1, 1, 0, 0)] * len(days)


def test_gaps_row_by_row(settings, bars, merged, listed, asked, query):
    listed("2024-01-04", "2024-01-05", "AAA", "BBB")
    listed("2024-01-09", "2024-01-10", "AAA", "BBB")
    aside = [("AAA", "2024-01-05", "ohlc_order")]
    asked("2024-01-01", "2024-01-09", aside, AAA="loaded", BBB="throttled", SPY="loaded")
    merged(settings, PRICES, bars(("AAA", "2024-01-08", 1.0), ("SPY", "2024-01-08", 1.0)))
    gaps = query(
        settings,
        "select dataset, index_code, item, session_date::text, missing_reason"
        " from published.coverage_gap"
        " where session_date >= '2024-01-05' and dataset <> 'company_fact' order by 1, 2, 3, 4",
    )
    assert gaps == [
        ("daily_price", "R2000", "AAA", "2024-01-05", "quarantined"),
        ("daily_price", "R2000", "AAA", "2024-01-09", "no_row"),
        ("daily_price", "R2000", "BBB", "2024-01-05", "throttled"),
        ("daily_price", "R2000", "BBB", "2024-01-08", "throttled"),
        ("daily_price", "R2000", "BBB", "2024-01-09", "throttled"),
        ("daily_price", "watched", "SPY", "2024-01-09", "no_row"),
        *(
            ("index_membership", "R2000", "IWM", day, "not_asked")
            for day in ("2024-01-05", "2024-01-08")
        ),
    ]
    differing = """
        select from (
            select dataset, index_code, session_date, count(*) as gaps
            from published.coverage_gap group by 1, 2, 3
        ) as gap
        full join (
            select * from published.coverage where missing + quarantined > 0
        ) as counted
        using (dataset, index_code, session_date) where gaps is distinct from missing + quarantined
    """
    assert query(settings, differing) == []


def test_a_gap_is_asked_for_under_the_symbol_of_now(settings, bars, merged, listed, asked, query):
    days = [str(day.date()) for day in pd.bdate_range("2023-06-20", "2023-07-21", freq="B")]
    days.remove("2023-07-04")
    old = [("OLD", day, 10 + number, 100 + number) for number, day in enumerate(days[:-1])]
    new = [("NEW", day, 10 + number, 100 + number) for number, day in enumerate(days)]
    listed("2023-06-16", "2023-06-20", "OLD")
    merged(settings, PRICES, bars(*old[:4], *old[5:]))
    merged(settings, PRICES, bars(*new[:4], *new[5:]))
    asked(days[0], days[-1], NEW="loaded")
    gaps = (
        "select item, session_date::text from published.coverage_gap where dataset = 'daily_price'"
    )
    assert query(settings, f"{gaps} and session_date >= '{days[0]}'") == [("NEW", days[4])]
