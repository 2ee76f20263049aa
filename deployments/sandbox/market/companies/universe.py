"""The simulated companies: identity, size and parameters of their returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.market.companies.names import (
    invent_class_shares,
    invent_names,
    invent_tickers,
)

#: GICS sectors as the holdings files spell them, with the share of large and of small companies.
SECTOR_SHARES = {
    "Information Technology": (0.20, 0.12),
    "Communication": (0.06, 0.04),
    "Consumer Discretionary": (0.11, 0.11),
    "Financials": (0.14, 0.18),
    "Health Care": (0.12, 0.18),
    "Industrials": (0.14, 0.15),
    "Consumer Staples": (0.07, 0.04),
    "Energy": (0.04, 0.06),
    "Materials": (0.04, 0.05),
    "Real Estate": (0.05, 0.05),
    "Utilities": (0.03, 0.02),
}
SECTORS = tuple(SECTOR_SHARES)

#: Fewer companies than this leave no room for one of each planted event.
LEAST_SMALL, LEAST_LARGE = 18, 8

#: Listings and delistings a year, as a share of the companies.
TURNOVER = 0.015


@dataclass(frozen=True)
class Universe:
    """One element per company in every field; large ones first, then small, then later listings.

    Attributes:
        ticker: symbol at listing.
        name: company name.
        sector: index into `SECTORS`.
        industry: "Banks", "Biotechnology" or "".
        large: companies that start in the large group.
        listed_at_start: number of companies listed at the first session; the later ones come after.
        cap: market value at listing, USD.
        beta: exposure to the market factor.
        idiosyncratic: standard deviation of the company's own daily log return.
        dividend_yield: yearly, 0 where the company pays none.
        turnover: median share of the company traded in a session.
        profitable: companies that the quality-screened small-cap fund may hold.
        exchange: "NASDAQ" or "NYSE".
    """

    ticker: list[str]
    name: list[str]
    sector: NDArray[np.int64]
    industry: list[str]
    large: NDArray[np.bool_]
    listed_at_start: int
    cap: NDArray[np.float64]
    beta: NDArray[np.float64]
    idiosyncratic: NDArray[np.float64]
    dividend_yield: NDArray[np.float64]
    turnover: NDArray[np.float64]
    profitable: NDArray[np.bool_]
    exchange: list[str]

    def __len__(self) -> int:
        """Return the number of companies."""
        return len(self.ticker)

    def with_ticker(self, company: int, ticker: str) -> Universe:
        """Return a copy with one company listed under another symbol."""
        tickers = list(self.ticker)
        tickers[company] = ticker
        return Universe(**{**self.__dict__, "ticker": tickers})

    def in_industry(self, industry: str) -> NDArray[np.bool_]:
        """Return the companies of one industry."""
        return np.array([each == industry for each in self.industry])


def create_universe(small: int, large: int, years: int, rng: np.random.Generator) -> Universe:
    """Draw the companies.

    Raises:
        ValueError: too few companies to hold one of each planted event.
    """
    if small < LEAST_SMALL or large < LEAST_LARGE:
        raise ValueError(
            f"a tape needs at least {LEAST_SMALL} small and {LEAST_LARGE} large companies, "
            f"not {small} and {large}"
        )
    founders = small + large
    total = founders + max(2, round(TURNOVER * founders * years))
    is_large = np.arange(total) < large
    sector, industry = _sectors(is_large, founders, rng)
    tickers = invent_tickers(total, rng)
    # One second share class among the large, two among the small (see names.invent_class_shares).
    for company, ticker in zip((3, large + 4, large + 5), invent_class_shares(3), strict=True):
        tickers[company] = ticker
    size = np.where(is_large, 0, 1)
    low, high = np.array([0.006, 0.016]), np.array([0.012, 0.029])
    pays = rng.random(total) < np.array([0.7, 0.3])[size]
    pays &= np.arange(total) < founders
    return Universe(
        ticker=tickers,
        name=invent_names([SECTORS[s] for s in sector], industry, rng),
        sector=sector,
        industry=industry,
        large=is_large,
        listed_at_start=founders,
        cap=_caps(small, large, total, rng),
        beta=np.clip(rng.normal(np.array([1.0, 1.1])[size], 0.2), 0.3, 2.0),
        idiosyncratic=rng.uniform(low[size], high[size]),
        dividend_yield=np.where(pays, rng.uniform(0.006, 0.035, total), 0.0),
        turnover=np.exp(rng.normal(np.log(0.007), 0.5, total)),
        profitable=rng.random(total) < 0.6,
        exchange=[("NASDAQ", "NYSE")[i] for i in rng.integers(0, 2, total)],
    )


def _sectors(
    is_large: NDArray[np.bool_], founders: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], list[str]]:
    shares = np.array(list(SECTOR_SHARES.values()))
    shares = shares / shares.sum(axis=0)
    large = int(is_large.sum())
    total = len(is_large)
    sector = np.empty(total, dtype=np.int64)
    sector[:large] = rng.choice(len(SECTORS), large, p=shares[:, 0])
    sector[large:] = rng.choice(len(SECTORS), total - large, p=shares[:, 1])
    # The largest company of each sector comes first, so every sector fund holds something.
    sector[: min(large, 11)] = np.arange(min(large, 11))
    banks, biotech = SECTORS.index("Financials"), SECTORS.index("Health Care")
    sector[large : large + 4] = (banks, banks, biotech, biotech)
    missing = np.setdiff1d(np.arange(11), sector[: large + 4])
    sector[founders - len(missing) : founders] = missing
    first_industries = {large: "Banks", large + 1: "Banks"}
    first_industries |= {large + 2: "Biotechnology", large + 3: "Biotechnology"}
    industry = []
    for company, draw in enumerate(rng.random(total)):
        drawn = ""
        if not is_large[company] and sector[company] == banks and draw < 0.55:
            drawn = "Banks"
        if not is_large[company] and sector[company] == biotech and draw < 0.55:
            drawn = "Biotechnology"
        industry.append(first_industries.get(company, drawn))
    return sector, industry


def _caps(small: int, large: int, total: int, rng: np.random.Generator) -> NDArray[np.float64]:
    # A power law down to 8 billion USD, so that the largest few weigh as much as in real indexes
    # and the smallest large companies overlap with the largest small ones: June has promotions.
    exponent = min(1.3, np.log(312) / np.log(large))
    top = 8e9 * large**exponent
    large_caps = top * np.arange(1, large + 1) ** -exponent
    small_caps = 9e9 * np.exp(-3.6 * np.arange(small) / small)
    later = rng.uniform(0.4e9, 4e9, total - small - large)
    noise = np.exp(rng.normal(0, 0.15, total))
    return np.concatenate([large_caps, rng.permutation(small_caps), later]) * noise
