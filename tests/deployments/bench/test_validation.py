"""The compared ways of validation find the same rows, rule by rule."""

import polars as pl
import pytest

from deployments.bench.validation import (
    BREAKS,
    MASKS,
    NOW,
    ROW_CONTRACT,
    break_rows,
    count_valid_by_masks,
    make_batches,
    make_our_validator,
)
from expectations.tables import daily_price
from tasks.validate.validate import validate


@pytest.mark.slow
def test_masks_and_rules_find_the_same_rows_by_rule():
    (batch,) = make_batches(40, 1, is_broken=True)
    checked = validate(ROW_CONTRACT, daily_price.add_context(batch.extracted, NOW))
    found = {
        each.rule: each.unexpected
        for each in checked.rule_results.itertuples()
        if each.rule in MASKS
    }
    assert batch.bars.select(pl.col("close"), **MASKS).select(pl.col(*MASKS).sum()).row(
        0, named=True
    ) == {name: found[name] for name in MASKS}
    assert min(found.values()) > 0
    assert make_our_validator(ROW_CONTRACT)(batch) == count_valid_by_masks(batch)


def test_each_rule_is_broken_once_per_round():
    (batch,) = make_batches(10, 1, is_broken=False)
    broken = break_rows(batch.bars.head(10 * len(BREAKS)), fraction=10)
    assert broken.height == 10 * len(BREAKS) + 1
    assert broken.height - count_valid_by_masks(batch.__class__(broken, batch.extracted)) == len(
        BREAKS
    )
