"""How much of an index is in few companies: one row per (index_code, as_of_date)."""

import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule

KEY = ("index_code", "as_of_date")

COLUMNS = (
    Column("index_code", "text", "R2000 or SP500"),
    Column("as_of_date", "date", "the close that the holdings describe"),
    Column("known_from", "date", "first XNYS session on which the holdings could be known"),
    Column("members", "integer", "listed shares held; two classes of one company are two"),
    Column("top_10_weight_pct", "double precision", "percent: the ten largest weights together"),
    Column("hhi", "double precision", "sum of the squared weight fractions"),
    Column("effective_members", "double precision", "1 / hhi: as many equal weights have this hhi"),
    Column(
        "magnificent_seven_weight_pct",
        "double precision",
        "percent: Apple, Microsoft, Alphabet (both classes), Amazon, NVIDIA, Meta and Tesla, as far"
        " as they are members",
    ),
)

RULES = (
    Rule(
        "duplicate_row",
        "an index has a snapshot twice",
        "ExpectCompoundColumnsToBeUnique",
        {"column_list": [*KEY]},
        "stop",
    ),
    Rule(
        "value_missing",
        "a column is NULL",
        "ExpectColumnValuesToBeBetween",
        {"column": "missing_values", "max_value": 0},
        "stop",
    ),
    flag_rule(
        # Bounds for n equal weights and for a single member, with the tolerance of 0.01 percent in
        # the sum of the weights.
        "is_hhi_out_of_range",
        "hhi_out_of_range",
        "the sum of squares of n weights is outside 1/n to 1",
        "stop",
    ),
    Rule(
        "effective_members_out_of_range",
        "effective_members is not above 0, or is above members",
        "ExpectColumnValuesToBeBetween",
        {"column": "effective_share", "max_value": 1.001, "min_value": 0, "strict_min": True},
        "stop",
    ),
    Rule(
        "top_10_out_of_range",
        "the top 10 weights sum to less than 10/n of 100 percent or to more than 100 percent",
        "ExpectColumnValuesToBeBetween",
        {"column": "top_10_excess_pct", "min_value": -0.01, "max_value": 100},
        "stop",
    ),
    Rule(
        "magnificent_seven_out_of_range",
        "a sum of weights is outside 0 to 100 percent",
        "ExpectColumnValuesToBeBetween",
        {"column": "magnificent_seven_weight_pct", "min_value": 0, "max_value": 100.01},
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = frame.copy()
    out["missing_values"] = frame[[column.name for column in COLUMNS]].isna().sum(axis=1)
    members = frame["members"]
    out["is_hhi_out_of_range"] = (frame["hhi"] < 0.999 / members) | (frame["hhi"] > 1.001)
    out["effective_share"] = frame["effective_members"] / members
    out["top_10_excess_pct"] = frame["top_10_weight_pct"] - 100 * (10 / members).clip(upper=1)
    return out


CONTRACT = Contract(
    table="index_concentration",
    schema="derived",
    grain="one row per (index_code, as_of_date)",
    source="core.index_membership; rebuilt when it changes",
    key=KEY,
    columns=COLUMNS,
    upstream=("index_membership",),
    latest_date_column="as_of_date",
    rules=RULES,
    add_rule_columns=annotate,
)
