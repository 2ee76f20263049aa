"""Split a batch into valid and quarantined rows by its table's contract, or refuse it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from expectations.contract import IS_QUARANTINED, Contract, Rule
from tasks.validate.evaluate import RuleResult, evaluate
from tasks.validate.report import quarantine_frame, rule_results_frame
from tasks.validate.shards import evaluate_contract

EXCLUDED_REASON = "the extraction found that the row is none of this table's"


@dataclass(frozen=True)
class Checked:
    """A table's rows of a batch that broke no critical rule.

    Attributes:
        contract: The table's contract.
        valid_rows: The rows that broke no quarantine rule, with the contract's `input_columns`.
        quarantine: One row per (row, rule): `table_name`, `key` (JSON text of the natural key),
            `rule`, `reason`, `row` (JSON text of the whole row as received, NaN as null).
        rule_results: One row per rule: `table_name`, `rule`, `action`, `expectation`, `success`,
            `evaluated` and `unexpected` (rows), `detail` (first examples; empty where none).
    """

    contract: Contract
    valid_rows: pd.DataFrame
    quarantine: pd.DataFrame
    rule_results: pd.DataFrame


@dataclass(frozen=True)
class Refused:
    """A batch that broke a critical rule: none of its rows may be loaded.

    Attributes:
        message: Which rule, by which rows, and what to do next.
        rule_results: As in `Checked`, to be stored although the rows are not.
    """

    message: str
    rule_results: pd.DataFrame


def validate(contract: Contract, frame: pd.DataFrame) -> Checked | Refused:
    """Validate a batch against its contract.

    Every row is checked by every rule: a row that breaks two is quarantined under both names.

    Args:
        contract: The table's contract.
        frame: The batch: the contract's `input_columns` and, from the table's module, its
            `context_columns`. Other columns are allowed and dropped.

    Returns:
        The valid rows in the batch's order, the quarantined rows, and the result of each rule; or
        `Refused` if a stop rule is broken or columns are missing. An empty batch breaks no rule.

    Raises:
        RuleEvaluationError: A rule failed to run; fix the rule before loading anything.
    """
    batch = frame.reset_index(drop=True)
    is_quarantined = pd.Series(False, index=batch.index)
    if batch.empty:
        results = [RuleResult(rule, True, 0, batch.index) for rule in contract.rules]
        batch = batch.reindex(columns=[*contract.input_columns])
    else:
        results, is_quarantined = _evaluate_rules(contract, batch)
    rule_results = rule_results_frame(contract, batch, results)
    if failed := [each for each in results if each.rule.action == "stop" and not each.success]:
        return Refused(_refusal_message(contract, failed, rule_results), rule_results)
    valid = batch.copy()
    for each in results:
        if each.rule.nullify_column is not None:
            valid.loc[each.failing_rows, each.rule.nullify_column] = None
    return Checked(
        contract,
        valid_rows=valid.loc[~is_quarantined, [*contract.input_columns]].reset_index(drop=True),
        quarantine=quarantine_frame(contract, batch, results),
        rule_results=rule_results,
    )


@task(name="validate", task_run_name="validate {contract.table}", cache_policy=NO_CACHE)
def validate_batch(contract: Contract, frame: pd.DataFrame) -> Checked | Refused:
    """Run `validate` as a task; broken rules are logged for debugging, batch by batch.

    The run's end logs one line per broken rule.
    """
    logger = get_run_logger()
    checked = validate(contract, frame)
    results = checked.rule_results
    for found in results.loc[~results["success"].astype(bool)].itertuples():
        logger.debug(
            "%s: %s of %s rows break %s (%s): %s",
            contract.table,
            found.unexpected,
            found.evaluated,
            found.rule,
            found.action,
            found.detail,
        )
    return checked


def add_quarantined_rows(checked: Checked, excluded: pd.DataFrame) -> Checked:
    """Add rows that the extraction excluded to the quarantined rows.

    Args:
        checked: The validated rows of the table.
        excluded: One row per excluded row: its natural key, the `reason`, and its other columns.
    """
    results = [
        RuleResult(Rule(str(reason), EXCLUDED_REASON, "", {}), False, len(rows), rows.index)
        for reason, rows in excluded.groupby("reason")
    ]
    rows = quarantine_frame(checked.contract, excluded, results)
    return replace(checked, quarantine=pd.concat([checked.quarantine, rows]))


def _evaluate_rules(contract: Contract, batch: pd.DataFrame) -> tuple[list[RuleResult], pd.Series]:
    """Return the results of all rules, and which rows are quarantined as a whole."""
    is_quarantined = pd.Series(False, index=batch.index)
    columns_rule = _required_columns_rule(contract)
    if not set(columns_rule.arguments["column_set"]) <= set(batch.columns):
        return evaluate(batch, [columns_rule]), is_quarantined
    results = [RuleResult(columns_rule, True, len(batch), batch.index[:0])]
    last = [rule for rule in contract.rules if rule.arguments.get("column") == IS_QUARANTINED]
    rules = [rule for rule in contract.rules if rule not in last]
    results += evaluate_contract(contract, batch, rules)
    for each in results:
        if each.rule.action == "quarantine" and each.rule.nullify_column is None:
            is_quarantined.loc[each.failing_rows] = True
    results += evaluate(batch.assign(**{IS_QUARANTINED: is_quarantined}), last)
    return results, is_quarantined


def _required_columns_rule(contract: Contract) -> Rule:
    added = ", ".join(contract.context_columns) or "nothing"
    return Rule(
        "columns_missing",
        f"a batch has {', '.join(contract.input_columns)} from its extraction or derivation, and"
        f" expectations/tables/{contract.table}.py adds {added}",
        "ExpectTableColumnsToMatchSet",
        {
            "column_set": [*contract.input_columns, *contract.context_columns],
            "exact_match": False,
        },
        "stop",
    )


def _refusal_message(
    contract: Contract, failed: Sequence[RuleResult], rule_results: pd.DataFrame
) -> str:
    details = dict(zip(rule_results["rule"], rule_results["detail"], strict=True))
    found = "; ".join(
        f"{each.rule.name} ({len(each.failing_rows) or each.evaluated} of {each.evaluated} rows:"
        f" {details[each.rule.name]}): {each.rule.reason}"
        for each in failed
    )
    return (
        f"{contract.qualified_name}: validation failed: {found}. Nothing was loaded, and the table"
        f" keeps its rows. Check the source ({contract.source}); if it is right, fix the rule in"
        f" expectations/tables/{contract.table}.py. Then run the flow again."
    )
