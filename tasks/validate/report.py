"""What validation found, as frames for the audit schema."""

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
    "detail",
)
MAX_EXAMPLES = 5


def rule_results_frame(
    contract: Contract, batch: pd.DataFrame, outcomes: Iterable[RuleResult]
) -> pd.DataFrame:
    """One row per rule: `RESULT_COLUMNS`; `detail` has the first rows that break it."""
    rows = [
        (
            contract.table,
            o.rule.name,
            o.rule.action,
            o.rule.expectation,
            o.success,
            o.evaluated,
            len(o.failing_rows),
            o.detail or _examples(contract, batch, o.failing_rows),
        )
        for o in outcomes
    ]
    return pd.DataFrame(rows, columns=[*RESULT_COLUMNS])


def quarantine_frame(
    contract: Contract, batch: pd.DataFrame, outcomes: Iterable[RuleResult]
) -> pd.DataFrame:
    """One row per (row, quarantine rule that it breaks): `QUARANTINE_COLUMNS`, never cut off."""
    found = [o for o in outcomes if o.rule.action == "quarantine" and len(o.failing_rows)]
    labels = sorted({label for o in found for label in o.failing_rows})
    # what validation added differs from run to run, and the same bad row must look the same
    received = batch.drop(columns=[*contract.context_columns], errors="ignore")
    records = dict(zip(labels, received.loc[labels].to_dict("records"), strict=True))
    rows = {label: _json(record) for label, record in records.items()}
    keys = {
        label: _json({name: record[name] for name in contract.natural_key_or_key})
        for label, record in records.items()
    }
    return pd.DataFrame(
        [
            (contract.table, keys[label], o.rule.name, o.rule.reason, rows[label])
            for o in found
            for label in o.failing_rows
        ],
        columns=[*QUARANTINE_COLUMNS],
    )


def _examples(contract: Contract, batch: pd.DataFrame, broken: pd.Index) -> str:
    first = batch.loc[broken[:MAX_EXAMPLES], [*contract.natural_key_or_key]]
    shown = [" ".join(str(_to_json_value(v)) for v in row) for row in first.itertuples(index=False)]
    more = len(broken) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _json(record: dict[Any, Any]) -> str:
    return json.dumps({name: _to_json_value(value) for name, value in record.items()})


def _to_json_value(value: Any) -> Any:
    """A value as JSON can say it: days without a time, infinities as words, NaN as null."""
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
