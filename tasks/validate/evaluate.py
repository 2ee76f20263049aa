"""Evaluate rules with Great Expectations: which rows of a frame break which rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import pandas as pd

from expectations.contract import Rule

# Great Expectations keeps its current context in a global of its module.
_GX_LOCK = Lock()


class RuleEvaluationError(Exception):
    """A rule could not be evaluated, so nothing is known of the batch: an error of the rule."""


@dataclass(frozen=True)
class RuleResult:
    """What became of one rule.

    Attributes:
        rule: The rule.
        success: Whether it holds; with `mostly`, some rows may break it all the same.
        evaluated: Number of rows looked at.
        failing_rows: The labels of the rows that break it, all of them.
        detail: What a rule about the whole frame found; else empty.
    """

    rule: Rule
    success: bool
    evaluated: int
    failing_rows: pd.Index
    detail: str = ""


def evaluate(frame: pd.DataFrame, rules: Sequence[Rule]) -> list[RuleResult]:
    """Evaluate rules on a frame whose index counts from 0; outcomes are in the rules' order.

    Raises:
        RuleNotEvaluated: A rule failed to run, as where it names a column that is not there.
    """
    if not rules:
        return []
    # Imported here: it costs seconds, and only validation pays them, once per process.
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    # The stores named here keep it from making a folder for a site of documents.
    project = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    with _GX_LOCK:
        context = gx.get_context(mode="ephemeral", project_config=project)
        asset = context.data_sources.add_pandas("batch").add_dataframe_asset("batch")
        batch = asset.add_batch_definition_whole_dataframe("batch").get_batch(
            batch_parameters={"dataframe": frame}
        )
        suite = gx.ExpectationSuite(
            name="rules",
            expectations=[
                getattr(gx.expectations, rule.expectation)(**rule.arguments, meta={"rule": number})
                for number, rule in enumerate(rules)
            ],
        )
        # Complete labels, and no lists of values, which are cut off at 200.
        report = batch.validate(suite, result_format={"result_format": "COMPLETE"})
    found = {_number(result): result for result in report.results}
    return [_outcome(frame, rule, found[number]) for number, rule in enumerate(rules)]


def _number(result: Any) -> int:
    return int(result.expectation_config.meta["rule"])


def _outcome(frame: pd.DataFrame, rule: Rule, result: Any) -> RuleResult:
    failure = result.exception_info
    # A failure of the rule itself is keyed by the metric that failed.
    if failure and failure.get("raised_exception", True):
        raise RuleEvaluationError(
            f"rule {rule.name} ({rule.expectation} of {dict(rule.arguments)}) could not be"
            f" evaluated, so the batch was not checked; mend the rule: {failure}"
        )
    broken = pd.Index(result.result.get("unexpected_index_list") or [], dtype="int64")
    mismatched = result.result.get("details", {}).get("mismatched", {})
    missing = [str(name) for name in mismatched.get("missing", [])]
    detail = f"missing: {', '.join(missing)}" if missing else ""
    return RuleResult(rule, bool(result.success), len(frame), broken, detail)
