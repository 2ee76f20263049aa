"""Company events: listings, delistings, a rename, halts and true large moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.market.companies.names import invent_tickers
from deployments.sandbox.market.companies.universe import Universe

#: Sessions between a takeover's announcement and the delisting; sessions a bankruptcy slides.
DEAL_SESSIONS = 45
SLIDE_SESSIONS = 40


@dataclass(frozen=True)
class Shock:
    """One true single-session move that a spike rule must not flag.

    Attributes:
        company: index of the company.
        session: index of the session.
        ratio: close over the previous close.
        kind: what happened.
    """

    company: int
    session: int
    ratio: float
    kind: str


@dataclass(frozen=True)
class CompanyEvents:
    """The events of a tape; companies and sessions are indexes.

    Attributes:
        first, last: first and last session of each company.
        delisting_reason: "bankruptcy", "takeover" or "" per company.
        renamed: company, its first session under the new symbol, the new symbol.
        reused: the company that was delisted, and the later one that took over its symbol.
        halted: sessions by companies, true where there is no bar at all.
        quiet: sessions by companies, true where the bar is flat without volume.
        shocks: true large moves.
        excluded_from_splits: companies that already have a story and get no planted split.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    delisting_reason: list[str]
    renamed: tuple[int, int, str]
    reused: tuple[int, int]
    halted: NDArray[np.bool_]
    quiet: NDArray[np.bool_]
    shocks: list[Shock]
    excluded_from_splits: frozenset[int]

    def listed(self, sessions: int) -> NDArray[np.bool_]:
        """Return a mask, sessions by companies, true between listing and delisting."""
        session = np.arange(sessions)[:, None]
        return (session >= self.first) & (session <= self.last)


def simulate_events(
    universe: Universe, sessions: int, rng: np.random.Generator
) -> tuple[Universe, CompanyEvents]:
    """Draw the events of a tape of `sessions` sessions.

    Returns:
        The universe, with the reused symbol in place, and its events.
    """
    total, founders = len(universe), universe.listed_at_start
    later = total - founders
    first = np.zeros(total, dtype=np.int64)
    last = np.full(total, sessions - 1, dtype=np.int64)
    ending = [""] * total
    large = int(universe.large.sum())
    # The first six small companies start the industries and have class shares: they stay, as do
    # the last ones, which may be their sector's only member.
    pool = large + 6 + rng.permutation(max(9, int((founders - large - 6) * 0.8)))

    first[founders:] = _spread(0.15, 0.85, later, sessions, rng)
    leavers = pool[: min(later, len(pool) // 3)]
    last[leavers] = _spread(0.3, 0.9, len(leavers), sessions, rng)
    for order, company in enumerate(leavers):
        ending[company] = ("bankruptcy", "takeover")[order % 2]
    dead, heir = int(leavers[0]), founders
    last[dead], first[heir] = int(sessions * 0.3), int(sessions * 0.62)
    rest = pool[len(leavers) :]
    renamed = (int(rest[0]), int(sessions * 0.7), _new_symbol(universe, rng))

    halted = np.zeros((sessions, total), dtype=np.bool_)
    quiet = np.zeros((sessions, total), dtype=np.bool_)
    pauses = max(2, round(len(rest) * sessions / 252 * 0.012))
    pausing = rest[1 : 1 + max(1, min(pauses, len(rest) // 6))]
    for company in rng.choice(pausing, pauses):
        start = int(rng.integers(20, sessions - 60))
        halted[start : start + int(rng.integers(3, 21)), company] = True
    thin = rest[1 + len(pausing) : 2 + len(pausing) + max(1, len(rest) // 40)]
    for company in thin:
        quiet[rng.integers(10, sessions - 12, max(3, sessions // 100)), company] = True

    shocks = _shocks(universe, first, last, ending, sessions, rng)
    shocked = {shock.company for shock in shocks}
    busy = shocked | {*map(int, leavers), *map(int, pausing), *map(int, thin), renamed[0]}
    events = CompanyEvents(
        first, last, ending, renamed, (dead, heir), halted, quiet, shocks, frozenset(busy)
    )
    return universe.with_ticker(heir, universe.ticker[dead]), events


def _spread(
    low: float, high: float, count: int, sessions: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    return (rng.uniform(low, high, count) * sessions).astype(np.int64)


def _new_symbol(universe: Universe, rng: np.random.Generator) -> str:
    taken = set(universe.ticker)
    return next(each for each in invent_tickers(len(universe) + 1, rng) if each not in taken)


def _shocks(
    universe: Universe,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    ending: list[str],
    sessions: int,
    rng: np.random.Generator,
) -> list[Shock]:
    """Draw takeover bids, failed trials and successful trials.

    None falls into the last 60 sessions, which belong to the rotation, nor near a listing's ends.
    """
    shocks: list[Shock] = []
    for company, how in enumerate(ending):
        if how == "takeover" and last[company] - DEAL_SESSIONS > 20:
            bid = 1.6 if not shocks else float(rng.uniform(1.2, 1.45))
            shocks.append(Shock(company, int(last[company]) - DEAL_SESSIONS, bid, "takeover_bid"))
    survivors = universe.in_industry("Biotechnology") & (first == 0) & (last == sessions - 1)
    biotech = np.flatnonzero(survivors & (np.arange(len(universe)) < universe.listed_at_start))
    trials = max(2, min(len(biotech), round(len(universe) * sessions / 252 / 1000)))
    for order, company in enumerate(biotech[:trials]):
        where = 0.55 if order == 0 else float(rng.uniform(0.2, 0.5))
        kind, ratio = (("trial_failure", 0.3), ("trial_success", 2.2))[order % 2]
        shocks.append(Shock(int(company), int(sessions * where), ratio, kind))
    return shocks
