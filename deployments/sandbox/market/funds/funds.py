"""Exchange-traded funds and indexes as real portfolios of the simulated companies."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.market.companies.actions import Prices
from deployments.sandbox.market.companies.events import CompanyEvents
from deployments.sandbox.market.companies.universe import SECTORS, Universe
from deployments.sandbox.market.funds.membership import Membership
from deployments.sandbox.market.sessions import Days, after_fridays

_QUARTERS = (3, 6, 9, 12)
_CAPITAL_GAIN_FUND, _CAPITAL_GAIN = "XBI", 0.35


@dataclass(frozen=True)
class Fund:
    """One fund and its selection and weighting of companies.

    Attributes:
        ticker: its real symbol, since the product follows it.
        name: its name.
        holds: "large", "small", "screened", "growth", "banks", "biotech" or a sector's name.
        equal: equal weights, reset each quarter, instead of weights by market value.
        price: net asset value per share on the last session, USD.
        shares: fund shares outstanding.
        volume: median shares traded in a session.
    """

    ticker: str
    name: str
    holds: str
    equal: bool = False
    price: float = 100.0
    shares: int = 300_000_000
    volume: int = 6_000_000


FUNDS = (
    Fund("IWM", "iShares Russell 2000 ETF", "small", False, 262.0, 280_000_000, 32_000_000),
    Fund("IJR", "iShares Core S&P Small-Cap ETF", "screened", False, 128.0, 700_000_000, 5_000_000),
    Fund("SPY", "State Street SPDR S&P 500 ETF", "large", False, 686.0, 1_020_000_000, 72_000_000),
    Fund("IVV", "iShares Core S&P 500 ETF", "large", False, 689.0, 1_090_000_000, 7_000_000),
    Fund("QQQ", "Invesco QQQ Trust", "growth", False, 608.0, 660_000_000, 55_000_000),
    Fund("RSP", "Invesco S&P 500 Equal Weight ETF", "large", True, 198.0, 390_000_000, 13_000_000),
    Fund("KRE", "State Street SPDR S&P Regional Banking ETF", "banks", True, 68.0, 55_000_000),
    Fund("XBI", "State Street SPDR S&P Biotech ETF", "biotech", True, 122.0, 60_000_000),
    Fund("XLB", "Materials Select Sector SPDR", "Materials", False, 49.0),
    Fund("XLC", "Communication Services Select Sector SPDR", "Communication", False, 117.0),
    Fund("XLE", "Energy Select Sector SPDR", "Energy", False, 52.0),
    Fund("XLF", "Financial Select Sector SPDR", "Financials", False, 53.0),
    Fund("XLI", "Industrial Select Sector SPDR", "Industrials", False, 168.0),
    Fund("XLK", "Technology Select Sector SPDR", "Information Technology", False, 142.0),
    Fund("XLP", "Consumer Staples Select Sector SPDR", "Consumer Staples", False, 86.0),
    Fund("XLRE", "Real Estate Select Sector SPDR", "Real Estate", False, 42.0),
    Fund("XLU", "Utilities Select Sector SPDR", "Utilities", False, 43.0),
    Fund("XLV", "Health Care Select Sector SPDR", "Health Care", False, 156.0),
    Fund(
        "XLY", "Consumer Discretionary Select Sector SPDR", "Consumer Discretionary", False, 119.0
    ),
)


@dataclass
class FundPortfolio:
    """Holdings and value of one fund, by session.

    Attributes:
        fund: the fund.
        invested: value of its shares per fund share, USD.
        cash: dividends received and not yet passed on, per fund share, USD.
        distribution: dividend per fund share that went ex on the session, USD.
        capital_gain: the same for a capital gain.
        stakes: first session, companies, original shares of each per fund share before `scale`.
        scale: factor on the stakes by session.
    """

    fund: Fund
    invested: NDArray[np.float64]
    cash: NDArray[np.float64]
    distribution: NDArray[np.float64]
    capital_gain: NDArray[np.float64]
    scale: NDArray[np.float64]
    stakes: list[tuple[int, NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=list)

    @property
    def value(self) -> NDArray[np.float64]:
        """Return the net asset value per fund share, USD, unrounded."""
        return self.invested + self.cash

    def holdings_at(self, session: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the companies held at a close, and their original shares per fund share."""
        _, companies, units = next(each for each in reversed(self.stakes) if each[0] <= session)
        return companies, units * self.scale[session]


def simulate_fund(
    fund: Fund,
    universe: Universe,
    events: CompanyEvents,
    membership: Membership,
    prices: Prices,
    sessions: Days,
) -> FundPortfolio:
    """Simulate the holdings and value of one fund over all sessions.

    Positions follow the splits. The fund trades at the close before a new membership list holds,
    at the close of a member's last session (the proceeds go to the others) and, when weighted
    equally, each quarter. Dividends stay in cash until the fund's own ex_date.
    """
    worth = prices.per_original_share
    count = len(sessions)
    raw, flow = np.empty(count), np.zeros(count)
    stakes = []
    issued = universe.cap / worth[events.first, np.arange(len(universe))]
    paid = prices.dividends
    per_original = paid.amount * prices.shares[paid.session, paid.company]
    changes = set(membership.since) | set((events.last[events.last < count - 1] + 1).tolist())
    if fund.equal:
        changes |= set(after_fridays(sessions, 2, _QUARTERS).tolist())
    edges = [*sorted(changes), count]
    value = 1.0
    for start, stop in pairwise(edges):
        turn = int(np.searchsorted(membership.since, start, side="right")) - 1
        is_held = _selection(fund, universe, membership, turn)
        is_held &= (events.first <= start) & (events.last >= start)
        companies = np.flatnonzero(is_held)
        opening = worth[max(start - 1, 0), companies]
        units = 1 / opening if fund.equal else issued[companies].copy()
        units *= value / (units @ opening)
        raw[start:stop] = worth[start:stop, companies] @ units
        stakes.append((start, companies, units))
        dense = np.zeros(len(universe))
        dense[companies] = units
        low, high = np.searchsorted(paid.session, (start, stop))
        np.add.at(
            flow, paid.session[low:high], per_original[low:high] * dense[paid.company[low:high]]
        )
        value = float(raw[stop - 1])
    return _settle(fund, raw, flow, stakes, sessions)


def _selection(
    fund: Fund, universe: Universe, membership: Membership, turn: int
) -> NDArray[np.bool_]:
    large, small = membership.large[turn], membership.small[turn]
    sector = universe.sector == (SECTORS.index(fund.holds) if fund.holds in SECTORS else -1)
    chosen: dict[str, NDArray[np.bool_]] = {
        "large": large,
        "small": small,
        "screened": membership.screened[turn],
        "growth": large & np.isin(universe.sector, (0, 1, 2)),
        "banks": small & universe.in_industry("Banks"),
        "biotech": small & universe.in_industry("Biotechnology"),
    }
    # A very small universe may have no large company of a sector left.
    by_sector = large & sector if (large & sector).any() else (large | small) & sector
    members: NDArray[np.bool_] = chosen.get(fund.holds, by_sector).copy()
    return members


def _settle(
    fund: Fund,
    raw: NDArray[np.float64],
    flow: NDArray[np.float64],
    stakes: list[tuple[int, NDArray[np.int64], NDArray[np.float64]]],
    sessions: Days,
) -> FundPortfolio:
    """Scale to the fund's price; distribute dividends quarterly and the capital gain once."""
    count = len(raw)
    scale = np.full(count, fund.price / raw[-1])
    gains, distribution, cash = np.zeros(count), np.zeros(count), np.zeros(count)
    ex_dates = set(after_fridays(sessions, 2, _QUARTERS).tolist())
    decembers = after_fridays(sessions, 2, (12,))
    if fund.ticker == _CAPITAL_GAIN_FUND and len(decembers):
        day = int(decembers[-1])
        gains[day] = _CAPITAL_GAIN
        scale[day:] *= 1 - _CAPITAL_GAIN / (scale[day - 1] * raw[day - 1])
    balance = 0.0
    for session in range(count):
        if session in ex_dates and balance >= 0.01:
            distribution[session] = np.floor(balance * 1e6) / 1e6
            balance -= distribution[session]
        balance += scale[session] * flow[session]
        cash[session] = balance
    return FundPortfolio(fund, raw * scale, cash, distribution, gains, scale, stakes)
