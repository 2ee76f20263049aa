"""Divide a batch into rows to load and rows set aside, by the rules of its table's contract."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from expectations.contract import IS_QUARANTINED, Contract, Rule
from tasks.validate.evaluate import RuleResult, evaluate
from tasks.validate.report import quarantine_frame, rule_results_frame

EXCLUDED_REASON = "the extraction found that the row is none of this table's"


@dataclass(frozen=True)
class Validated:
    """What became of a batch.

    Attributes:
        valid_rows: The rows that broke no quarantine rule, with the contract's `frame_columns`.
        quarantine: One row per (row, rule): `table_name`, `key` (JSON text of the natural key),
            `rule`, `reason`, `row` (JSON text of the whole row as received, NaN as null).
        rule_results: One row per rule: `table_name`, `rule`, `action`, `expectation`, `success`,
            `evaluated` and `unexpected` (rows), `detail` (first examples; empty where none).
    """

    valid_rows: pd.DataFrame
    quarantine: pd.DataFrame
    rule_results: pd.DataFrame


class ValidationFailed(Exception):
    """A rule that guards the whole batch was broken; nothing of it may be loaded.

    Attributes:
        results: As in `Validated`, so that they can be recorded all the same.
    """

    def __init__(self, message: str, results: pd.DataFrame) -> None:
        """Keep the results beside the message."""
        super().__init__(message)
        self.results = results

    def __reduce__(self) -> tuple[type["ValidationFailed"], tuple[str, pd.DataFrame]]:
        """Let it travel between processes with its results."""
        return type(self), (str(self), self.results)


def validate(contract: Contract, frame: pd.DataFrame) -> Validated:
    """Check a batch against its contract.

    Every row is checked by every rule: a row that breaks two is set aside under both names.

    Args:
        contract: The table's contract.
        frame: The batch: the contract's `frame_columns` and, from the `with_context` of the
            table's module, its `context_columns`. Other columns are allowed and dropped.

    Returns:
        The good rows in the batch's order, the rows set aside, and what each rule found. An empty
        batch breaks no rule.

    Raises:
        BatchRefused: A stop rule is broken, or columns are missing. The message names the rule,
            the rows and what to do.
        RuleNotEvaluated: A rule failed to run; mend the rule before loading anything.
    """
    batch = frame.reset_index(drop=True)
    if batch.empty:
        outcomes = [RuleResult(rule, True, 0, batch.index) for rule in contract.rules]
        set_aside = pd.Series(False, index=batch.index)
        batch = batch.reindex(columns=[*contract.input_columns])
    else:
        outcomes, set_aside = _evaluate_rules(contract, batch)
    good = batch.copy()
    for outcome in outcomes:
        if outcome.rule.nullify_column is not None:
            good.loc[outcome.failing_rows, outcome.rule.nullify_column] = None
    return Validated(
        valid_rows=good.loc[~set_aside, [*contract.input_columns]].reset_index(drop=True),
        quarantine=quarantine_frame(contract, batch, outcomes),
        rule_results=rule_results_frame(contract, batch, outcomes),
    )


@task(name="validate", task_run_name="validate {contract.table}", cache_policy=NO_CACHE)
def validate_batch(contract: Contract, frame: pd.DataFrame) -> Validated:
    """Run `validate` as a task and log what it set aside and warned of."""
    logger = get_run_logger()
    validated = validate(contract, frame)
    for found in validated.rule_results.loc[~validated.rule_results["success"]].itertuples():
        logger.warning(
            "%s: %s of %s rows break %s (%s): %s",
            contract.table,
            found.unexpected,
            found.evaluated,
            found.rule,
            found.action,
            found.detail,
        )
    return validated


def add_quarantined_rows(
    contract: Contract, validated: Validated, excluded: pd.DataFrame
) -> Validated:
    """Add to the rows set aside those that the extraction had excluded.

    Args:
        contract: The table that they were not for.
        validated: What validation made of the others.
        excluded: One row per excluded row: its natural key, the `reason` why, and the rest of it.
    """
    outcomes = [
        RuleResult(Rule(str(reason), EXCLUDED_REASON, "", {}), False, len(rows), rows.index)
        for reason, rows in excluded.groupby("reason")
    ]
    rows = quarantine_frame(contract, excluded, outcomes)
    return replace(validated, quarantine=pd.concat([validated.quarantine, rows]))


def _evaluate_rules(contract: Contract, batch: pd.DataFrame) -> tuple[list[RuleResult], pd.Series]:
    """The outcomes of all rules, and which rows the quarantine rules set aside as a whole."""
    outcomes = evaluate(batch, [_required_columns_rule(contract)])
    _raise_if_failed(contract, batch, outcomes)
    annotated = contract.add_rule_columns(batch) if contract.add_rule_columns else batch
    last = [rule for rule in contract.rules if rule.arguments.get("column") == IS_QUARANTINED]
    outcomes += evaluate(annotated, [rule for rule in contract.rules if rule not in last])
    set_aside = pd.Series(False, index=batch.index)
    for outcome in outcomes:
        if outcome.rule.action == "quarantine" and outcome.rule.nullify_column is None:
            set_aside.loc[outcome.failing_rows] = True
    outcomes += evaluate(annotated.assign(**{IS_QUARANTINED: set_aside}), last)
    _raise_if_failed(contract, batch, outcomes)
    return outcomes, set_aside


def _required_columns_rule(contract: Contract) -> Rule:
    added = ", ".join(contract.context_columns) or "nothing"
    return Rule(
        "columns_missing",
        f"a batch has {', '.join(contract.input_columns)} from its extraction or derivation, and"
        f" with_context of expectations/{contract.table}.py adds {added}",
        "ExpectTableColumnsToMatchSet",
        {
            "column_set": [*contract.input_columns, *contract.context_columns],
            "exact_match": False,
        },
        "stop",
    )


def _raise_if_failed(
    contract: Contract, batch: pd.DataFrame, outcomes: Sequence[RuleResult]
) -> None:
    broken = [o for o in outcomes if o.rule.action == "stop" and not o.success]
    if not broken:
        return
    results = rule_results_frame(contract, batch, outcomes)
    details = dict(zip(results["rule"], results["detail"], strict=True))
    found = "; ".join(
        f"{o.rule.name} by {len(o.failing_rows) or o.evaluated} of {o.evaluated} rows"
        f" ({details[o.rule.name]}): {o.rule.reason}"
        for o in broken
    )
    raise ValidationFailed(
        f"{contract.qualified_name} refused the batch, which breaks {found}. "
        "Nothing of it was loaded,"
        f" and what the table holds stands. Look at the source ({contract.source}); if it is right,"
        f" mend the rule in expectations/{contract.table}.py. Then run the flow again.",
        results,
    )
