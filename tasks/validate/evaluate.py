"""Find the rows that break each rule; Great Expectations checks those that may."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

from expectations.contract import Rule
from tasks.validate.screen import find_doubtful_rows

# Great Expectations keeps its current context in a global of its module.
_GX_LOCK = Lock()


class RuleEvaluationError(Exception):
    """A rule could not be evaluated: a defect of the rule, not of the batch."""


@dataclass(frozen=True)
class RuleResult:
    """Result of one rule.

    Attributes:
        rule: The rule.
        success: Whether the rule holds; with `mostly`, some rows may break it nevertheless.
        evaluated: Number of rows checked.
        failing_rows: The labels of all rows that break it.
        detail: The finding of a rule about the whole frame; otherwise empty.
    """

    rule: Rule
    success: bool
    evaluated: int
    failing_rows: pd.Index
    detail: str = ""


def evaluate(frame: pd.DataFrame, rules: Sequence[Rule]) -> list[RuleResult]:
    """Evaluate rules on a frame whose index counts from 0; keep the rules' order.

    Raises:
        RuleEvaluationError: A rule failed to run, for example for a missing column.
    """
    masks = [find_doubtful_rows(frame, rule) for rule in rules]
    doubtful = [rule for rule, mask in zip(rules, masks, strict=True) if mask is None or mask.any()]
    found = iter(_evaluate_doubtful_rows(frame, doubtful, masks) if doubtful else ())
    no_rows = pd.Index([], dtype="int64")
    return [
        next(found) if rule in doubtful else RuleResult(rule, True, len(frame), no_rows)
        for rule in rules
    ]


def _evaluate_doubtful_rows(
    frame: pd.DataFrame, rules: Sequence[Rule], masks: Sequence[pd.Series | None]
) -> list[RuleResult]:
    """Evaluate rules on the rows that may break one of them; on all where that is not known."""
    known = [mask for mask in masks if mask is not None]
    if len(known) < len(masks):
        return evaluate_with_gx(frame, rules)
    rows = frame[np.logical_or.reduce(known)]
    results = evaluate_with_gx(rows.reset_index(drop=True), rules)
    return [
        replace(
            result, evaluated=len(frame), failing_rows=rows.index[result.failing_rows.to_numpy()]
        )
        for result in results
    ]


def evaluate_with_gx(frame: pd.DataFrame, rules: Sequence[Rule]) -> list[RuleResult]:
    """Evaluate rules with Great Expectations alone, as `evaluate` does."""
    # imported here because the import takes seconds, and only doubtful rows need it
    import great_expectations as gx

    with _GX_LOCK:
        batch = _batch_definition().get_batch(batch_parameters={"dataframe": frame})
        suite = gx.ExpectationSuite(
            name="rules",
            expectations=[
                getattr(gx.expectations, rule.expectation)(**rule.arguments, meta={"rule": number})
                for number, rule in enumerate(rules)
            ],
        )
        # COMPLETE lists all row labels; other formats stop at 200 values
        report = batch.validate(suite, result_format={"result_format": "COMPLETE"})
    found = {_number(result): result for result in report.results}
    return [_rule_result(frame, rule, found[number]) for number, rule in enumerate(rules)]


@cache
def _batch_definition() -> Any:
    """Return the definition of a batch in a context of this process.

    Creating a context takes a third of a small batch's validation.
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    # in-memory stores, so that it does not create a folder for its documentation site
    project = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=project)
    asset = context.data_sources.add_pandas("batch").add_dataframe_asset("batch")
    return asset.add_batch_definition_whole_dataframe("batch")


def _number(result: Any) -> int:
    return int(result.expectation_config.meta["rule"])


def _rule_result(frame: pd.DataFrame, rule: Rule, result: Any) -> RuleResult:
    failure = result.exception_info
    # an error of the rule itself has the failed metric as its key
    if failure and failure.get("raised_exception", True):
        raise RuleEvaluationError(
            f"rule {rule.name} ({rule.expectation} of {dict(rule.arguments)}) could not be"
            f" evaluated, so the batch was not checked; fix the rule: {failure}"
        )
    failing_rows = pd.Index(result.result.get("unexpected_index_list") or [], dtype="int64")
    detail = _common_value(frame, rule, failing_rows)
    mismatched = result.result.get("details", {}).get("mismatched", {})
    if missing := [str(name) for name in mismatched.get("missing", [])]:
        detail = f"missing: {', '.join(missing)}"
    return RuleResult(rule, bool(result.success), len(frame), failing_rows, detail)


def _common_value(frame: pd.DataFrame, rule: Rule, failing_rows: pd.Index) -> str:
    """Return the value that all rows share which broke a stop rule, such as a sum."""
    column = rule.arguments.get("column")
    if rule.action != "stop" or column is None or failing_rows.empty:
        return ""
    values = frame.loc[failing_rows, column].unique()
    if len(values) > 1 or not isinstance(values[0], float):
        return ""
    return f"{column} is {values[0]:.6g}"
