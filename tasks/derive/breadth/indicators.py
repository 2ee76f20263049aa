"""Computes the running indicators: A/D line, McClellan averages, Zweig thrust.

Each is a recurrence on whole counts: the next value follows from the last one alone, so it does
not matter how many sessions are derived at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FAST, SLOW, THRUST = 0.10, 0.05, 2 / 11
THRUST_LOW, THRUST_HIGH = 0.40, 0.615
THRUST_SESSIONS = 10

INDICATOR_COLUMNS = (
    "ad_line",
    "mcclellan_ema_19",
    "mcclellan_ema_39",
    "mcclellan_oscillator",
    "mcclellan_summation",
    "thrust_ema_10",
    "thrust_sessions_since_low",
    "is_zweig_thrust",
)


@dataclass(frozen=True)
class IndicatorState:
    """State before a session: of the session before, and of the averages' last values.

    Attributes:
        ad_line: Of the session before.
        thrust_sessions_since_low: Of the session before; None: never low yet.
        mcclellan_ema_19: Of the last session on which a member rose or fell; None: none yet.
        mcclellan_ema_39: Likewise.
        mcclellan_summation: Likewise, 0 where there is none yet.
        thrust_ema_10: Likewise, None where there is none yet.
    """

    ad_line: int = 0
    thrust_sessions_since_low: int | None = None
    mcclellan_ema_19: float | None = None
    mcclellan_ema_39: float | None = None
    mcclellan_summation: float = 0.0
    thrust_ema_10: float | None = None


def compute_indicators(
    advancers: Iterable[int], decliners: Iterable[int], initial_state: IndicatorState
) -> Mapping[str, list[float | int | bool | None]]:
    """Return the indicator columns, one value per session.

    On a session on which nothing rose or fell, the averages and the columns computed from them
    are None; the next session continues from the last values.
    """
    columns: dict[str, list[float | int | bool | None]] = {name: [] for name in INDICATOR_COLUMNS}
    ad_line, since_low = initial_state.ad_line, initial_state.thrust_sessions_since_low
    fast, slow = initial_state.mcclellan_ema_19, initial_state.mcclellan_ema_39
    summation, thrust = initial_state.mcclellan_summation, initial_state.thrust_ema_10
    for up, down in zip(advancers, decliners, strict=True):
        ad_line += up - down
        since_low = None if since_low is None else since_low + 1
        row: tuple[float | int | bool | None, ...]
        if up + down:
            net = 1000 * (up - down) / (up + down)
            fast, slow = _ema_step(FAST, net, fast), _ema_step(SLOW, net, slow)
            summation += fast - slow
            thrust = _ema_step(THRUST, up / (up + down), thrust)
            since_low = 0 if thrust < THRUST_LOW else since_low
            rose = since_low is not None and since_low < THRUST_SESSIONS
            is_thrust = thrust > THRUST_HIGH and rose
            row = (fast, slow, fast - slow, summation, thrust, since_low, is_thrust)
        else:
            row = (None, None, None, None, None, since_low, None)
        for name, value in zip(INDICATOR_COLUMNS, (ad_line, *row), strict=True):
            columns[name].append(value)
    return columns


def _ema_step(share: float, value: float, before: float | None) -> float:
    return value if before is None else share * value + (1 - share) * before
