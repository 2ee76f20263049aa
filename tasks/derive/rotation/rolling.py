"""Computes rolling statistics that depend on their window alone.

Row t of every result uses rows t-n+1 to t (or t-n to t, where a return needs the row before).
A window that is not full, or that never moves where a scale is needed, gives NaN.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def windows(values: Floats, n: int) -> Floats:
    """Return the n values up to each row; NaN where there are fewer.

    The copy is deliberate: numpy sums a contiguous row in an order that depends on its length
    only, so equal windows have equal sums to the last bit, however many rows are derived at once.
    """
    padded = np.concatenate([np.full(n - 1, np.nan), values])
    return np.ascontiguousarray(sliding_window_view(padded, n))


def gross_return(values: Floats, n: int) -> Floats:
    """Return values_t / values_{t-n}; NaN for the first n."""
    out = np.full(values.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        out[n:] = values[n:] / values[:-n]
    return np.where(np.isfinite(out), out, np.nan)


def gross_total_return(closes: Floats, reinvested: Floats, n: int) -> Floats:
    """Return the gross return with distributions of the last n sessions reinvested.

    The product is taken over the window, not as a quotient of total-return closes: those move
    in their last bits with every later dividend, and derived rows must not.
    """
    return np.asarray(gross_return(closes, n) * windows(reinvested, n).prod(axis=1))


def zscore(values: Floats, n: int) -> Floats:
    """Return each value's distance from its window's mean in standard deviations (n-1)."""
    window = windows(values, n)
    deviation = window.std(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (values - window.mean(axis=1)) / deviation
    return np.where(_has_variation(window), score, np.nan)


def _has_variation(window: Floats) -> NDArray[np.bool_]:
    """Return whether a window's values differ.

    The standard deviation cannot tell: rounding makes it a little more than 0.
    """
    return np.asarray(window.max(axis=1) > window.min(axis=1))


def regression(y: Floats, x: Floats, n: int) -> tuple[Floats, Floats]:
    """Return slope and correlation of y on x over the last n values."""
    y_windows, x_windows = windows(y, n), windows(x, n)
    y_off = y_windows - y_windows.mean(axis=1, keepdims=True)
    x_off = x_windows - x_windows.mean(axis=1, keepdims=True)
    covariance = (x_off * y_off).sum(axis=1)
    x_square, y_square = (x_off * x_off).sum(axis=1), (y_off * y_off).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        beta = covariance / x_square
        correlation = covariance / np.sqrt(x_square * y_square)
    x_moves, y_moves = _has_variation(x_windows), _has_variation(y_windows)
    return np.where(x_moves, beta, np.nan), np.where(x_moves & y_moves, correlation, np.nan)
