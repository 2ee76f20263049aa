"""Dividends of the companies, and prices after dividends and splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.market.companies.events import CompanyEvents
from deployments.sandbox.market.companies.splits import (
    QUARTER,
    Split,
    plan_splits,
    planted_dividend_split,
    share_factor,
)
from deployments.sandbox.market.companies.universe import Universe


@dataclass(frozen=True)
class Dividends:
    """Dividends as paid; one element per payment in each array.

    Attributes:
        company: index of the company.
        session: index of the ex_date.
        amount: USD per share, on the shares that exist at the open of the ex_date (a split on the
            same day has happened already).
    """

    company: NDArray[np.int64]
    session: NDArray[np.int64]
    amount: NDArray[np.float64]


@dataclass(frozen=True)
class Prices:
    """Prices of the companies, sessions by companies.

    Attributes:
        exact: closing price as traded before rounding to the tick.
        close: closing price as traded, USD on the tick grid.
        shares: shares that one share at listing has become.
        splits: all splits.
        dividends: all dividends.
    """

    exact: NDArray[np.float64]
    close: NDArray[np.float64]
    shares: NDArray[np.float64]
    splits: list[Split]
    dividends: Dividends

    @property
    def per_original_share(self) -> NDArray[np.float64]:
        """Return the split-adjusted closing value of one share as of its listing."""
        return self.close * self.shares


def price_companies(
    universe: Universe,
    events: CompanyEvents,
    returns: NDArray[np.float64],
    rng: np.random.Generator,
) -> Prices:
    """Compute prices from total returns; splits and dividends apply at the ex_date's open.

    A close is (previous close / ratio - dividend) * exp(return).
    """
    path = np.exp(np.cumsum(returns, axis=0))
    splits, level = plan_splits(universe, events, path, rng)
    path *= level
    sessions, companies = path.shape
    shares = share_factor(splits, sessions, companies)
    dividends = _pay(universe, events, path, shares, splits, rng)
    path /= shares
    return Prices(path, to_tick(path), shares, splits, dividends)


def to_tick(price: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to cents from 1 USD on, to hundredths of a cent below."""
    return np.where(price >= 1, np.round(price, 2), np.maximum(np.round(price, 4), 0.0001))


def _pay(
    universe: Universe,
    events: CompanyEvents,
    path: NDArray[np.float64],
    shares: NDArray[np.float64],
    splits: list[Split],
    rng: np.random.Generator,
) -> Dividends:
    """Draw the dividends and subtract them from `path` in place."""
    sessions, companies = len(path), len(universe)
    every = np.arange(companies)
    rate = universe.dividend_yield / 4
    rate[list(events.excluded_from_splits)] = 0.0
    offset = rng.integers(3, QUARTER, companies)
    together = planted_dividend_split(splits)
    rate[together.company] = 0.005
    offset[together.company] = together.session % QUARTER

    kept = np.ones(companies)
    factor = np.ones((sessions, companies))
    closed = events.halted | events.quiet
    previous = np.zeros(companies)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    special, when = _special(universe, events, rate, sessions, rng)
    for quarter in range(sessions // QUARTER + 1):
        session = offset + quarter * QUARTER
        inside = (rate > 0) & (session < sessions) & (session > events.first)
        inside &= session <= events.last
        session = np.minimum(session, sessions - 1)
        inside &= ~closed[session, every]
        before = path[session - 1, every] * kept / shares[session, every]
        inside &= before > 2
        target = np.maximum(np.round(rate * before, 2), 0.01)
        # A company keeps its dividend while the price supports about the same amount.
        last = previous / shares[session, every]
        keep = (np.abs(last / target - 1) < 0.2) & (np.round(last, 2) == np.round(last, 6))
        amount = np.where(keep, np.round(last, 2), target)
        share = np.where(inside, 1 - amount / before, 1.0)
        factor[session, every] *= share
        kept *= share
        previous = np.where(inside, amount * shares[session, every], previous)
        paid = np.flatnonzero(inside)
        found.append((paid, session[paid], amount[paid]))
    before_special = path[when - 1, special] / shares[when, special]
    extra = np.round(0.12 * before_special, 2)
    factor[when, special] = 1 - extra / before_special
    found.append((np.array([special]), np.array([when]), np.array([extra])))
    path *= np.cumprod(factor, axis=0, out=factor)
    company, session, amount = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((company, session))
    return Dividends(company[order], session[order], amount[order])


def _special(
    universe: Universe,
    events: CompanyEvents,
    rate: NDArray[np.float64],
    sessions: int,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Return a company without other dividends and the session of its special dividend."""
    plain = (rate == 0) & (np.arange(len(universe)) < universe.listed_at_start)
    plain[list(events.excluded_from_splits)] = False
    return int(rng.choice(np.flatnonzero(plain))), int(sessions * 0.66)
