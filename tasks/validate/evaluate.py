"""Evaluate rules with Great Expectations: find the rows of a frame that break each rule."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import pandas as pd

from expectations.contract import Rule

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
    numbered = dict(enumerate(rules))
    # with `mostly`, a rule that holds may have failing rows
    listed = {number for number, rule in numbered.items() if "mostly" in rule.arguments}
    found = _validate(frame, numbered, numbered.keys() - listed, "BOOLEAN_ONLY")
    # The labels of failing rows take as long again: only where there are some. COMPLETE lists all
    # of them; other formats stop at 200 values.
    listed |= {number for number, result in found.items() if not result.success}
    found |= _validate(frame, numbered, listed, "COMPLETE")
    return [_rule_result(frame, rule, found[number]) for number, rule in numbered.items()]


def _validate(
    frame: pd.DataFrame, rules: Mapping[int, Rule], numbers: Set[int], result_format: str
) -> dict[int, Any]:
    """Return the results of some of the rules, by number, in a format of Great Expectations."""
    if not numbers:
        return {}
    # imported here because the import takes seconds, and only validation needs it
    import great_expectations as gx

    suite = gx.ExpectationSuite(
        name="rules",
        expectations=[
            getattr(gx.expectations, rules[number].expectation)(
                **rules[number].arguments, meta={"rule": number}
            )
            for number in sorted(numbers)
        ],
    )
    with _GX_LOCK:
        batch = _batch_definition().get_batch(batch_parameters={"dataframe": frame})
        report = batch.validate(suite, result_format={"result_format": result_format})
    return {_number(result): result for result in report.results}


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
    mismatched = result.result.get("details", {}).get("mismatched", {})
    missing = [str(name) for name in mismatched.get("missing", [])]
    detail = f"missing: {', '.join(missing)}" if missing else ""
    return RuleResult(rule, bool(result.success), len(frame), failing_rows, detail)
