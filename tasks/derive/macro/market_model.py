"""Returns around an event, and their difference from the market model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from tasks.derive.rotation.rolling import Floats

ESTIMATION_SESSIONS = 120
# the last session of the estimation, counted back from the event
ESTIMATION_END = 11
EVENT_WINDOWS = {"day_0": (0, 0), "days_-1_to_5": (-1, 5)}


@dataclass(frozen=True)
class Subject:
    """Returns of a fund or pair, and of the market, on the sessions that all have.

    Attributes:
        days: The sessions, in order.
        legs: Growth of the fund from each session's previous one; of a pair small, then large.
        market: Growth of the market.
        is_market: Whether the fund is the market itself.
    """

    days: list[date]
    legs: tuple[Floats, ...]
    market: Floats
    is_market: bool = False

    @property
    def returns(self) -> Floats:
        """Return the return of each session; of a pair the excess return."""
        return self.legs[0] - (self.legs[1] if len(self.legs) == 2 else 1.0)

    def total_return(self, first: int, last: int) -> float:
        """Return the compounded return of sessions; of a pair the excess return."""
        grown = [float(leg[first : last + 1].prod()) for leg in self.legs]
        return grown[0] - (grown[1] if len(grown) == 2 else 1.0)


def align(legs: Sequence[pl.DataFrame], market: pl.DataFrame) -> Subject | None:
    """Return a subject on the sessions that its legs and the market have; None with too few.

    Args:
        legs: `session_date` and `growth` of each.
        market: The same of the market.
    """
    frames = [*legs, market]
    shared = sorted(set.intersection(*({*frame["session_date"]} for frame in frames)))
    if len(shared) < 2:
        return None
    grown = []
    for frame in frames:
        places = frame["session_date"].search_sorted(pl.Series(shared)).to_numpy()
        growth = frame["growth"].to_numpy()
        grown.append(np.multiply.reduceat(growth[: places[-1] + 1], places[:-1] + 1))
    is_market = len(legs) == 1 and legs[0] is market
    return Subject(shared[1:], tuple(grown[:-1]), grown[-1], is_market)


def measure(subject: Subject, at: int, window: tuple[int, int]) -> dict[str, Any] | None:
    """Return the columns of `derived.release_reaction` on returns; None while the window is open.

    The standard error is that of the sum of forecasts with estimated coefficients.

    Args:
        subject: Returns.
        at: Place of the event's session in `subject.days`.
        window: First and last session of the window, counted from the event.
    """
    first, last = at + window[0], at + window[1]
    if first < 0 or last >= len(subject.days):
        return None
    total = subject.total_return(first, last)
    row: dict[str, Any] = {
        "window_end": subject.days[last],
        "total_return": None if np.isnan(total) else total,
    }
    if subject.is_market:
        return row | {"missing_reason": "it is the market of the model"}
    end = at - ESTIMATION_END + 1
    start = end - ESTIMATION_SESSIONS
    if start < 0:
        reason = f"fewer than {ESTIMATION_SESSIONS} sessions to estimate the model"
        return row | {"missing_reason": reason}
    returns, market = subject.returns, subject.market - 1
    y, x = returns[start:end].copy(), market[start:end].copy()
    y_window, x_window = returns[first : last + 1], market[first : last + 1]
    if np.isnan(y).any() or np.isnan(x).any() or np.isnan(y_window).any():
        return row | {"missing_reason": "a distribution of unknown size was paid"}
    x_off = x - x.mean()
    x_square = (x_off * x_off).sum()
    if x.max() == x.min():
        return row | {"missing_reason": "the market did not move"}
    beta = (x_off * (y - y.mean())).sum() / x_square
    alpha = y.mean() - beta * x.mean()
    residual = y - alpha - beta * x
    deviation = np.sqrt((residual * residual).sum() / (ESTIMATION_SESSIONS - 2))
    length = last - first + 1
    abnormal = (y_window - alpha - beta * x_window).sum()
    spread = (x_window - x.mean()).sum()
    variance = length + length**2 / ESTIMATION_SESSIONS + spread**2 / x_square
    error = deviation * np.sqrt(variance)
    return row | {
        "abnormal_return": float(abnormal),
        "standard_error": float(error),
        "t_statistic": float(abnormal / error) if error > 0 else None,
        "alpha": float(alpha),
        "beta": float(beta),
        "residual_sd": float(deviation),
    }
