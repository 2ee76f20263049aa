"""Breadth computed slowly and independently, session by session.

Prices are exact: whole micro-dollars, as Python's integers.
"""

from datetime import date
from fractions import Fraction

import pandas as pd


def slow_breadth(bars: pd.DataFrame, snapshots: pd.DataFrame) -> pd.DataFrame:
    """Breadth by sector and session, from bars and snapshots as `derive_breadth` takes them."""
    closes: dict[int, dict[date, int]] = {}
    volumes: dict[tuple[int, date], int] = {}
    for bar in bars.sort_values("session_date").itertuples():
        price = round(bar.close * bar.split_factor * 1_000_000)
        closes.setdefault(bar.instrument_id, {})[bar.session_date] = price
        volumes[bar.instrument_id, bar.session_date] = 0 if pd.isna(bar.volume) else bar.volume
    by_date = dict(iter(snapshots.groupby("as_of_date")))
    first = min(by_date, key=lambda as_of: (by_date[as_of]["known_from"].iloc[0], as_of))
    rows: list[dict[str, object]] = []
    previous = None
    for day in sorted(bars["session_date"].unique()):
        known = [as_of for as_of in by_date if by_date[as_of]["known_from"].iloc[0] <= day]
        as_of = max(known) if known else first
        members = by_date[as_of]
        if not any(day in closes.get(i, {}) for i in members["instrument_id"]):
            continue
        for sector in ["All", *sorted(members["sector"].dropna().unique())]:
            chosen = members if sector == "All" else members[members["sector"] == sector]
            row = one_row(day, previous, chosen, closes, volumes)
            found = {"sector": sector, "session_date": day, "membership_as_of": as_of}
            rows.append(found | {"is_backcast": not known} | row)
        previous = day
    return run_on(pd.DataFrame(rows).sort_values(["sector", "session_date"], ignore_index=True))


def one_row(
    day: date,
    previous: date | None,
    members: pd.DataFrame,
    closes: dict[int, dict[date, int]],
    volumes: dict[tuple[int, date], int],
) -> dict[str, object]:
    """What one sector's members did on one session."""
    moves: list[tuple[int, int, float, float]] = []
    above = {20: [], 50: [], 200: []}
    highs, lows = [], []
    for member in members.itertuples():
        own = closes.get(member.instrument_id, {})
        if day not in own:
            continue
        if previous in own:
            gain = own[day] - own[previous]
            change = own[day] / own[previous] - 1
            volume = volumes[member.instrument_id, day]
            moves.append((gain, volume, change, member.weight_pct))
        trail = [own[d] for d in sorted(own) if d <= day]
        for n, found in above.items():
            if len(trail) >= n:
                found.append(own[day] > Fraction(sum(trail[-n:]), n))
        if len(trail) >= 252:
            highs.append(own[day] == max(trail[-252:]))
            lows.append(own[day] == min(trail[-252:]))
    up, down = ([m for m in moves if m[0] * sign > 0] for sign in (1, -1))
    up_volume, down_volume = (sum(m[1] for m in side) for side in (up, down))
    return {
        "members": len(members),
        "priced": len(moves),
        "advancers": len(up),
        "decliners": len(down),
        "unchanged": len(moves) - len(up) - len(down),
        "advancing_volume": up_volume,
        "declining_volume": down_volume,
        **{f"eligible_{n}": len(found) for n, found in above.items()},
        "eligible_252": len(highs),
        **{f"pct_above_{n}": 100 * sum(f) / len(f) if f else None for n, f in above.items()},
        "new_highs_252": sum(highs),
        "new_lows_252": sum(lows),
        "trin": len(up) / len(down) / (up_volume / down_volume)
        if down and up_volume and down_volume
        else None,
        "equal_weight_return": sum(m[2] for m in moves) / len(moves) if moves else None,
        "cap_weight_return": sum(m[2] * m[3] for m in moves) / sum(m[3] for m in moves)
        if moves
        else None,
    }


def run_on(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds the running columns, by pandas' own averages."""
    out = []
    for _, sector in rows.groupby("sector"):
        net, moved = (
            sector["advancers"] - sector["decliners"],
            sector["advancers"] + sector["decliners"],
        )
        seen = moved[moved > 0].index
        ratio = 1000 * net[seen] / moved[seen]
        fast, slow = (ratio.ewm(alpha=a, adjust=False).mean() for a in (0.10, 0.05))
        thrust = (sector["advancers"][seen] / moved[seen]).ewm(alpha=2 / 11, adjust=False).mean()
        sector = sector.assign(
            ad_line=net.cumsum(),
            mcclellan_ema_19=fast,
            mcclellan_ema_39=slow,
            mcclellan_oscillator=fast - slow,
            mcclellan_summation=(fast - slow).cumsum(),
            thrust_ema_10=thrust,
        )
        lowest = sector["thrust_ema_10"].rolling(10, min_periods=1).min()
        is_thrust = (sector["thrust_ema_10"] > 0.615) & (lowest < 0.40)
        sector["is_zweig_thrust"] = is_thrust.astype(object).where(moved > 0, None)
        out.append(sector)
    return pd.concat(out, ignore_index=True)
