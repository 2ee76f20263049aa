"""Splits and reverse splits: planned ones and ones triggered by price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.market.companies.events import CompanyEvents
from deployments.sandbox.market.companies.universe import Universe

#: Sessions between two dividends of a company, and between two looks at the price.
QUARTER = 63

#: Price just before each planted split, USD; the level of a simulated price is free, so the
#: planted ones are made plausible by choosing it.
_PRICE_BEFORE = {
    2.0: 310.0,
    3.0: 460.0,
    4.0: 640.0,
    10.0: 1250.0,
    0.25: 2.2,
    0.2: 1.4,
    0.1: 0.85,
    0.05: 0.45,
}


@dataclass(frozen=True)
class Split:
    """One split: `ratio` new shares per old one from the open of session `session`."""

    company: int
    session: int
    ratio: float


def plan_splits(
    universe: Universe, events: CompanyEvents, path: NDArray[np.float64], rng: np.random.Generator
) -> tuple[list[Split], NDArray[np.float64]]:
    """Choose splits and price levels.

    Args:
        universe: the companies.
        events: their events.
        path: sessions by companies, value of one original share relative to its listing.
        rng: source of the draws.

    Returns:
        The splits, and per company the USD price of one share at listing.
    """
    sessions, companies = path.shape
    low, high = np.where(universe.large, 60, 12), np.where(universe.large, 320, 90)
    level = np.exp(rng.uniform(np.log(low), np.log(high)))
    # A bankrupt share stays above a few cents to its end.
    ends = path[events.last, np.arange(companies)]
    level = np.maximum(level, 0.15 / ends)
    planted = _plant(universe, events, sessions, rng)
    for split in planted:
        level[split.company] = _PRICE_BEFORE[split.ratio] / path[split.session - 1, split.company]
    fixed = events.excluded_from_splits | {split.company for split in planted}
    return planted + _natural(events, path * level, fixed, rng), level


def planted_dividend_split(splits: list[Split]) -> Split:
    """Return the split with a dividend on its ex_date (the first planned 4:1)."""
    return next(split for split in splits if split.ratio == 4.0)


def share_factor(splits: list[Split], sessions: int, companies: int) -> NDArray[np.float64]:
    """Return current shares per original share, sessions by companies."""
    factor = np.ones((sessions, companies))
    for split in splits:
        factor[split.session :, split.company] *= split.ratio
    return factor


def _plant(
    universe: Universe, events: CompanyEvents, sessions: int, rng: np.random.Generator
) -> list[Split]:
    large = int(universe.large.sum())
    free = [
        company
        for company in range(universe.listed_at_start)
        if company not in events.excluded_from_splits and "-" not in universe.ticker[company]
    ]
    # Reverse splits go to companies of small index weight, forward splits to large ones.
    small = [company for company in free if company >= large + 4]
    small.sort(key=lambda company: universe.cap[company])
    forward = [company for company in free if 0 < company < large]
    forward = [forward[i] for i in rng.permutation(len(forward))]
    when = rng.uniform(0.2, 0.8, 4) * sessions
    plan = [
        Split(forward[0], int(when[0]), 2.0),
        Split(forward[1], int(when[1]), 3.0),
        Split(forward[2], int(sessions * 0.45), 4.0),
        Split(forward[3], int(when[2]), 10.0),
        # Inside the last three sessions: the vendor adjusts its history just before the clock.
        Split(forward[4], sessions - 2, 2.0),
    ]
    spots = rng.uniform(0.3, 0.85, 4) * sessions
    for company, where, ratio in zip(small, spots, (0.25, 0.2, 0.1, 0.05), strict=False):
        plan.append(Split(company, int(where), ratio))
    return plan


def _natural(
    events: CompanyEvents,
    value: NDArray[np.float64],
    fixed: frozenset[int] | set[int],
    rng: np.random.Generator,
) -> list[Split]:
    """Return splits of companies with a price outside the usual range at quarter end."""
    sessions, companies = len(value), len(events.first)
    shares = np.ones(companies)
    merged = np.ones(companies, dtype=np.int64)
    blocked = np.isin(np.arange(companies), list(fixed))
    closed = events.halted | events.quiet
    splits = []
    for look in range(QUARTER, sessions - QUARTER, QUARTER):
        price = value[look] / shares
        draw = rng.random(companies)
        delay = rng.integers(5, 45, companies)
        running = ~blocked & (events.first < look - 40) & (events.last > look + 60)
        tempted = running & (draw < 0.4) & ((price > 420) | (price < 1.0))
        for company in np.flatnonzero(tempted):
            ratio = _usual_ratio(float(price[company]))
            if ratio < 1:
                fold = round(1 / ratio)
                # Volumes are in hundreds of shares: all merges together must divide 100 for a
                # split-adjusted volume to be reversed exactly.
                if 100 % (merged[company] * fold):
                    continue
                merged[company] *= fold
            session = look + int(delay[company])
            while closed[session, company]:
                session += 1
            shares[company] *= ratio
            splits.append(Split(int(company), session, ratio))
    return splits


def _usual_ratio(price: float) -> float:
    for above, ratio in ((2400, 10.0), (1100, 4.0), (750, 3.0), (1, 2.0), (0.7, 0.25)):
        if price > above:
            return ratio
    return 0.2 if price > 0.4 else 0.1 if price > 0.2 else 0.05
