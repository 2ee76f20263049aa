"""Rules of derived tables: sound rows pass, and each rule finds its bad row."""

from importlib import import_module

import pytest

from expectations import contracts
from tasks.validate.validate import validate
from tests.expectations.conftest import with_value

DERIVED = [contract for contract in contracts().values() if contract.schema == "derived"]
EXAMPLES = {
    contract.table: import_module(f"tests.expectations.examples.{contract.table}")
    for contract in DERIVED
}


@pytest.mark.parametrize("contract", DERIVED, ids=lambda contract: contract.table)
def test_sound_rows_pass(contract):
    checked = validate(contract, EXAMPLES[contract.table].make_frame())
    assert checked.rule_results["success"].all()
    assert list(checked.valid_rows.columns) == list(contract.column_names)


@pytest.mark.parametrize(
    ("contract", "rule"),
    [
        pytest.param(contract, rule, id=f"{contract.table}-{rule.name}")
        for contract in DERIVED
        for rule in contract.rules
    ],
)
def test_each_rule_finds_its_bad_row(contract, rule, assert_broken):
    example = EXAMPLES[contract.table]
    assert_broken(contract, rule, example.BROKEN[rule.name](example.make_frame()))


def test_a_small_index_may_move_by_more_than_half():
    frame = with_value(EXAMPLES["sector_breadth"].make_frame(), "equal_weight_return", 0.6)
    frame = with_value(frame, "priced", 3, row=1)
    frame.loc[1, ["advancers", "decliners", "unchanged"]] = [3, 0, 0]
    assert validate(contracts()["sector_breadth"], frame).rule_results["success"].all()
