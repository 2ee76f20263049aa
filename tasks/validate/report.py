"""Convert validation results to frames for the audit schema."""

import json
import math
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import pandas as pd

from expectations.contract import Contract
from tasks.validate.evaluate import RuleResult

QUARANTINE_COLUMNS = ("table_name", "key", "rule", "reason", "row")
RESULT_COLUMNS = (
    "table_name",
    "rule",
    "action",
    "expectation",
    "success",
    "evaluated",
    "unexpected",
    "reason",
    "detail",
)
MAX_EXAMPLES = 5


def rule_results_frame(
    contract: Contract, batch: pd.DataFrame, results: Iterable[RuleResult]
) -> pd.DataFrame:
    """Return one row per rule (`RESULT_COLUMNS`).

    Its `detail` has the value that all rows breaking it share, if any, and names the first rows.
    """
    rows = [
        (
            contract.table,
            each.rule.name,
            each.rule.action,
            each.rule.expectation,
            each.success,
            each.evaluated,
            len(each.failing_rows),
            each.rule.reason,
            "; ".join(
                text
                for text in (each.detail, _examples(contract, batch, each.failing_rows))
                if text
            ),
        )
        for each in results
    ]
    return pd.DataFrame(rows, columns=[*RESULT_COLUMNS])


def quarantine_frame(
    contract: Contract, batch: pd.DataFrame, results: Iterable[RuleResult]
) -> pd.DataFrame:
    """Return one row per (row, quarantine rule that it breaks): `QUARANTINE_COLUMNS`, all rows."""
    found = [
        each for each in results if each.rule.action == "quarantine" and len(each.failing_rows)
    ]
    if not found:
        return pd.DataFrame(columns=[*QUARANTINE_COLUMNS])
    labels = sorted({label for each in found for label in each.failing_rows})
    # without the context columns, which differ by run: the same bad row must stay the same
    received = batch.drop(columns=[*contract.context_columns], errors="ignore")
    records = dict(zip(labels, received.loc[labels].to_dict("records"), strict=True))
    rows = {label: _json(record) for label, record in records.items()}
    keys = {
        label: _json({name: record[name] for name in contract.natural_key_or_key})
        for label, record in records.items()
    }
    return pd.DataFrame(
        [
            (contract.table, keys[label], each.rule.name, each.rule.reason, rows[label])
            for each in found
            for label in each.failing_rows
        ],
        columns=[*QUARANTINE_COLUMNS],
    )


def _examples(contract: Contract, batch: pd.DataFrame, failing_rows: pd.Index) -> str:
    # most rules hold, and looking up no rows takes pandas a millisecond for each
    if failing_rows.empty:
        return ""
    first = batch.loc[failing_rows[:MAX_EXAMPLES], [*contract.natural_key_or_key]]
    shown = [" ".join(str(_to_json_value(v)) for v in row) for row in first.itertuples(index=False)]
    more = len(failing_rows) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _json(record: dict[Any, Any]) -> str:
    return json.dumps({name: _to_json_value(value) for name, value in record.items()})


def _to_json_value(value: Any) -> Any:
    """Convert a value for JSON: dates without a time, infinities as words, NaN as null."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, datetime):
        is_day = value.tzinfo is None and value.time() == datetime.min.time()
        return value.date().isoformat() if is_day else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
