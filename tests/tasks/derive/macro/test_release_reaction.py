"""Reactions to releases against least squares on real prices, and the releases against facts."""

from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tasks.derive.macro.consensus import Consensus, InvalidConsensus, read_consensus
from tasks.derive.macro.events import Event, add_surprises, cpi_releases, target_changes
from tasks.derive.macro.market_model import align
from tasks.derive.macro.release_reaction import derive_reactions
from tests.tasks.derive.macro.test_macro_regime import all_sessions, known

LINE = "cpi,2026-02-13,2.5,a survey of banks,2026-02-11"


@pytest.fixture(scope="module")
def vintages(tapes):
    observations = pl.read_parquet(tapes / "real-etf" / "observations.parquet")
    return known(observations, all_sessions())


@pytest.fixture(scope="module")
def closes(tapes):
    return pl.read_parquet(tapes / "real-etf" / "bars.parquet")


@pytest.fixture(scope="module")
def cpi(vintages):
    return {event.release_date: event for event in cpi_releases(vintages["CPIAUCNS"])}


@pytest.fixture(scope="module")
def changes(vintages):
    sessions = all_sessions()["session_date"].to_list()
    return {event.release_date: event for event in target_changes(vintages["DFEDTARU"], sessions)}


@pytest.mark.parametrize(
    ("day", "month", "value", "previous"),
    [
        (date(2025, 10, 24), date(2025, 9, 1), 3.01, 2.92),
        # the release of November, with October missing
        (date(2025, 12, 18), date(2025, 11, 1), 2.74, 3.01),
        (date(2022, 7, 13), date(2022, 6, 1), 9.06, 8.58),
    ],
)
def test_cpi_is_that_of_the_first_release(cpi, day, month, value, previous):
    event = cpi[day]
    assert (event.session, event.reference_date) == (day, month)
    assert (round(event.value_pct, 2), round(event.previous_pct, 2)) == (value, previous)


def test_every_month_is_released_once(cpi):
    months = [event.reference_date for event in cpi.values()]
    assert len(set(months)) == len(months)
    # months since January 1990, without October 2025, and December 1995, which the tape has on the
    # day of January 1996
    assert len(months) == 35 * 12 + 11 - 2


@pytest.mark.parametrize(
    ("decided", "session", "level", "before"),
    [
        (date(2025, 12, 10), date(2025, 12, 10), 3.75, 4.0),
        (date(2024, 9, 18), date(2024, 9, 18), 5.0, 5.5),
        (date(2020, 3, 3), date(2020, 3, 3), 1.25, 1.75),
        # on a Sunday
        (date(2020, 3, 15), date(2020, 3, 16), 0.25, 1.25),
        (date(2017, 3, 15), date(2017, 3, 15), 1.0, 0.75),
        # FRED dates these by the decision
        (date(2016, 12, 14), date(2016, 12, 14), 0.75, 0.5),
        (date(2015, 12, 16), date(2015, 12, 16), 0.5, 0.25),
    ],
)
def test_target_changes_on_the_day_of_the_decision(changes, decided, session, level, before):
    event = changes[decided]
    assert (event.session, event.value_pct, event.previous_pct) == (session, level, before)
    assert (event.known_from > event.release_date) == (decided.year > 2016)


def test_announcement_shown_by_fred_counts_on_its_day():
    from tasks.derive.macro.vintages import Vintage

    vintages = [
        Vintage(date(2026, 1, 28), date(2026, 1, 28), 3.75, None, date(2026, 1, 28)),
        Vintage(date(2026, 1, 28), date(2026, 1, 30), 3.5, None, date(2026, 1, 28)),
    ]
    (event,) = target_changes(vintages, all_sessions()["session_date"].to_list())
    assert event.release_date == event.session == event.known_from == date(2026, 1, 28)


def growth_of(closes, ticker):
    rows = closes.filter(pl.col("ticker") == ticker).sort("session_date")
    return rows.select(
        "session_date", (pl.col("close") / pl.col("close").shift(1)).alias("growth")
    ).slice(1)


def by_least_squares(closes, tickers, day, first, last):
    """Total and abnormal return and its error, with the matrix formula of a forecast."""
    prices = closes.to_pandas().pivot(index="session_date", columns="ticker", values="close")
    prices = prices[[*{*tickers, "SPY"}]].dropna()
    returns = prices.pct_change().iloc[1:]
    subject = returns[tickers[0]] - (returns[tickers[1]] if len(tickers) == 2 else 0)
    at = returns.index.get_loc(pd.Timestamp(day))
    sample = slice(at - 130, at - 10)
    y, x = subject.iloc[sample].to_numpy(), returns["SPY"].iloc[sample].to_numpy()
    assert len(y) == 120
    design = np.column_stack([np.ones(120), x])
    (alpha, beta), squares, *_ = np.linalg.lstsq(design, y, rcond=None)
    window = slice(at + first, at + last + 1)
    market = returns["SPY"].iloc[window].to_numpy()
    abnormal = (subject.iloc[window].to_numpy() - alpha - beta * market).sum()
    new = np.column_stack([np.ones(len(market)), market])
    forecasts = np.eye(len(market)) + new @ np.linalg.inv(design.T @ design) @ new.T
    error = np.sqrt(squares[0] / 118 * forecasts.sum())
    grown = prices.iloc[at + 1 + last] / prices.iloc[at + first]
    total = grown[tickers[0]] - (grown[tickers[1]] if len(tickers) == 2 else 1)
    return total, abnormal, error, beta


@pytest.mark.parametrize("tickers", [("IWM", "SPY"), ("IWM", "QQQ"), ("XLF",)])
@pytest.mark.parametrize("day", [date(2022, 7, 13), date(2025, 9, 17), date(2020, 3, 16)])
def test_reactions_are_those_of_least_squares(closes, tickers, day):
    growth = {ticker: growth_of(closes, ticker) for ticker in (*tickers, "SPY")}
    subject = align([growth[ticker] for ticker in tickers], growth["SPY"])
    event = Event("cpi", day, day, day, day, 1.0, 1.0)
    rows = {row["event_window"]: row for row in derive_reactions("x", subject, event)}
    for label, first, last in (("day_0", 0, 0), ("days_-1_to_5", -1, 5)):
        total, abnormal, error, beta = by_least_squares(closes, tickers, day, first, last)
        row = rows[label]
        assert row["total_return"] == pytest.approx(total, abs=1e-12)
        assert row["abnormal_return"] == pytest.approx(abnormal, abs=1e-12)
        assert row["standard_error"] == pytest.approx(error, rel=1e-9)
        assert row["beta"] == pytest.approx(beta, rel=1e-9)


def test_window_appears_when_it_is_over_and_model_when_it_is_full(closes):
    spy, xlc = growth_of(closes, "SPY"), growth_of(closes, "XLC")
    day = date(2018, 12, 19)
    event = Event("target_range", day, day, day, day, 2.5, 2.25)

    def rows(until, fund=xlc):
        frames = [each.filter(pl.col("session_date") <= until) for each in (fund, spy)]
        return [*derive_reactions("XLC", align(frames[:1], frames[1]), event)]

    assert [row["event_window"] for row in rows(date(2018, 12, 19))] == ["day_0"]
    assert [row["event_window"] for row in rows(date(2018, 12, 26))] == ["day_0"]
    # five sessions after, with Christmas between
    later = rows(date(2018, 12, 27))
    assert [row["known_from"] for row in later] == [day, date(2018, 12, 27)]
    # it has traded since June 2018: 126 sessions before
    assert {row.get("abnormal_return") for row in later} == {None}
    assert {row["missing_reason"] for row in later} == {
        "fewer than 120 sessions to estimate the model"
    }
    (market, _) = derive_reactions("SPY", align([spy], spy), event)
    assert market["missing_reason"] == "it is the market of the model"
    assert market["total_return"] == pytest.approx(-0.0149, abs=2e-3)


def event_of(number, value):
    day = date(2020, 1, 1 + number)
    return Event("cpi", day, day, day, day, value, None)


def test_surprises_are_scored_by_those_before():
    forecasts = {
        ("cpi", date(2020, 1, 1 + n)): Consensus(2.0, "survey", date(2020, 1, 1)) for n in range(10)
    }
    values = [2.1, 1.92, 2.0, 2.3, 1.9, 2.2, 2.0, 1.8, 2.44, 2.1]
    events = add_surprises([event_of(n, value) for n, value in enumerate(values)], forecasts)
    # rounded as published
    rounded = [0.1, -0.1, 0.0, 0.3, -0.1, 0.2, 0.0, -0.2, 0.4, 0.1]
    assert [event.surprise_pct for event in events] == pytest.approx(rounded)
    assert [event.surprise_in_sd for event in events[:8]] == [None] * 8
    assert events[8].surprise_in_sd == pytest.approx(0.4 / np.std(rounded[:8], ddof=1))
    assert events[9].surprise_in_sd == pytest.approx(0.1 / np.std(rounded[:9], ddof=1))
    without = add_surprises([event_of(20, 2.0), event_of(1, None)], forecasts)
    assert [event.surprise_pct for event in without] == [None, None]
    assert without[1].consensus is not None


@pytest.fixture
def write_consensus(tmp_path, monkeypatch):
    """Writes a consensus.csv of the test's own."""
    file = tmp_path / "consensus.csv"
    monkeypatch.setattr("tasks.derive.macro.consensus.reference_file", lambda _name: file)

    def write(*lines, header="release,release_date,consensus_pct,source,published_on"):
        file.write_text("\n".join([header, *lines]) + "\n")

    return write


def test_consensus_is_read_with_source_and_date(write_consensus):
    write_consensus(LINE)
    assert read_consensus() == {
        ("cpi", date(2026, 2, 13)): Consensus(2.5, "a survey of banks", date(2026, 2, 11))
    }
    write_consensus()
    assert read_consensus() == {}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((LINE, LINE), "line 3: cpi of 2026-02-13 has an earlier line"),
        ((LINE.replace("cpi", "ppi"),), "line 2: release is 'ppi'"),
        ((LINE.replace("2.5", "250"),), "line 2: consensus_pct is 250, outside"),
        ((LINE.replace("2.5", "nan"),), "line 2: consensus_pct is nan, outside"),
        ((LINE.replace("2.5", "2,5"),), "line 2: 6 cells, not 5: quote a text with a comma"),
        ((LINE.replace("2.5", "high"),), "line 2: could not convert"),
        ((LINE.replace("a survey of banks", " "),), "line 2: source is empty"),
        ((LINE.replace("2026-02-11", "2026-02-14"),), "line 2: published_on 2026-02-14 is after"),
        ((LINE.replace("2026-02-13", "13.2.2026"),), "line 2: Invalid isoformat"),
    ],
)
def test_wrong_line_of_consensus_is_refused_by_number(write_consensus, lines, message):
    write_consensus(*lines)
    with pytest.raises(InvalidConsensus, match=message):
        read_consensus()


def test_wrong_header_of_consensus_is_refused(write_consensus):
    write_consensus(header="release,date,value")
    with pytest.raises(InvalidConsensus, match="it needs release, release_date"):
        read_consensus()


def test_consensus_saved_by_a_spreadsheet_is_read(write_consensus, tmp_path):
    write_consensus("", LINE.replace("a survey of banks", '"a survey, of banks"'), "")
    file = tmp_path / "consensus.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert [each.source for each in read_consensus().values()] == ["a survey, of banks"]
    file.write_text(file.read_text(encoding="utf-8"), encoding="utf-16")
    with pytest.raises(InvalidConsensus, match="not encoded in UTF-8"):
        read_consensus()


def test_shipped_consensus_is_empty():
    assert read_consensus() == {}


def test_returns_over_a_hole_of_one_leg_span_the_same_sessions():
    days = [date(2024, 1, n) for n in range(2, 8)]
    market = pl.DataFrame({"session_date": days, "growth": [1.01] * 6})
    holed = pl.DataFrame({"session_date": [*days[:2], *days[3:]], "growth": [1.02] * 5})
    subject = align([holed], market)
    assert subject.days == [days[1], *days[3:]]
    assert subject.market.tolist() == pytest.approx([1.01, 1.01**2, 1.01, 1.01])
    assert pd.Series(subject.legs[0]).tolist() == pytest.approx([1.02] * 4)
