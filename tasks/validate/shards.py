"""Evaluate the rules of a large batch in shards, where the task runner says."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from expectations.contract import Contract, Rule
from tasks.run.task_runner import has_task_runner, map_shards
from tasks.validate.evaluate import RuleResult, evaluate

# a second or so of rules; the rows of a smaller batch take as long to send as to check
SHARD_ROWS = 50_000


def evaluate_contract(
    contract: Contract, batch: pd.DataFrame, rules: Sequence[Rule]
) -> list[RuleResult]:
    """Add the columns that rules check and evaluate the rules, in shards of whole subjects.

    The results equal those of the batch as a whole: no rule of a contract with a `shard_column`
    compares two subjects.

    Args:
        contract: The table's contract.
        batch: The rows, on an index that counts from 0.
        rules: Rules without `mostly`.
    """
    if contract.shard_column is None or not has_task_runner() or len(batch) < 2 * SHARD_ROWS:
        return evaluate_shard(contract, batch, rules)
    parts = split(batch, contract.shard_column)
    found = map_shards(
        evaluate_shard, ((contract, part.reset_index(drop=True), rules) for part in parts)
    )
    placed = [
        [_at(result, part.index) for result in results]
        for part, results in zip(parts, found, strict=True)
    ]
    return [_merge(results) for results in zip(*placed, strict=True)]


def evaluate_shard(
    contract: Contract, batch: pd.DataFrame, rules: Sequence[Rule]
) -> list[RuleResult]:
    """Add the columns that rules check to whole subjects, and evaluate the rules."""
    annotated = contract.add_rule_columns(batch) if contract.add_rule_columns else batch
    return evaluate(annotated, rules)


def split(batch: pd.DataFrame, column: str) -> list[pd.DataFrame]:
    """Split a batch into parts of whole subjects and about `SHARD_ROWS` rows."""
    codes = pd.factorize(batch[column], use_na_sentinel=False)[0]
    rows_before = np.concatenate([[0], np.bincount(codes).cumsum()[:-1]])
    shards = (rows_before // SHARD_ROWS)[codes]
    return [batch[shards == shard] for shard in np.unique(shards)]


def _at(result: RuleResult, index: pd.Index) -> RuleResult:
    """Return a shard's result with the labels of the batch."""
    labels = index[result.failing_rows.to_numpy(dtype="int64")]
    return RuleResult(result.rule, result.success, result.evaluated, labels, result.detail)


def _merge(results: Sequence[RuleResult]) -> RuleResult:
    """Merge one rule's results of all shards."""
    labels = np.sort(np.concatenate([each.failing_rows.to_numpy() for each in results]))
    details = {each.detail for each in results if len(each.failing_rows)}
    return RuleResult(
        results[0].rule,
        all(each.success for each in results),
        sum(each.evaluated for each in results),
        pd.Index(labels, dtype="int64"),
        details.pop() if len(details) == 1 else "",
    )
