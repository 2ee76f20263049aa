"""Claims about the rotation, judged by the tables: one row per claim, the newest verdict."""

import pandas as pd

from expectations.contract import Column, Contract, flag_rule
from expectations.rules.table_rules import count_nulls_and_infs, key_and_null_rules

KEY = ("claim_id",)
VERDICTS = ("supported", "contradicted", "insufficient_data", "not_measurable")
NO_DATA = "the data do not suffice, see reason"

COLUMNS = (
    Column("claim_id", "text", "name of the claim; its query is warehouse/claims/<claim_id>.sql"),
    Column("statement", "text", "the claim in our words"),
    Column("said", "text", "where and when it was said"),
    Column("measure", "text", "how it is measured"),
    Column("verdict", "text", f"{', '.join(VERDICTS)}: the first witness decides"),
    Column("measured", "double precision", "value of the first witness, in `unit`", NO_DATA),
    Column("unit", "text", "unit of measured and second_measured"),
    Column("reason", "text", "the figures behind the verdict, or what is missing"),
    Column("witness", "text", "series, pair or index that was measured", "the query has no row"),
    Column("second_witness", "text", "a second source for the same claim", "there is none"),
    Column("second_measured", "double precision", "value of the second witness", NO_DATA),
    Column("supported_if", "text", "condition for the verdict supported"),
    Column("contradicted_if", "text", "condition for the verdict contradicted"),
    Column("as_of_date", "date", "last day of the data behind the verdict", NO_DATA),
    Column("evidence_query", "text", "SQL that any reader can run to see the figures"),
)

RULES = (
    *key_and_null_rules(KEY),
    flag_rule("is_verdict_unknown", "verdict_unknown", "no such verdict", "stop"),
    flag_rule(
        "is_verdict_without_value",
        "verdict_without_value",
        "a claim is supported or contradicted without a measured value",
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    out["is_verdict_unknown"] = ~frame["verdict"].isin(VERDICTS)
    is_judged = frame["verdict"].isin(VERDICTS[:2])
    out["is_verdict_without_value"] = is_judged & frame["measured"].isna()
    return out


CONTRACT = Contract(
    table="claim_ledger",
    schema="derived",
    grain="one row per claim",
    source="published tables, by warehouse/claims; rebuilt when they change",
    key=KEY,
    columns=COLUMNS,
    upstream=(
        "daily_price",
        "corporate_action",
        "index_membership",
        "macro_observation",
        "company",
        "company_fact",
        "company_ticker",
        "rotation_metrics",
        "sector_breadth",
        "valuation",
        "company_refinancing",
        "rate_sensitivity",
        "release_reaction",
        "seasonality",
    ),
    latest_date_column="as_of_date",
    rules=RULES,
    add_rule_columns=annotate,
)
