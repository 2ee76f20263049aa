"""The macro regime against facts, and against the definitions written once more in pandas."""

from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest

from expectations.calendars.trading import session_closes
from tasks.derive.macro.macro_regime import SERIES, derive_regime
from tasks.derive.macro.vintages import Vintage, add_known_session

MORNING = {"CPIAUCNS", "CPILFENS", "CPIAUCSL", "UNRATE", "ICSA", "A191RL1Q225SBEA", "GDPC1"}
AFTERNOON = {"DFEDTARU"}


def all_sessions():
    closes = session_closes().dt.tz_convert("America/New_York").dt.tz_localize(None)
    return pl.DataFrame(
        {"session_date": closes.index.date.tolist(), "closes_at": closes.dt.to_pydatetime()}
    )


def known(observations, sessions):
    """The vintages of a tape as derive_regime takes them."""
    frame = observations.filter(pl.col("series_id").is_in(SERIES)).select(
        "series_id",
        "observation_date",
        pl.col("realtime_start").alias("vintage_date"),
        "value",
        pl.when(pl.col("value").is_null()).then(pl.lit("never published")).alias("missing_reason"),
    )
    dated = add_known_session(frame, sessions).sort(
        "series_id", "known_session", "observation_date", "vintage_date"
    )
    found = {}
    for name, *rest in dated.select("series_id", *Vintage._fields).iter_rows():
        found.setdefault(name, []).append(Vintage(*rest))
    return found


@pytest.fixture(scope="module")
def observations(tapes):
    return pl.read_parquet(tapes / "real-etf" / "observations.parquet")


@pytest.fixture(scope="module")
def regime(observations):
    sessions = all_sessions()
    days = sessions.filter(
        pl.col("session_date").is_between(date(1999, 8, 17), date(2025, 12, 31))
    )["session_date"].to_list()
    return derive_regime(days, known(observations, sessions), None)


def row_of(regime, day):
    return regime.row(by_predicate=pl.col("session_date") == date.fromisoformat(day), named=True)


FACTS = [
    ("2025-10-23", {"cpi_yoy_pct": 2.92, "cpi_reference_month": date(2025, 8, 1)}),
    ("2025-10-24", {"cpi_yoy_pct": 3.01, "cpi_reference_month": date(2025, 9, 1)}),
    ("2025-12-17", {"cpi_yoy_pct": 3.01, "cpi_missing_reason": None}),
    (
        "2025-12-18",
        {
            "cpi_yoy_pct": 2.74,
            "cpi_reference_month": date(2025, 11, 1),
            "cpi_mom_pct": None,
            "cpi_missing_reason": "m/m of 2025-11: 2025-10 never published",
            "cpi_3m_annualised_pct": 2.08,
        },
    ),
    # 317.685 of December 2024 counts until the revision of 2025-02-12
    ("2025-02-11", {"cpi_3m_annualised_pct": round(100 * ((317.685 / 314.686) ** 4 - 1), 2)}),
    # six cuts from 5.50 to 3.75
    (
        "2025-12-31",
        {
            "target_upper_pct": 3.75,
            "bp_from_cycle_peak": -175.0,
            "cuts_in_cycle": 6,
            "policy_phase": "easing",
        },
    ),
    ("2025-09-17", {"policy_phase": "holding", "cuts_in_cycle": 3}),
    ("2023-08-01", {"policy_phase": "hiking", "bp_from_cycle_peak": 0.0, "cuts_in_cycle": 0}),
    # zero since 2008: no hike known, and long without a change
    ("2012-06-01", {"policy_phase": "holding", "bp_from_cycle_peak": None}),
    # the two cuts of March 2020 after the three of 2019
    ("2020-03-17", {"cuts_in_cycle": 5, "bp_from_cycle_peak": -225.0}),
]


@pytest.mark.parametrize(("day", "facts"), FACTS)
def test_facts_as_known_that_day(regime, day, facts):
    row = row_of(regime, day)
    found = {name: row[name] for name in facts}
    rounded = {n: round(v, 2) if isinstance(v, float) else v for n, v in found.items()}
    assert rounded == facts


def as_known(observations, series_id, day):
    """The newest vintage of each observation on a day, as pandas would have it."""
    frame = observations.filter(pl.col("series_id") == series_id).to_pandas()
    vintage = pd.to_datetime(frame["realtime_start"])
    is_known = vintage <= day if series_id in MORNING | AFTERNOON else vintage < day
    newest = frame[is_known].sort_values("realtime_start").groupby("observation_date").last()
    series = newest["value"]
    series.index = pd.to_datetime(series.index)
    return series.dropna()


def expected_row(observations, day):
    """Figures of one session, from the definitions."""
    s = {name: as_known(observations, name, day) for name in SERIES}
    year = pd.DateOffset(years=1)

    def newest_over_year(series):
        both = (series / series.shift(freq=year) - 1).dropna()
        return both.index[-1].date(), 100 * both.iloc[-1]

    adjusted = s["CPIAUCSL"].asfreq("MS")
    month, over_year = newest_over_year(s["CPIAUCNS"])
    _, core = newest_over_year(s["CPILFENS"])
    funds = s["DFF"] if len(s["DFF"]) else s["EFFR"]
    claims, target = s["ICSA"], s["DFEDTARU"]
    return {
        "cpi_reference_month": month,
        "cpi_yoy_pct": over_year,
        "core_cpi_yoy_pct": core,
        "cpi_mom_pct": 100 * (adjusted / adjusted.shift(1) - 1).iloc[-1],
        "cpi_3m_annualised_pct": 100 * ((adjusted / adjusted.shift(3)) ** 4 - 1).iloc[-1],
        "fed_funds_pct": funds.iloc[-1] if len(funds) else None,
        "real_fed_funds_pct": funds.iloc[-1] - core if len(funds) else None,
        "target_upper_pct": target.iloc[-1] if len(target) else None,
        "t10y2y_pct": s["T10Y2Y"].iloc[-1],
        "hy_oas_pct": s["BAMLH0A0HYM2"].iloc[-1],
        "unemployment_pct": s["UNRATE"].iloc[-1],
        "claims_4wk_avg": claims.iloc[-4:].mean(),
    }


def test_rows_are_those_of_the_definitions(observations, regime):
    days = np.random.default_rng(3).choice(regime["session_date"].to_list(), 40, replace=False)
    for day in [*days, date(2025, 12, 19), date(2025, 2, 12)]:
        row = regime.row(by_predicate=pl.col("session_date") == day, named=True)
        for name, value in expected_row(observations, pd.Timestamp(day)).items():
            if value is None or value != value:
                assert row[name] is None, (day, name)
            elif isinstance(value, date):
                assert row[name] == value, (day, name)
            else:
                assert row[name] == pytest.approx(value, abs=1e-9), (day, name)


def test_sessions_since_inversion_count_from_the_last_negative_spread(regime):
    spread = regime["t10y2y_pct"].to_list()
    counts = regime["curve_sessions_since_inversion"].to_list()
    negative = [place for place, value in enumerate(spread) if value is not None and value < 0]
    for place in (0, 100, negative[0], negative[-1], len(spread) - 1):
        before = [each for each in negative if each <= place]
        assert counts[place] == (place - before[-1] if before else None)
    assert counts[-1] > 250


def month(number):
    return date(2024 + number // 12, number % 12 + 1, 1)


def monthly(values, series_id="CPIAUCNS"):
    """Observations from January 2024 on, each released on the 12th of the next month."""
    return pl.DataFrame(
        {
            "series_id": series_id,
            "observation_date": [month(n) for n in range(len(values))],
            "realtime_start": [month(n + 1).replace(day=12) for n in range(len(values))],
            "value": values,
        },
        schema_overrides={"value": pl.Float64},
    )


def test_gdp_is_that_of_the_vintage_known_that_day():
    """Growth of the quarter and the level over a year; a revision counts from its own day."""
    quarters = [date(2025 + n // 4, 3 * (n % 4) + 1, 1) for n in range(5)]
    released = [date(2025, 4, 30), date(2025, 7, 30), date(2025, 10, 30), date(2026, 1, 29)]
    released.append(date(2026, 4, 29))
    rows = [
        *zip(quarters, released, [100.0, 101.0, 102.0, 103.0, 102.5], strict=True),
        (quarters[4], date(2026, 5, 28), 102.25),
    ]
    level = [("GDPC1", *row) for row in rows]
    growth = [("A191RL1Q225SBEA", q, day, value - 100) for q, day, value in rows]
    columns = ["series_id", "observation_date", "realtime_start", "value"]
    frame = pl.DataFrame([*level, *growth], schema=columns, orient="row")
    sessions = all_sessions()
    days = [date(2026, 4, 28), date(2026, 4, 29), date(2026, 5, 27), date(2026, 5, 28)]
    between = sessions.filter(pl.col("session_date").is_between(days[0], days[-1]))
    found = derive_regime(between["session_date"].to_list(), known(frame, sessions), None)
    shown = {row["session_date"]: row for row in found.to_dicts()}
    # the level of the quarter before the first one is not there, so the first day has no change
    assert [
        (row["gdp_reference_quarter"], row["gdp_growth_pct"], row["gdp_yoy_pct"])
        for row in (shown[day] for day in days)
    ] == [
        (quarters[3], 3.0, None),
        (quarters[4], 2.5, pytest.approx(2.5)),
        (quarters[4], 2.5, pytest.approx(2.5)),
        (quarters[4], 2.25, pytest.approx(2.25)),
    ]


def test_month_a_year_after_a_hole_shows_the_newest_month_that_has_a_change():
    """October 2025 does not exist, so October 2026 has no change over a year."""
    values = [100.0 + n for n in range(35)]
    values[21] = None
    both = pl.concat([monthly(values), monthly(values, "CPIAUCSL")])
    sessions = all_sessions()
    days = [date(2026, 11, 11), date(2026, 11, 12), date(2026, 12, 14)]
    between = sessions.filter(pl.col("session_date").is_between(days[0], days[-1]))
    rows = derive_regime(between["session_date"].to_list(), known(both, sessions), None)
    shown = {row["session_date"]: row for row in rows.to_dicts()}
    assert [shown[day]["cpi_reference_month"] for day in days] == [
        date(2026, 9, 1),
        date(2026, 9, 1),
        date(2026, 11, 1),
    ]
    assert shown[days[1]]["cpi_yoy_pct"] == pytest.approx(100 * (132 / 120 - 1))
    assert shown[days[1]]["cpi_missing_reason"] == "y/y of 2026-10: 2025-10 never published"
    # the adjusted series has its three months
    assert shown[days[1]]["cpi_adjusted_reference_month"] == date(2026, 10, 1)
    assert shown[days[1]]["cpi_3m_annualised_pct"] is not None
    assert shown[days[2]]["cpi_missing_reason"] is None


def test_three_months_over_a_hole_are_missing_with_a_reason():
    values = [100.0 + n for n in range(25)]
    values[21] = None
    sessions = all_sessions()
    rows = derive_regime([date(2026, 2, 17)], known(monthly(values, "CPIAUCSL"), sessions), None)
    row = rows.row(0, named=True)
    assert row["cpi_adjusted_reference_month"] == date(2026, 1, 1)
    assert (row["cpi_mom_pct"], row["cpi_3m_annualised_pct"]) == (pytest.approx(100 / 123), None)
    assert row["cpi_missing_reason"] == "3 months of 2026-01: 2025-10 never published"


@pytest.mark.parametrize(
    ("series_id", "vintage", "session"),
    [
        # 08:30 and 14:00: the same session; 16:15: the next
        ("CPIAUCSL", date(2025, 10, 24), date(2025, 10, 24)),
        ("DFEDTARU", date(2025, 12, 10), date(2025, 12, 10)),
        ("DGS10", date(2025, 12, 18), date(2025, 12, 19)),
        ("DFF", date(2025, 12, 19), date(2025, 12, 22)),
        # Good Friday, on which jobs are published and the exchange is closed
        ("UNRATE", date(2023, 4, 7), date(2023, 4, 10)),
        # the day after Thanksgiving closes at 13:00
        ("DFEDTARU", date(2025, 11, 28), date(2025, 12, 1)),
        ("CPIAUCSL", date(2025, 11, 28), date(2025, 11, 28)),
    ],
)
def test_release_is_known_in_the_first_session_that_closes_after_it(series_id, vintage, session):
    frame = pl.DataFrame({"series_id": [series_id], "vintage_date": [vintage]})
    assert add_known_session(frame, all_sessions())["known_session"].to_list() == [session]


@pytest.mark.parametrize("day", [date(2016, 12, 15), date(2020, 3, 16), date(2025, 2, 12)])
def test_what_becomes_known_later_changes_no_session_before(observations, regime, day):
    sessions = all_sessions()
    until = observations.filter(pl.col("realtime_start") <= day)
    days = [each for each in regime["session_date"] if each <= day]
    assert derive_regime(days, known(until, sessions), None).equals(regime.head(len(days)))
