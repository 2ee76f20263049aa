"""Returns around releases: one row per (release, release_date, subject, event_window)."""

import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.table_rules import between_rule, count_nulls_and_infs, key_and_null_rules

KEY = ("release", "release_date", "subject", "event_window")
RELEASES = ("cpi", "target_range")
EVENT_WINDOWS = ("day_0", "days_-1_to_5")
NO_MODEL = "missing_reason"
NO_CONSENSUS = "consensus.csv has none"

COLUMNS = (
    Column("release", "text", "cpi, or target_range (changes of DFEDTARU)"),
    Column("release_date", "date", "day of the release; of the target range, of the decision"),
    Column("subject", "text", "a pair (SMALL/LARGE) of pair.csv, or the ticker of a fund"),
    Column("event_window", "text", "day_0, or days_-1_to_5: sessions counted from event_session"),
    Column("event_session", "date", "first XNYS session that could react"),
    Column("window_end", "date", "last session of the window"),
    Column("known_from", "date", "session from which the row is known"),
    Column("reference_date", "date", "cpi: first day of the month; else day the range holds from"),
    Column(
        "value_pct",
        "double precision",
        "as first released: CPIAUCNS over a year, or the upper limit; percent",
        "the month has no change over a year",
    ),
    Column("previous_pct", "double precision", "the value known before, percent", "none was known"),
    Column("consensus_pct", "double precision", "forecast of consensus.csv, percent", NO_CONSENSUS),
    Column("consensus_source", "text", "who published the forecast", NO_CONSENSUS),
    Column("consensus_published_on", "date", "when it was published", NO_CONSENSUS),
    Column(
        "surprise_pct",
        "double precision",
        "value less consensus, percentage points; cpi rounded to one decimal, as published",
        "no consensus or no value",
    ),
    Column(
        "surprise_in_sd",
        "double precision",
        "surprise over the standard deviation of the surprises before",
        "fewer than eight surprises before",
    ),
    Column(
        "total_return",
        "double precision",
        "return over the window, distributions reinvested, fraction; of a pair the excess return",
        "a distribution of unknown size was paid",
    ),
    Column(
        "abnormal_return",
        "double precision",
        "sum of the returns less those of the market model on SPY, fraction",
        NO_MODEL,
    ),
    Column(
        "standard_error",
        "double precision",
        "standard error of abnormal_return, fraction, estimated coefficients included",
        NO_MODEL,
    ),
    Column("t_statistic", "double precision", "abnormal_return over standard_error", NO_MODEL),
    Column("alpha", "double precision", "of the model, per session, fraction", NO_MODEL),
    Column("beta", "double precision", "of the model: 120 sessions, the last 11 before", NO_MODEL),
    Column("residual_sd", "double precision", "of the model, per session, fraction", NO_MODEL),
    Column("missing_reason", "text", "why there is no abnormal return", "there is one"),
)

RULES = (
    *key_and_null_rules(KEY),
    Rule(
        "release_not_listed",
        "the release is not one of those followed",
        "ExpectColumnValuesToBeInSet",
        {"column": "release", "value_set": [*RELEASES]},
        "stop",
    ),
    Rule(
        "window_unknown",
        "the window is not one of those followed",
        "ExpectColumnValuesToBeInSet",
        {"column": "event_window", "value_set": [*EVENT_WINDOWS]},
        "stop",
    ),
    between_rule("return_out_of_range", "the return is outside -1 to 1", "total_return", -1, 1),
    between_rule("error_negative", "the standard error is below 0", "standard_error", 0, None),
    flag_rule(
        "is_unexplained",
        "model_unexplained",
        "missing_reason must be set if there is no abnormal return, and only then",
        "stop",
    ),
    flag_rule(
        "is_order_wrong",
        "dates_out_of_order",
        "release, event session, end of the window and known_from are not in this order",
        "stop",
    ),
    flag_rule(
        "is_surprise_inconsistent",
        "surprise_inconsistent",
        "a surprise needs a value and a consensus, and a consensus its source and date",
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    out["is_unexplained"] = frame["abnormal_return"].isna() == frame["missing_reason"].isna()
    released, session, end, known = (
        pd.to_datetime(frame[name])
        for name in ("release_date", "event_session", "window_end", "known_from")
    )
    out["is_order_wrong"] = (released > session) | (session > end) | (end > known)
    has_consensus = frame["consensus_pct"].notna()
    is_complete = frame[["consensus_source", "consensus_published_on"]].notna().all(axis=1)
    has_surprise = frame["surprise_pct"].notna()
    can_have = has_consensus & frame["value_pct"].notna()
    out["is_surprise_inconsistent"] = (has_consensus != is_complete) | (has_surprise != can_have)
    return out


CONTRACT = Contract(
    table="release_reaction",
    schema="derived",
    grain="one row per (release, release_date, subject, event_window) whose window is over",
    source=(
        "core.daily_price, core.corporate_action, first vintages of core.macro_observation, and"
        " warehouse/reference/consensus.csv; rebuilt when one changes"
    ),
    key=KEY,
    columns=COLUMNS,
    upstream=("daily_price", "corporate_action", "macro_observation"),
    latest_date_column="window_end",
    rules=RULES,
    add_rule_columns=annotate,
)
