"""Inject vendor defects into true bars, with the ground truth of each."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from deployments.sandbox.market.companies.actions import Prices
from deployments.sandbox.market.companies.events import CompanyEvents
from deployments.sandbox.market.companies.splits import Split
from deployments.sandbox.market.companies.universe import Universe
from deployments.sandbox.market.defects.injector import DefectInjector, instant
from deployments.sandbox.market.sessions import Timeline

#: Splits whose past the vendor forgets to restate: ratio, and number of rows before the split.
_FORGOTTEN_SPLITS = ((3.0, 8), (0.1, 5))


def clean_tickers(universe: Universe, events: CompanyEvents, prices: Prices) -> list[str]:
    """Return tickers always listed, above 3 USD, without splits, halts, renames or large moves."""
    last = len(prices.close) - 1
    excluded = events.excluded_from_splits | {split.company for split in prices.splits}
    return [
        ticker
        for company, ticker in enumerate(universe.ticker)
        if company not in excluded
        and events.first[company] == 0
        and events.last[company] == last
        and prices.close[:, company].min() > 3
    ]


def unadjusted_splits(
    universe: Universe, prices: Prices, bars: pl.DataFrame, timeline: Timeline
) -> list[tuple[Split, pl.DataFrame]]:
    """Return the splits that the vendor mishandles, and the true bars before each."""
    found = []
    for ratio, length in _FORGOTTEN_SPLITS:
        split = next(each for each in prices.splits if each.ratio == ratio)
        days = timeline.sessions[split.session - length : split.session]
        before = bars.filter(
            (pl.col("ticker") == universe.ticker[split.company])
            & pl.col("session_date").is_between(days[0].item(), days[-1].item())
        )
        found.append((split, before))
    return found


def inject_defects(
    bars: pl.DataFrame,
    plain: list[str],
    split_bars: list[tuple[Split, pl.DataFrame]],
    timeline: Timeline,
    repeats: int,
    rng: np.random.Generator,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Inject the vendor's errors.

    Args:
        bars: true bars of at least the tickers in `plain` and of XLB.
        plain: the tickers that may carry defects, see `storyless_tickers`.
        split_bars: see `forgotten_splits`.
        timeline: the tape's days.
        repeats: how often to plant the set of kinds.
        rng: source of the draws.

    Returns:
        The rows the vendor shows, in the columns of `Planter.frame`, and the ground truth: ticker,
        session_date, kind, expected, note, visible_from, visible_to.
    """
    candidates = bars.filter(pl.col("ticker").is_in([*plain, "XLB"]))
    by_ticker = {str(part["ticker"][0]): part for part in candidates.partition_by("ticker")}
    fund = by_ticker.pop("XLB")
    planter = DefectInjector(by_ticker, timeline, rng)
    _plant_recent(planter)
    for _ in range(repeats):
        _plant_each_kind(planter)
        _plant_extras(planter)
    spot = fund.slice(len(fund) // 2, 1)
    planter.plant(spot, "ohlc_order", "a fund's high below its close", high=0.985)
    for split, before in split_bars:
        when = instant(timeline.sessions[split.session], 0)
        note = f"the rows before a split of {split.ratio} were not restated"
        planter.plant(before, "split_not_applied", note, visible_from=when)
    rows = planter.frame()
    truth = rows.select(
        "ticker",
        "session_date",
        "kind",
        pl.lit("quarantine").alias("expected"),
        pl.Series("note", planter.notes),
        "visible_from",
        "visible_to",
    )
    return rows, truth


def _plant_each_kind(planter: DefectInjector) -> None:
    planter.plant(planter.pick(), "ohlc_order", "high below the close", high=0.97)
    planter.plant(planter.pick(), "ohlc_order", "low above the close", low=1.04)
    for _ in range(2):
        planter.plant(planter.pick(), "price_off_by_100x", "one row in cents", scale=100)
        planter.plant(
            planter.pick(), "price_off_by_100x", "one row a hundred times too low", scale=0.01
        )
    block = planter.pick(length=6)
    planter.plant(block, "hundredfold_block", "six rows a hundred times too low", scale=0.01)
    planter.plant(planter.pick(), "zero_price", "all prices zero", scale=0)
    planter.plant(planter.pick(), "zero_price", "low of zero", low=0)
    planter.plant(planter.pick(), "negative_price", "sign lost its way", scale=-1)
    planter.plant(planter.pick(), "null_row", "a row without values", scale=None)
    planter.plant(planter.pick(), "null_row", "a row without values", scale=None)
    planter.plant(planter.pick(), "spike", "six times up and back", scale=6)
    planter.plant(planter.pick(), "spike", "six times up and back", scale=6)


def _plant_recent(planter: DefectInjector) -> None:
    """Inject defects that appear or are corrected during the last days."""
    days = planter.timeline.sessions
    end = len(days) - 1
    planter.plant(
        planter.pick(end - 4), "ohlc_order", "corrected three sessions later", high=0.95,
        visible_to=instant(days[end - 1]),
    )  # fmt: skip
    planter.plant(
        planter.pick(end - 3), "price_off_by_100x", "corrected the evening after", scale=0.01,
        visible_to=instant(days[end - 2]),
    )  # fmt: skip
    planter.plant(
        planter.pick(end - 1), "spike", "corrected before the last open", scale=6,
        visible_to=instant(days[end], 12),
    )  # fmt: skip
    planter.plant(
        planter.pick(end), "zero_price", "corrected the morning after the tape's clock", scale=0,
        visible_to=instant(days[end] + 1, 14),
    )  # fmt: skip
    planter.plant(
        planter.pick(end // 2), "price_off_by_100x", "a good old row that went bad lately",
        scale=100, visible_from=instant(days[end - 1], 12),
    )  # fmt: skip


def _plant_extras(planter: DefectInjector) -> None:
    """Inject rows on days without a session, and duplicate rows of one session."""
    days, closed = planter.timeline.sessions, planter.timeline.closed
    fridays = np.flatnonzero((days.astype(int) + 3) % 7 == 4)
    fridays = fridays[(fridays > 15) & (fridays < len(days) - 25)]
    for friday in planter.rng.choice(fridays, 2, replace=False):
        bar = planter.pick(int(friday))
        saturday = bar["session_date"][0] + timedelta(days=1)
        planter.plant(bar, "extra_saturday", "Friday again, dated Saturday", on=saturday)
    one_off = np.datetime64("2025-01-09")
    holidays = [one_off] if one_off in closed else []
    spare = closed[(closed > days[15]) & (closed < days[-25]) & (closed != one_off)]
    holidays += list(planter.rng.choice(spare, 2 - len(holidays), replace=False))
    for holiday in holidays:
        bar = planter.pick(int(np.searchsorted(days, holiday)) - 1)
        planter.plant(bar, "extra_holiday", "the exchange was closed", on=_day(holiday))
    for _ in range(2):
        note = "a second row for the session, 3 % off"
        planter.plant(planter.pick(), "extra_duplicate", note, scale=1.03)
    bar = planter.pick(len(days) - 2)
    planter.plant(
        bar, "extra_future", "a session that has not happened",
        on=_day(planter.timeline.following), visible_from=instant(days[-1], 0),
    )  # fmt: skip


def _day(day: np.datetime64) -> date:
    return date.fromisoformat(str(day))
