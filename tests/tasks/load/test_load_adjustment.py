"""Adjusted closes against a calculation of its own, and against Yahoo's."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

PUBLISHED = """
select ticker, session_date, close, split_factor, close_split_adjusted, close_total_return
from {} order by 1, 2
"""
SAME_AS_HELD = """
(select * from published.daily_price except all select * from as_of.daily_price(now()))
union all
(select * from as_of.daily_price(now()) except all select * from published.daily_price)
"""
KNOWN = ("NVDA", "AVGO", "CMG", "WMT", "NBN", "APH", "COO", "CTAS", "LRCX", "ODFL", "SMCI", "WSM")


def adjust(bars: pd.DataFrame, actions: pd.DataFrame) -> dict[tuple[str, date], tuple[float, ...]]:
    """Split factor, split-adjusted and total-return close of every bar, one bar at a time."""
    out = {}
    for ticker, held in bars.groupby("ticker"):
        mine = actions[actions["ticker"] == ticker]
        ex_dates = sorted(set(mine["ex_date"]))
        for bar in held.itertuples():
            split, total = 1.0, 1.0
            for ex_date in ex_dates:
                if ex_date <= bar.session_date:
                    continue
                that_day = mine[mine["ex_date"] == ex_date]
                ratio = that_day.loc[that_day["kind"] == "split", "value"].prod()
                cash = that_day.loc[that_day["kind"] != "split", "value"].sum()
                before = held[held["session_date"] < ex_date].iloc[-1]["close"]
                split /= ratio
                total *= (1 - cash * ratio / before) / ratio
            out[ticker, bar.session_date.date()] = (split, bar.close * split, bar.close * total)
    return out


def test_adjusted_closes_of_a_random_market(settings, bars, actions, load_prices, query):
    random = np.random.default_rng(20240610)
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(80)]
    rows, acts = [], []
    for ticker in ("AAA", "BBB", "CCC"):
        closes = 100 * np.exp(np.cumsum(random.normal(0, 0.03, len(days))))
        kept = random.random(len(days)) > 0.2
        rows += [
            (ticker, day, round(close, 4))
            for day, close, is_there in zip(days, closes, kept, strict=True)
            if is_there
        ]
        # some on days without a bar, some two to a day, some beyond the last bar
        for number in random.choice(np.arange(5, 95), size=8, replace=False):
            ex_date = date(2024, 1, 1) + timedelta(days=int(number))
            acts.append((ticker, ex_date, "dividend", round(random.uniform(0.1, 3), 3)))
            if number % 3 == 0:
                acts.append((ticker, ex_date, "split", float(random.choice([0.1, 0.5, 2, 3]))))
            if number % 5 == 0:
                acts.append((ticker, ex_date, "capital_gain", 0.25))
    some_bars, some_actions = bars(*rows), actions(*acts)
    load_prices(settings, some_bars, some_actions)
    expected = adjust(some_bars, some_actions)
    found = query(settings, PUBLISHED.format("published.daily_price"))
    assert len(found) == len(expected) > 150
    for ticker, day, _, *adjusted in found:
        assert adjusted == pytest.approx(expected[ticker, day], rel=1e-12)
    assert query(settings, SAME_AS_HELD) == []


def test_total_return_closes_of_2024_are_those_of_the_vendor(settings, tapes, load_prices, query):
    tape = tapes / "real-2024"
    vendor = pl.read_parquet(tapes / "real-2024-vendor-adjusted.parquet")
    others = vendor["ticker"].unique().sort().gather_every(45).to_list()
    tickers = sorted({*KNOWN, *others})
    assert len(tickers) >= 60
    bars = pl.read_parquet(tape / "bars.parquet").filter(pl.col("ticker").is_in(tickers))
    acts = pd.read_csv(tape / "actions.csv", parse_dates=["ex_date"])
    acts = acts[acts["ticker"].isin(tickers)].assign(source="tape")
    bars = bars.with_columns(source=pl.lit("tape"), volume_resolution=0.0)
    load_prices(settings, bars.to_pandas(), acts)
    names = ["ticker", "session_date", "close", "factor", "adjusted", "total"]
    rows = query(settings, PUBLISHED.format("published.daily_price"))
    ours = pl.DataFrame(rows, schema=names, orient="row")
    apart = (
        ours.join(vendor, on=["ticker", "session_date"])
        .with_columns(factor=pl.col("total") / pl.col("vendor_adj_close"))
        .group_by("ticker")
        .agg(pl.col("factor").max() / pl.col("factor").min() - 1, sessions=pl.len())
    )
    assert apart["sessions"].sum() == len(ours)
    apart = dict(apart.select("ticker", "factor").iter_rows())
    assert set(apart) == set(tickers)
    # the cent rounding of their dividends
    rounded = {ticker: apart.pop(ticker) for ticker in ("NVDA", "NBN")}
    assert max(apart.values()) < 1e-5
    assert max(rounded.values()) < 5.4e-4
    # known: what NVDA closed at before its split by ten
    nvda = ours.filter((pl.col("ticker") == "NVDA") & (pl.col("session_date") == date(2024, 6, 7)))
    assert nvda["close"].item() == pytest.approx(1208.88, abs=0.005)
    assert nvda["adjusted"].item() == pytest.approx(120.888, abs=0.0005)
    assert query(settings, SAME_AS_HELD) == []
