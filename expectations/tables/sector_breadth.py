"""Market breadth by index and sector: one row per (index_code, sector, session_date).

Every rule stops the batch, and the stored rows stay: a derived row that breaks a rule is an error
of the calculation or its inputs, and a quarantined row would look like a missing session.
"""

import numpy as np
import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule

KEY = ("index_code", "sector", "session_date")
SPANS = (20, 50, 200)
NULL_IF_NO_MOVERS = "nothing rose or fell that session; the next one goes on from the last value"
NO_PRICED = "no member has a close today and on the previous session"

COLUMNS = (
    Column("index_code", "text", "R2000 or SP500"),
    Column("sector", "text", "GICS sector in iShares' spelling, or All for the whole index"),
    Column("session_date", "date", "XNYS session on which at least one of the members has a bar"),
    Column(
        "members",
        "integer",
        "members in the newest snapshot with known_from not after the session; before the first"
        " was known, in the first",
    ),
    Column(
        "priced",
        "integer",
        "members with a close on this session and on the one of this table before it",
    ),
    Column(
        "advancers",
        "integer",
        "priced members that closed higher; split-adjusted closes are compared as whole"
        " micro-dollars throughout",
    ),
    Column("decliners", "integer", "priced members that closed lower"),
    Column("unchanged", "integer", "priced members that closed at the same micro-dollar"),
    Column(
        "advancing_volume",
        "bigint",
        "shares of the advancers as traded that day; a bar without a volume adds none",
    ),
    Column(
        "declining_volume",
        "bigint",
        "shares of the decliners as traded that day; a bar without a volume adds none",
    ),
    *(
        Column(
            f"eligible_{n}",
            "integer",
            f"members with a close on this session and {n} closes of their own up to it,"
            " before they joined included; a halt does not empty the window",
        )
        for n in (*SPANS, 252)
    ),
    *(
        Column(
            f"pct_above_{n}",
            "double precision",
            f"percent of eligible_{n} that closed above the mean of their last {n} closes, today"
            " included",
            f"eligible_{n} is 0",
        )
        for n in SPANS
    ),
    Column(
        "new_highs_252",
        "integer",
        "members of eligible_252 at the highest of their last 252 closes, today included",
    ),
    Column(
        "new_lows_252", "integer", "members of eligible_252 at the lowest of them, today included"
    ),
    Column(
        "ad_line",
        "bigint",
        "running sum of advancers - decliners from the first session stored; in a sector, from its"
        " first",
    ),
    Column(
        "mcclellan_ema_19",
        "double precision",
        "EMA (a = .10, 19 sessions) of 1000 * (advancers - decliners) / (advancers + "
        "decliners), seeded with the first value",
        "nothing rose or fell; the next one continues from the last value",
    ),
    Column(
        "mcclellan_ema_39",
        "double precision",
        "the same with a = .05, 39 sessions",
        NULL_IF_NO_MOVERS,
    ),
    Column(
        "mcclellan_oscillator",
        "double precision",
        "mcclellan_ema_19 - mcclellan_ema_39",
        NULL_IF_NO_MOVERS,
    ),
    Column(
        "mcclellan_summation",
        "double precision",
        "running sum of mcclellan_oscillator from the first session stored",
        NULL_IF_NO_MOVERS,
    ),
    Column(
        "trin",
        "double precision",
        "(advancers / decliners) / (advancing_volume / declining_volume)",
        "decliners or either volume is 0",
    ),
    Column(
        "thrust_ema_10",
        "double precision",
        "EMA (a = 2/11) of advancers / (advancers + decliners), seeded with the first value",
        NULL_IF_NO_MOVERS,
    ),
    Column(
        "thrust_sessions_since_low",
        "integer",
        "sessions since thrust_ema_10 was last below .40, 0 on such a session",
        "it never was",
    ),
    Column(
        "is_zweig_thrust",
        "boolean",
        "thrust_ema_10 is above .615 and was below .40 on one of the last 10 sessions, today "
        "included; true on every such session",
        "nothing rose or fell that session",
    ),
    Column(
        "equal_weight_return",
        "double precision",
        "fraction: mean of the priced members' returns since the previous session, without"
        " dividends, each to the nearest 1e-10",
        NO_PRICED,
    ),
    Column(
        "cap_weight_return",
        "double precision",
        "fraction: mean return of priced members, weighted with the snapshot's weights, which "
        "do not move with prices",
        "no member has a close today and on the previous session",
    ),
    Column("membership_as_of", "date", "the day that the snapshot of members describes"),
    Column(
        "is_backcast",
        "boolean",
        "true before the first snapshot was known: its members are the survivors",
    ),
)


def _within(name: str, reason: str, column: str, least: float | None, most: float | None) -> Rule:
    bounds = {"column": column, "min_value": least, "max_value": most}
    return Rule(name, reason, "ExpectColumnValuesToBeBetween", bounds, "stop")


RULES = (
    Rule(
        "duplicate_row",
        "two rows have the same key",
        "ExpectCompoundColumnsToBeUnique",
        {"column_list": [*KEY]},
        "stop",
    ),
    _within("value_missing", "a column that must not be NULL is NULL", "missing_values", None, 0),
    _within("no_members", "the row has no members", "members", 1, None),
    flag_rule("is_overcounted", "more_than_members", "a count of members is above members", "stop"),
    flag_rule(
        "is_sum_mismatch",
        "advances_declines_mismatch",
        "advancers, decliners and unchanged do not sum to priced",
        "stop",
    ),
    _within("volume_negative", "a volume is negative", "least_volume", 0, None),
    *(
        _within(
            f"pct_above_{n}_out_of_range",
            "a percentage is outside 0 to 100",
            f"pct_above_{n}",
            *(0, 100),
        )
        for n in SPANS
    ),
    _within(
        "thrust_out_of_range",
        "thrust_ema_10 is outside 0 to 1",
        "thrust_ema_10",
        *(0, 1),
    ),
    _within(
        # the difference of two averages of values between -1000 and 1000
        "oscillator_out_of_range",
        "the oscillator is outside -2000 to 2000",
        "mcclellan_oscillator",
        *(-2000, 2000),
    ),
    flag_rule(
        "is_ema_inconsistent",
        "ema_null_inconsistent",
        "the averages must be NULL if no member rose or fell, and only then",
        "stop",
    ),
    _within(
        # One share can double in a day, and a small sector with it; the mean of 100 shares has
        # never moved by 25 percent.
        "return_implausible",
        "the whole index gained or lost more than 50 percent in one session: splits of many"
        " members are missing, or their prices are wrong",
        "return_of_all",
        *(-0.5, 0.5),
    ),
    _within(
        "value_infinite",
        "a number is infinite, perhaps after a division by zero",
        "infinite_values",
        None,
        0,
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = frame.copy()
    required = [column.name for column in COLUMNS if column.null_means is None]
    out["missing_values"] = frame[required].isna().sum(axis=1)
    counted = ["priced", "new_highs_252", "new_lows_252", *(f"eligible_{n}" for n in (*SPANS, 252))]
    out["is_overcounted"] = frame[counted].max(axis=1) > frame["members"]
    directions = frame[["advancers", "decliners", "unchanged"]].sum(axis=1)
    out["is_sum_mismatch"] = directions != frame["priced"]
    out["least_volume"] = frame[["advancing_volume", "declining_volume"]].min(axis=1)
    averages = ["mcclellan_ema_19", "mcclellan_ema_39", "mcclellan_oscillator"]
    averages += ["mcclellan_summation", "thrust_ema_10", "is_zweig_thrust"]
    moved = (frame["advancers"] + frame["decliners"]) > 0
    out["is_ema_inconsistent"] = frame[averages].notna().ne(moved, axis=0).any(axis=1)
    is_all = (frame["sector"] == "All") & (frame["priced"] >= 100)
    out["return_of_all"] = frame["equal_weight_return"].astype(float).where(is_all)
    floats = [column.name for column in COLUMNS if column.sql_type == "double precision"]
    out["infinite_values"] = np.isinf(frame[floats].to_numpy(float, na_value=np.nan)).sum(axis=1)
    return out


CONTRACT = Contract(
    table="sector_breadth",
    schema="derived",
    grain="one row per (index_code, sector, session_date)",
    source=(
        "core.daily_price, the splits of core.corporate_action and core.index_membership; rebuilt"
        " when one of them changes"
    ),
    key=KEY,
    columns=COLUMNS,
    upstream=("daily_price", "corporate_action", "index_membership"),
    latest_date_column="session_date",
    rules=RULES,
    add_rule_columns=annotate,
)
