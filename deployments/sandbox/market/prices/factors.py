"""The common factors: the market, its volatility, the size spread and the sectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.market.companies.universe import SECTORS

#: Daily market volatility when the log-volatility process is at its mean (about 13 % a year).
_CALM = 0.0085
_MARKET_DRIFT = 0.00045

#: Mean of small minus large, per session: mega-caps lead by about 12 % a year, except in the
#: rotations, the last of which fills the tape's last sessions.
_CONCENTRATION, _ROTATION = -0.0005, 0.002
_SPREAD_DEVIATION = 0.0045
ROTATION_SESSIONS = 75

#: A run of sessions in which small caps led every single time, and its distance from the end.
RUN_LENGTH, RUN_START = 14, 29

#: Every other run is cut at this length. A session counts as led when the spread clears the
#: margin, which the funds' own noise does not overturn.
_LONGEST_OTHER, _MARGIN = 9, 0.002


@dataclass(frozen=True)
class Factors:
    """Daily log returns of the common factors over the sessions with bars.

    Attributes:
        market: the market.
        spread: return of the small group minus that of the large one.
        sectors: sessions by sectors, on top of the market.
        volatility: standard deviation of the market's daily return, whole macro history.
        vix: closing level of the volatility index, whole macro history.
    """

    market: NDArray[np.float64]
    spread: NDArray[np.float64]
    sectors: NDArray[np.float64]
    volatility: NDArray[np.float64]
    vix: NDArray[np.float64]


def simulate_factors(history: int, sessions: int, rng: np.random.Generator) -> Factors:
    """Draw the factors of a tape with `sessions` sessions at the end of `history` ones."""
    shock = np.clip(rng.standard_t(6, history) * np.sqrt(4 / 6), -6, 6)
    # Volatility rises when the market falls: its own shock is tied to the market's.
    own = -0.7 * shock + np.sqrt(1 - 0.49) * rng.standard_normal(history)
    level = ar1(own * 0.11, 0.975)
    volatility = _CALM * np.exp(np.clip(level, -0.9, 1.7))
    lagged = np.concatenate([volatility[:1], volatility[:-1]])
    market = np.clip(lagged * shock, -0.09, 0.08)[-sessions:]
    # Centred, so that the tape ends near the drift's level, not at a random one.
    market += _MARKET_DRIFT - 0.8 * market.mean()
    vix = 100 * np.sqrt(252) * volatility * 1.2 * np.exp(rng.normal(0, 0.03, history))
    sectors = rng.standard_t(5, (sessions, len(SECTORS))) * np.sqrt(3 / 5) * 0.0055
    return Factors(
        market=market,
        spread=_draw_spread(sessions, rng),
        sectors=np.clip(sectors, -0.04, 0.04),
        volatility=volatility,
        vix=np.round(np.clip(vix, 9.5, 82), 2),
    )


def ar1(shocks: NDArray[np.float64], persistence: float) -> NDArray[np.float64]:
    """Return a first-order autoregression driven by `shocks`, from zero."""
    level, out = 0.0, np.empty_like(shocks)
    for i, shock in enumerate(shocks):
        level = persistence * level + shock
        out[i] = level
    return out


def _draw_spread(sessions: int, rng: np.random.Generator) -> NDArray[np.float64]:
    mean = np.full(sessions, _CONCENTRATION)
    start = int(rng.integers(600, 900))
    while start < sessions - 2 * ROTATION_SESSIONS - 150:
        length = int(rng.integers(50, 110))
        mean[start : start + length] = _ROTATION * 0.7
        start += length + int(rng.integers(500, 900))
    mean[-ROTATION_SESSIONS:] = _ROTATION
    noise = np.clip(rng.standard_t(5, sessions) * np.sqrt(3 / 5), -5, 5) * _SPREAD_DEVIATION
    for regime in (slice(None, -ROTATION_SESSIONS), slice(-ROTATION_SESSIONS, None)):
        noise[regime] -= noise[regime].mean()
    spread: NDArray[np.float64] = mean + noise
    run = slice(sessions - RUN_START, sessions - RUN_START + RUN_LENGTH)
    length = 0
    for session in range(sessions):
        length = length + 1 if spread[session] > -_MARGIN else 0
        if length == _LONGEST_OTHER:
            spread[session], length = -2 * _MARGIN, 0
    spread[run] = _MARGIN + 0.4 * np.abs(spread[run])
    # A session led by the large ones on either side gives the run its exact length.
    spread[[run.start - 1, run.stop]] = -2 * _MARGIN
    return spread
