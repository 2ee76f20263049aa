"""Daily log returns of the companies from factors, idiosyncratic noise and events."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.market.companies.events import SLIDE_SESSIONS, CompanyEvents
from deployments.sandbox.market.companies.universe import Universe
from deployments.sandbox.market.prices.factors import Factors

#: No ordinary session moves a share by more than this log return (a factor of 1.55), so that
#: every larger move in a tape is either planted and true, or planted and false.
BOUND = 0.44

#: Share of a company's own drift that is taken back over the tape; without it, twenty years of
#: independent noise would leave half of the small companies worth pennies.
_PULL = 0.6


def draw_returns(
    universe: Universe, events: CompanyEvents, factors: Factors, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw the total log returns.

    Returns:
        Sessions by companies; 0 outside a listing, in halts and in sessions without trades. The
        cap-weighted mean of each size group equals market plus or minus half the spread, up to
        the events, so that the two groups' regimes show in any portfolio of them.
    """
    sessions, companies = len(factors.market), len(universe)
    listed = events.listed(sessions)
    own = rng.standard_t(4, (sessions, companies))
    np.clip(own, -9, 9, out=own)
    own *= np.sqrt(0.5) * universe.idiosyncratic
    own *= listed
    own -= _PULL * own.sum(axis=0) / listed.sum(axis=0) * listed
    own += factors.sectors[:, universe.sector]
    own += (universe.beta - 1) * factors.market[:, None]
    own -= _mega_tilt(universe)[None, :] * factors.spread[:, None]
    own *= listed

    large = int(universe.large.sum())
    for columns, sign in ((slice(0, large), -0.5), (slice(large, companies), 0.5)):
        group = own[:, columns]
        group -= _weighted_mean(group, universe.cap[columns], listed[:, columns])[:, None]
        group += (factors.market + sign * factors.spread)[:, None]
    np.clip(own, -BOUND, BOUND, out=own)
    _apply_events(own, universe, events, rng)
    own *= listed
    own[events.halted | events.quiet] = 0.0
    return own


def _mega_tilt(universe: Universe) -> NDArray[np.float64]:
    """Return the largest companies' extra exposure to concentration, against other large ones."""
    large = int(universe.large.sum())
    tilt = np.zeros(len(universe))
    order = np.argsort(-universe.cap[:large])
    tilt[order[: max(1, large // 8)]] = 0.5
    return tilt


def _weighted_mean(
    returns: NDArray[np.float64], caps: NDArray[np.float64], listed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the log of a group's cap-weighted mean simple return by session."""
    before = np.cumsum(returns, axis=0)
    before -= returns
    weights = np.exp(np.clip(before, -6, 6, out=before), out=before)
    weights *= caps
    weights *= listed
    mean = np.einsum("tc,tc->t", weights, np.exp(returns)) / weights.sum(axis=1)
    log_mean: NDArray[np.float64] = np.log(mean)
    return log_mean


def _apply_events(
    returns: NDArray[np.float64],
    universe: Universe,
    events: CompanyEvents,
    rng: np.random.Generator,
) -> None:
    for company, ending in enumerate(events.delisting_reason):
        if ending == "bankruptcy":
            end = int(events.last[company]) + 1
            slide = rng.normal(-0.05, 0.07, SLIDE_SESSIONS)
            returns[end - SLIDE_SESSIONS : end, company] = np.clip(slide, -0.4, 0.3)
    for shock in events.shocks:
        company, session = shock.company, shock.session
        returns[session, company] = np.log(shock.ratio)
        if shock.kind == "takeover_bid":
            # After the bid the price stays near the offer.
            rest = slice(session + 1, int(events.last[company]) + 1)
            returns[rest, company] = rng.normal(0.0002, 0.0015, rest.stop - rest.start)
